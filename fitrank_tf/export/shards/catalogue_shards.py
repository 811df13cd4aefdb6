"""What a search stores of a catalogue's products, on disk in Parquet shards.

    <folder>/catalogue.json                      what they were made of, the attributes
    <folder>/products-00003-of-00011.parquet     a row a product

The columns are `id`, `title`, `content` (a digest of photo, title and attributes),
`attributes` (a text for each of those in catalogue.json), and the tables of
`SearchTables`: lists of float32. A shard's footer repeats what it was made of, so a file
that strays in from another folder is refused.
"""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from fitrank_tf.core.errors import FitRankError, first_line
from fitrank_tf.core.files import write_atomically, written_aside
from fitrank_tf.datasets.attributes import Attribute, Declaration
from fitrank_tf.export.graphs.served_catalogue import SearchableCatalogue, SearchTables
from fitrank_tf.features.io.saved_features import ShardSummary

_INFO_FILE = "catalogue.json"
_TABLES = tuple(field.name for field in dataclasses.fields(SearchTables))
_SUMMARY, _MADE_OF = b"fitrank", b"fitrank_made_of"
# Raised when the columns, or what the code computes for them, change.
_FORMAT = "1"
_ROWS = 4096
# A palette's colour: CIE L, a, b and its share.
_OF_COLOUR = 4


@dataclasses.dataclass(frozen=True)
class BuildSummary(ShardSummary):
    """Counts of one shard.

    Attributes:
        written: number of products.
        skipped: {reason: ids of products that are not in it}.
        copied: how many products were taken from earlier shards.
    """

    copied: int


def shard_name(number: int, count: int) -> str:
    """The file name of shard `number` (from 0) of `count`."""
    return f"products-{number:05d}-of-{count:05d}.parquet"


def origin(catalogue: str, models: str) -> dict[str, str]:
    """What shards are made of, as catalogue.json and their footers tell it.

    Args:
        catalogue: its fingerprint.
        models: `LoadedBundle.products_fingerprint`.
    """
    return {"catalogue": catalogue, "models": models, "format": _FORMAT}


def begin_shards(
    folder: Path,
    made_of: Mapping[str, str],
    filters: Sequence[Attribute],
    files: Sequence[str],
) -> None:
    """Makes a folder for shards, or checks that an existing one can be continued.

    Args:
        folder: to write to.
        made_of: from `origin`.
        filters: the attributes that products can be filtered by.
        files: names of all shards.

    Raises:
        FitRankError: if the folder's shards, or one of them, are of something else.
    """
    declared = Declaration(tuple(filters)).to_plain()
    info = {"made_of": dict(made_of), "declaration": declared, "files": list(files)}
    text = json.dumps(info, indent=1)
    path = folder / _INFO_FILE
    if not path.exists():
        _check_footers(folder, files, made_of)
        write_atomically(path, text.encode("utf-8"))
        return
    there = _read_info(folder)
    for what, fingerprint in made_of.items():
        if there["made_of"].get(what) != fingerprint:
            raise FitRankError(
                f"{folder} holds products of another {what}; name another "
                "--output_dir, and this one with --since to take over what is the same"
            )
    if there["files"] != info["files"]:
        raise FitRankError(
            f"{folder} has shards of another size; give the --shard_size of before, or "
            "name another --output_dir"
        )
    _check_footers(folder, files, made_of)


def write_shard(
    path: Path,
    products: SearchableCatalogue,
    contents: Sequence[str],
    copied: int,
    skipped: Mapping[str, Sequence[str]],
    made_of: Mapping[str, str],
) -> None:
    """Writes a shard; it is not there before it is complete.

    Args:
        path: of the file.
        products: of the shard, none or more.
        contents: a digest of each product.
        copied: how many of them were taken from earlier shards.
        skipped: {reason: ids of products that are not in it}.
        made_of: from `origin`.
    """
    texts = zip(*(products.attributes[each.name] for each in products.filters))
    rows = [*texts] if products.filters else [()] * len(products)
    columns: dict[str, pa.Array] = {
        "id": pa.array(products.ids, pa.string()),
        "title": pa.array(products.titles, pa.string()),
        "content": pa.array(contents, pa.string()),
        "attributes": pa.array(map(list, rows), pa.list_(pa.string())),
    }
    for name in _TABLES:
        table = getattr(products.tables, name)
        width = int(np.prod(table.shape[1:]))
        flat = pa.array(np.ascontiguousarray(table, np.float32).ravel())
        columns[name] = pa.FixedSizeListArray.from_arrays(flat, width)
    summary = BuildSummary(len(products), skipped, copied)
    plain = json.dumps(dataclasses.asdict(summary)).encode("utf-8")
    whole = pa.table(columns).replace_schema_metadata(
        {_SUMMARY: plain, _MADE_OF: json.dumps(dict(made_of)).encode("utf-8")}
    )
    with written_aside(path) as unfinished:
        pq.write_table(whole, unfinished, row_group_size=_ROWS, compression="zstd")


