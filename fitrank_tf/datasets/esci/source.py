"""Amazon's Shopping Queries (ESCI) as a `TextOnlySource`: two Parquet files."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fitrank_tf.core.errors import FitRankError, first_line
from fitrank_tf.datasets.attributes import CATEGORY, Attribute, Declaration
from fitrank_tf.datasets.manual_dir import ManualDir
from fitrank_tf.datasets.product_source import ProductRow, content_fingerprint
from fitrank_tf.datasets.tables.cells import clean_text
from fitrank_tf.datasets.text_only import NO_PHOTO, Label, TextOnlySource

UNPACK = (
    "fetch shopping_queries_dataset_examples.parquet and ..._products.parquet of "
    "github.com/amazon-science/esci-data, and name their folder with --manual_dir"
)
# Irrelevant, complement, substitute, exact.
GRADES = {"I": 0, "C": 1, "S": 2, "E": 3}
# {configuration: locale, and the column that marks the examples of its version}.
CONFIGS: Mapping[str, tuple[str, str]] = {
    f"{locale}_{version}": (locale, f"{version}_version")
    for locale in ("us", "es", "jp")
    for version in ("small", "large")
}
_EXAMPLES = "shopping_queries_dataset_examples.parquet"
_PRODUCTS = "shopping_queries_dataset_products.parquet"
_ATTRIBUTES = {"brand": "product_brand", "colour": "product_color"}
_ID, _LOCALE = "product_id", "product_locale"


class EsciSource(TextOnlySource):
    """The products that the examples of a locale and a version name.

    Raises:
        FitRankError: if a file is missing.
    """

    def __init__(self, manual_dir: str, config: str = next(iter(CONFIGS))):
        super().__init__(manual_dir, config)
        self._folder = ManualDir(manual_dir, _EXAMPLES, UNPACK).root
        self._locale, self._version = CONFIGS[config]

    @classmethod
    def declaration_of(cls, config: str) -> Declaration:
        names = tuple(_ATTRIBUTES)
        return Declaration(tuple(Attribute(one, CATEGORY) for one in names), names)

    @property
    def where(self) -> str:
        return str(self._folder)

    def rows(self) -> Iterator[ProductRow]:
        named = {example[_ID] for example in self._examples([_ID])}
        columns = [_ID, _LOCALE, "product_title", *_ATTRIBUTES.values()]
        for number, product in enumerate(_read(self._folder / _PRODUCTS, columns), start=1):
            if product[_LOCALE] == self._locale and product[_ID] in named:
                yield ProductRow(
                    id=product[_ID],
                    text=clean_text(product["product_title"] or ""),
                    attributes={
                        name: clean_text(product[column] or "")
                        for name, column in _ATTRIBUTES.items()
                    },
                    photos=(NO_PHOTO,),
                    line=number,
                )

    def labels(self) -> Iterator[Label]:
        for example in self._examples([_ID, "query", "esci_label", "split"]):
            # The queries of the split "test" are there to measure.
            if example["split"] == "train":
                yield Label(example["query"], example[_ID], GRADES[example["esci_label"]])

    def fingerprint(self) -> str:
        sizes = [
            (name, str((self._folder / name).stat().st_size))
            for name in (_EXAMPLES, _PRODUCTS)
        ]
        return content_fingerprint([self._config.encode()], sizes)

    def _examples(self, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
        needed = [*columns, _LOCALE, self._version]
        for example in _read(self._folder / _EXAMPLES, needed):
            if example[_LOCALE] == self._locale and example[self._version]:
                yield example


def _read(path: Path, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The rows of a Parquet file, of which a batch is in memory at a time.

    Raises:
        FitRankError: if it cannot be read or lacks a column.
    """
    try:
        file = pq.ParquetFile(path)
        if absent := set(columns) - set(file.schema_arrow.names):
            raise FitRankError(f"{path}: no column {sorted(absent)[0]!r}: {UNPACK}")
        for batch in file.iter_batches(columns=list(columns)):
            yield from batch.to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise FitRankError(
            f"{path}: cannot be read ({first_line(error)}); {UNPACK}"
        ) from error
