"""Marqo's fashion corpora as a `ProductSource`: Parquet shards as Hugging Face has them.

A corpus is `data/data-000NN-of-000MM.parquet` with the columns `image` (bytes and path),
`text`, `item_ID` and categories. `columns.json` says which columns are attributes.
"""

import contextlib
import functools
import io
import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.photos.clean import UnreadablePhoto
from fitrank_tf.core.photos.names import MISSING_IMAGE
from fitrank_tf.datasets.attributes import CATEGORY, NUMBER, Attribute, Declaration
from fitrank_tf.datasets.manual_dir import located
from fitrank_tf.datasets.product_source import ProductRow, content_fingerprint
from fitrank_tf.datasets.public_builder import PublicSource
from fitrank_tf.datasets.tables import Table
from fitrank_tf.datasets.tables.arrow import parquet_header, read_parquet

logger = logging.getLogger(__name__)

UNPACK = (
    "fetch the folder `data` with all its Parquet files from Hugging Face (Marqo/KAGL, "
    "fashion200k, atlas or polyvore) and name the folder that it is in with --manual_dir"
)
_SHARDS = "data-[0-9]*-of-[0-9]*.parquet"
_SHARD = re.compile(r"data-(\d+)-of-(\d+)\.parquet")
_ID, _TEXT, _IMAGE = "item_ID", "text", "image"

# {configuration: `columns` of its attributes, and what `Declaration` says of them}.
CONFIGS: Mapping[str, Mapping[str, Any]] = json.loads(
    Path(__file__).with_name("columns.json").read_text(encoding="utf-8")
)


class MarqoParquetSource(PublicSource):
    """The shards of a corpus, of which rows and photos are read when they are asked for.

    Raises:
        FitRankError: if there is no shard, or one cannot be read or lacks a column.
    """

    def __init__(self, manual_dir: str, config: str = next(iter(CONFIGS))):
        super().__init__(manual_dir, config)
        self._shards = _shards(manual_dir, config)
        headers = [
            Table(str(path), "", parquet_header(str(path)), (), "Parquet")
            for path in self._shards
        ]
        for table in headers:
            for column in (_ID, _TEXT, _IMAGE):
                _column(table, column)
        found = self._found(headers[0])
        absent = [name for name, column in found.items() if column is None]
        if len(absent) == len(found):
            raise _lacks(headers[0], absent)
        if absent:
            logger.warning("%s: no column for %s", self.where, ", ".join(absent))

    @classmethod
    @functools.cache
    def declaration_of(cls, config: str) -> Declaration:
        of = CONFIGS[config]
        return Declaration(
            tuple(
                Attribute(name, NUMBER if name in of["numbers"] else CATEGORY)
                for name in of["columns"]
            ),
            tuple(of["facets"]),
            of["decisive"],
            tuple(of["alone"]),
        )

    @property
    def where(self) -> str:
        return str(self._shards[0].parent)

    @property
    def has_splits(self) -> bool:
        return False

    def rows(self) -> Iterator[ProductRow]:
        for path in self._shards:
            header, rows = read_parquet(str(path))
            table = Table(str(path), "", header, rows, "Parquet")
            ids, texts = (table.texts(_column(table, name)) for name in (_ID, _TEXT))
            photos = table.photos(_column(table, _IMAGE))
            cells = {
                name: table.texts(column)
                for name, column in self._found(table).items()
                if column is not None
            }
            for number, row in enumerate(rows):
                yield ProductRow(
                    id=ids[number],
                    text=texts[number],
                    attributes={name: column[number] for name, column in cells.items()},
                    photos=tuple(photos[number]),
                    problem=row.problem,
                    line=row.line,
                )

    def read_photo(self, photo: str) -> bytes:
        # A photo that is in the table is no name.
        raise UnreadablePhoto(MISSING_IMAGE)

    def fingerprint(self) -> str:
        """Of the shards' ends, which say where the values of each column lie."""
        sizes = [(path.name, str(path.stat().st_size)) for path in self._shards]
        return content_fingerprint(map(_footer, self._shards), sizes)

    def _found(self, table: Table) -> Mapping[str, str | None]:
        """{attribute: its column, None where there is none}."""
        return {
            name: next(filter(None, map(table.find, columns)), None)
            for name, columns in CONFIGS[self._config]["columns"].items()
        }


def _column(table: Table, name: str) -> str:
    """The name of a column as the table spells it.

    Raises:
        FitRankError: if there is none.
    """
    column = table.find(name)
    if column is None:
        raise _lacks(table, [name])
    return column


def _lacks(table: Table, names: Sequence[str]) -> FitRankError:
    return FitRankError(
        f"{table.path}: no column {' or '.join(map(repr, names))}; it has "
        f"{', '.join(table.header)}: {UNPACK}"
    )


def _shards(manual_dir: str, config: str) -> Sequence[Path]:
    """The shards of a corpus in order; says which are missing.

    They are in a folder that is named after the corpus, or else in any that is not named
    after another.
    """
    names = (config, config.upper(), config.capitalize())
    own = [f"*{name}/{place}{_SHARDS}" for name in names for place in ("data/", "")]
    with contextlib.suppress(FitRankError):
        return _in_order(located(manual_dir, own, UNPACK).parent)
    anywhere = (f"data/{_SHARDS}", _SHARDS)
    others = tuple(name for name in CONFIGS if name != config)
    unpack = f"{UNPACK} (folders of {', '.join(others)} are those of other corpora)"
    return _in_order(located(manual_dir, anywhere, unpack, others).parent)


def _in_order(folder: Path) -> Sequence[Path]:
    found = {path: _SHARD.fullmatch(path.name) for path in folder.glob(_SHARDS)}
    numbers = {path: int(name[1]) for path, name in found.items() if name}
    count = max(int(name[2]) for name in found.values() if name)
    absent = sorted(set(range(count)) - set(numbers.values()))
    if absent:
        logger.warning(
            "%s: %d of %d shards are missing, and so are their products: %s",
            folder,
            len(absent),
            count,
            ", ".join(f"data-{number:05}-of-{count:05}.parquet" for number in absent),
        )
    return sorted(numbers, key=lambda path: (numbers[path], path.name))


def _footer(path: Path) -> bytes:
    """The metadata at the end of a Parquet file, behind which its size stands."""
    with path.open("rb") as file:
        file.seek(-8, io.SEEK_END)
        size = int.from_bytes(file.read(4), "little")
        file.seek(-8 - size, io.SEEK_END)
        return file.read(size)