class CatalogueShards:
    """The finished shards of a catalogue.

    Args:
        folder: that `build-catalogue` wrote.

    Attributes:
        filters: the attributes that products can be filtered by.
        summaries: of the shards, in their order.

    Raises:
        FitRankError: if the folder is none, not finished, or of another format, or a file
            is not of this folder.
    """

    def __init__(self, folder: Path):
        info = _read_info(folder)
        self.filters = Declaration.from_plain(info["declaration"]).attributes
        self._folder, self._made_of = folder, info["made_of"]
        if self._made_of.get("format") != _FORMAT:
            raise FitRankError(
                f"{folder} holds products of another format; run build-catalogue into "
                "another --output_dir"
            )
        self._files = [folder / name for name in info["files"]]
        missing = [path for path in self._files if not path.exists()]
        if missing:
            raise FitRankError(
                f"{missing[0]} is missing: build-catalogue was interrupted; run it again, "
                "it resumes where it stopped"
            )
        self.summaries = [_summary(path, self._made_of) for path in self._files]

    def __len__(self) -> int:
        return sum(summary.written for summary in self.summaries)

    def check_models(self, fingerprint: str) -> None:
        """Checks that products were embedded by a bundle's models.

        Args:
            fingerprint: `LoadedBundle.products_fingerprint`.

        Raises:
            FitRankError: if other models made them.
        """
        if self._made_of["models"] != fingerprint:
            raise FitRankError(
                f"{self._folder} was made by the models of another bundle: run "
                "build-catalogue with this one"
            )

    def __iter__(self) -> Iterator[SearchableCatalogue]:
        """The products in their order, some thousand at a time."""
        for path in self._files:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(batch_size=_ROWS):
                    if batch.num_rows:
                        yield self._products(pa.Table.from_batches([batch]))

    def find(self, ids: Iterable[str]) -> tuple[SearchableCatalogue, Sequence[str]]:
        """The products of some ids that are here, in any order, and their digests.

        Only the files that hold some of them are read.
        """
        wanted = list(ids)
        keys, numbers = self._files_of_ids
        places = np.searchsorted(keys, _keys(wanted))
        places = places[places < len(keys)]
        files = [self._files[number] for number in np.unique(numbers[places])]
        # Where no file holds any, the first says what the columns are.
        chosen = ds.field("id").isin(wanted)
        table = ds.dataset(files or self._files[:1], format="parquet").to_table(
            filter=chosen
        )
        return self._products(table), table["content"].to_pylist()

    @functools.cached_property
    def _files_of_ids(self) -> tuple[np.ndarray, np.ndarray]:
        """Keys of all ids, rising, uint64 [N], and the numbers of their files, [N]."""
        columns = [pq.read_table(path, columns=["id"])["id"] for path in self._files]
        keys = np.concatenate([_keys(column.to_pylist()) for column in columns])
        numbers = np.repeat(np.arange(len(columns)), [len(column) for column in columns])
        order = np.argsort(keys, kind="stable")
        return keys[order], numbers[order]

    def _products(self, table: pa.Table) -> SearchableCatalogue:
        rows = table["attributes"].to_pylist()
        arrays = {name: _array(table[name]) for name in _TABLES}
        arrays["palette"] = arrays["palette"].reshape(
            len(table), arrays["palette"].shape[1] // _OF_COLOUR, _OF_COLOUR
        )
        return SearchableCatalogue(
            tuple(table["id"].to_pylist()),
            tuple(table["title"].to_pylist()),
            {
                each.name: tuple(row[place] for row in rows)
                for place, each in enumerate(self.filters)
            },
            SearchTables(**arrays),
            self.filters,
        )


def joined(
    parts: Sequence[SearchableCatalogue], filters: tuple[Attribute, ...]
) -> SearchableCatalogue:
    """Some catalogues of the same attributes and models, one behind the other.

    Args:
        parts: at least one.
        filters: their attributes.
    """
    first, *others = (part.tables for part in parts)
    return SearchableCatalogue(
        tuple(item for part in parts for item in part.ids),
        tuple(title for part in parts for title in part.titles),
        {
            each.name: tuple(text for part in parts for text in part.attributes[each.name])
            for each in filters
        },
        first.joined(*others),
        filters,
    )


def _keys(ids: Iterable[str]) -> np.ndarray:
    """64 bits of a digest of each id: equal ids have equal keys."""
    digests = [hashlib.blake2b(item.encode(), digest_size=8).digest() for item in ids]
    return np.frombuffer(b"".join(digests), np.uint64)


def _array(column: pa.ChunkedArray) -> np.ndarray:
    """The lists of a column as float32 [N, width]."""
    flat = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return flat.reshape(len(column), column.type.list_size)


def _check_footers(folder: Path, files: Sequence[str], made_of: Mapping[str, str]) -> None:
    """Refuses finished shards of something else, which a run would take for its own."""
    for name in files:
        if (folder / name).exists():
            _summary(folder / name, made_of)


def _summary(path: Path, made_of: Mapping[str, str]) -> BuildSummary:
    """The counts in a file's footer, which must be of what `made_of` says."""
    try:
        metadata = pq.read_schema(path).metadata or {}
        there = json.loads(metadata[_MADE_OF])
        summary = BuildSummary(**json.loads(metadata[_SUMMARY]))
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise FitRankError(
            f"{path} cannot be read ({first_line(error)}); delete it and run "
            "build-catalogue again"
        ) from error
    for what, fingerprint in made_of.items():
        if there.get(what) != fingerprint:
            raise FitRankError(
                f"{path} is of another {what} than its folder; delete it and "
                "run build-catalogue again"
            )
    return summary


def _read_info(folder: Path) -> Mapping[str, Any]:
    path = folder / _INFO_FILE
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
        return {name: info[name] for name in ("made_of", "declaration", "files")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FitRankError(
            f"{path} cannot be read ({error!r}); name a folder that build-catalogue wrote"
        ) from error
