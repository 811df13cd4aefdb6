"""Miniatures of Marqo's fashion corpora, with queries in the form of their ground truth."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.miniatures.files import write_ground_truth
from benchmarks.miniatures.products import described, products, views
from fitrank_tf.datasets.synthetic_catalogue.product import Product

_SHARDS = 2
_IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


class Corpus(NamedTuple):
    """How a corpus is written.

    Attributes:
        columns: {column: attribute of a drawn product}.
        text: of a product.
        item_id: of a product by its number.
        queries: columns whose values are queries.
    """

    columns: Mapping[str, str]
    text: Callable[[Product], str]
    item_id: Callable[[int], int | str]
    queries: tuple[str, ...] = ()


CORPORA: Mapping[str, Corpus] = {
    "kagl": Corpus(
        {
            "gender": "gender",
            "category1": "category",
            "category2": "subcategory",
            "category3": "article_type",
            "baseColour": "colour",
            "season": "season",
            "year": "year",
            "usage": "usage",
        },
        lambda product: product.text,
        lambda number: 15970 + 11 * number,
        ("category1", "category2", "category3", "baseColour"),
    ),
    "fashion200k": Corpus(
        {
            "category1": "category",
            "category2": "subcategory",
            "category3": "article_type",
        },
        described,
        lambda number: f"women_dresses_casual_{51727804 + number}",
        ("category1", "category2", "category3"),
    ),
    "atlas": Corpus(
        {"gender": "gender", "category": "subcategory", "sub-category": "article_type"},
        described,
        lambda number: f"atlas_{number:06d}",
    ),
    "polyvore": Corpus(
        {"category": "article_type"},
        lambda product: product.text,
        lambda number: str(100002074 + 3 * number),
        ("category",),
    ),
}


def write(folder: Path, num_items: int, seed: int, corpus: str) -> None:
    """Writes so many products of one of `CORPORA`."""
    form = CORPORA[corpus]
    rows: list[dict[str, Any]] = []
    for number, product in zip(range(num_items), products(seed)):
        cells: dict[str, Any] = {
            column: product.attributes[name] for column, name in form.columns.items()
        }
        if "year" in cells:
            # A column with missing numbers is one of floats.
            cells["year"] = float(cells["year"])
        photo = {"bytes": views(product, 1)[0].jpeg(), "path": f"{number}.jpg"}
        rows.append(
            {
                "image": photo,
                **cells,
                "text": form.text(product),
                "item_ID": form.item_id(number),
            }
        )
    (folder / "data").mkdir(parents=True)
    for shard in range(_SHARDS):
        some = rows[shard * len(rows) // _SHARDS : (shard + 1) * len(rows) // _SHARDS]
        columns = {name: [row[name] for row in some] for name in rows[0]}
        table = pa.table({**columns, "image": pa.array(columns["image"], _IMAGE)})
        name = f"data-{shard:05d}-of-{_SHARDS:05d}.parquet"
        pq.write_table(table, folder / "data" / name)
    finds = {"text": "image", **dict.fromkeys(form.queries, "image+text")}
    for column, kind in finds.items():
        documents = [(row[column], str(row["item_ID"])) for row in rows]
        write_ground_truth(folder, column, kind, documents)
