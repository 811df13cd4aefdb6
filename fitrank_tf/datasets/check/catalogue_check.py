"""What is in a catalogue, what is left out, and what can be learned from it."""

import dataclasses
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fitrank_tf.core.photos.clean import UnreadablePhoto
from fitrank_tf.core.progress import tracked
from fitrank_tf.datasets.attributes import NUMBER, Attribute, Declaration
from fitrank_tf.datasets.check.near_values import NearValues, near_values
from fitrank_tf.datasets.check.photo_prints import (
    PhotoPrint,
    photo_print,
    same_files,
    same_pictures,
)
from fitrank_tf.datasets.product_builder import checked_rows, usable_photo
from fitrank_tf.datasets.product_source import ProductRow, ProductSource
from fitrank_tf.datasets.splits import SPLITS, TRAIN, split_of, title_key

# Of a value on fewer training products the models learn little.
RARE = 5


@dataclasses.dataclass(frozen=True)
class Place:
    """A product in the source's table.

    Attributes:
        id: the product's id, "" if it has none.
        line: its line in the table, 0 without a table.
    """

    id: str
    line: int


@dataclasses.dataclass(frozen=True)
class AttributeCheck:
    """The values of an attribute.

    Attributes:
        kind: one of `datasets.attributes.KINDS`.
        missing: number of products without a value.
        counts: {value: number of products}, the most frequent first.
        learned: values on `RARE` training products or more.
        rare: the other values.
        near: pairs of values that may be one.
    """

    kind: str
    missing: int
    counts: Mapping[str, int]
    learned: Sequence[str]
    rare: Sequence[str]
    near: Sequence[NearValues]

    @property
    def of_what(self) -> str:
        """What is counted: a number's ranges, or values."""
        return "ranges" if self.kind == NUMBER else "values"


@dataclasses.dataclass(frozen=True)
class CatalogueCheck:
    """All findings. Products are those that can be used.

    Attributes:
        where: path of the table or folder.
        num_rows: number of rows of the source.
        num_products: number of products.
        left_out: {reason: rows that cannot be used}.
        without_title: products without a title.
        num_titles: number of different titles.
        splits: {split: number of products}.
        attributes: {attribute: its values}.
        same_files: groups of products whose photos are equal byte by byte.
        same_pictures: groups of products whose photos show the same picture.
        findings: what a person should look at, a sentence each.
    """

    where: str
    num_rows: int
    num_products: int
    left_out: Mapping[str, Sequence[Place]]
    without_title: Sequence[Place]
    num_titles: int
    splits: Mapping[str, int]
    attributes: Mapping[str, AttributeCheck]
    same_files: Sequence[Sequence[Place]]
    same_pictures: Sequence[Sequence[Place]]
    findings: Sequence[str]

    def to_plain(self) -> dict[str, Any]:
        """All of it in types of JSON."""
        return dataclasses.asdict(self)


def check_source(source: ProductSource) -> tuple[CatalogueCheck, list[ProductRow]]:
    """Reads all rows and photos of a source once, without storing them.

    Args:
        source: an opened source.

    Returns:
        (findings, rows of the products in order).
    """
    rows = list(checked_rows(source))
    left_out: dict[str, list[Place]] = {}
    products: list[ProductRow] = []
    prints: list[PhotoPrint] = []

    def read(row: ProductRow, problem: str) -> PhotoPrint | str:
        try:
            return problem or photo_print(usable_photo(source, row))
        except UnreadablePhoto as error:
            return str(error)

    # Pillow decodes beside Python, and threads wait for disks.
    with ThreadPoolExecutor(2 * (os.cpu_count() or 1)) as readers:
        results = readers.map(read, *zip(*rows)) if rows else iter(())
        for (row, _), found in zip(
            rows, tracked(results, "checking", "products", len(rows))
        ):
            if isinstance(found, str):
                left_out.setdefault(found, []).append(_place(row))
            else:
                products.append(row)
                prints.append(found)
    splits = [split_of(row.id, row.text) for row in products]
    groups = [
        [[_place(products[n]) for n in group] for group in find(prints)]
        for find in (same_files, same_pictures)
    ]
    check = CatalogueCheck(
        where=source.where,
        num_rows=len(rows),
        num_products=len(products),
        left_out=left_out,
        without_title=[_place(row) for row in products if not row.text],
        num_titles=len({title_key(row.text) for row in products if row.text}),
        splits={split: splits.count(split) for split in SPLITS},
        attributes=_attributes(products, splits, source.declaration),
        same_files=groups[0],
        same_pictures=groups[1],
        findings=(),
    )
    return dataclasses.replace(check, findings=tuple(_findings(check))), products


def _place(row: ProductRow) -> Place:
    return Place(row.id, row.line)


def _values(row: ProductRow, attribute: Attribute) -> Sequence[str]:
    cell = row.attributes.get(attribute.name, "")
    if attribute.ranges:
        return attribute.values(attribute.cell(cell))
    return [value for value in ([cell] if isinstance(cell, str) else cell) if value]


def _attributes(
    products: Sequence[ProductRow], splits: Sequence[str], declaration: Declaration
) -> dict[str, AttributeCheck]:
    """Of all attributes but free texts; numbers by range."""
    given = {name for row in products for name in row.attributes}
    found = {}
    for attribute in declaration.filters:
        name = attribute.name
        if name not in given:
            continue
        values = [_values(row, attribute) for row in products]
        counts = Counter(value for of in values for value in of)
        trained = Counter(
            value for of, split in zip(values, splits) if split == TRAIN for value in of
        )
        ordered = dict(counts.most_common())
        found[name] = AttributeCheck(
            kind=attribute.kind,
            missing=sum(not of for of in values),
            counts=ordered,
            learned=[value for value in ordered if trained[value] >= RARE],
            rare=[value for value in ordered if trained[value] < RARE],
            near=() if attribute.kind == NUMBER else near_values(counts),
        )
    return found


def _findings(check: CatalogueCheck) -> list[str]:
    """Sentences on all that a person may want to mend, the worst first."""
    found = [
        f"{len(places)} of {check.num_rows} rows are left out: {reason}"
        for reason, places in check.left_out.items()
    ]
    if not check.num_products:
        return [*found, "no product can be used"]
    found += [
        f"no product is in the {split} split: products of one title stay together, and "
        f"there are {check.num_titles} titles"
        for split, count in check.splits.items()
        if not count
    ]
    if check.without_title:
        found.append(f"{len(check.without_title)} products have no title")
    for groups, same in ((check.same_files, "file"), (check.same_pictures, "picture")):
        if groups:
            number = sum(map(len, groups))
            found.append(f"{number} products share {len(groups)} photos (the same {same})")
    for name, attribute in check.attributes.items():
        found += _attribute_findings(name, attribute, check.num_products)
    return found


def _attribute_findings(
    name: str, attribute: AttributeCheck, num_products: int
) -> list[str]:
    if attribute.missing == num_products:
        return [f"{name}: no product has a value"]
    found = []
    if attribute.missing:
        found.append(
            f"{name}: {attribute.missing} of {num_products} products have no value"
        )
    if attribute.rare:
        found.append(
            f"{name}: {len(attribute.rare)} of {len(attribute.counts)} {attribute.of_what} "
            f"are on fewer than {RARE} training products, few to learn from: they can be "
            "filtered by, and are found by titles"
        )
    if attribute.near:
        pair = attribute.near[0]
        found.append(
            f"{name}: {len(attribute.near)} pairs of values may be one, such as "
            f"{pair.frequent!r} and {pair.rare!r}"
        )
    return found
