"""Unpacks tables that are compressed, or that are alone in a zip archive."""

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath

import pyarrow as pa

from fitrank_tf.core.errors import FitRankError, first_line
from fitrank_tf.core.photos.folder import ZIP_READ_ERRORS

ZIP = b"PK\x03\x04"

# How a table's name ends, to find it in an archive with photos.
_SUFFIXES = (
    *(".csv", ".tsv", ".txt", ".tab", ".json", ".jsonl", ".ndjson", ".parquet", ".arrow"),
    *(".feather", ".xlsx", ".xls", ".xlsb", ".ods", ".gz", ".bz2", ".xz", ".zst"),
)
# A member that only workbooks have: of Excel, of OpenDocument.
_OF_WORKBOOKS = ("[Content_Types].xml", "mimetype")
# Some archives unpack to themselves.
_MOST_LAYERS = 3


def unpacked(data: bytes, path: str) -> bytes:
    """The bytes of a table without its compression; those of a workbook as they are.

    Args:
        data: the file's bytes, perhaps of gzip, bzip2, xz, Zstandard or zip.
        path: name of the file in messages.

    Raises:
        FitRankError: if they are damaged, or an archive holds no table or several.
    """
    for _ in range(_MOST_LAYERS):
        unpack = next((of for magic, of in _UNPACK.items() if data.startswith(magic)), None)
        if unpack is None:
            return data
        try:
            data = unpack(data)
        # Of bzip2 that is cut off: ValueError.
        except (*ZIP_READ_ERRORS, lzma.LZMAError, pa.ArrowException, ValueError) as error:
            raise FitRankError(
                f"{path}: cannot be unpacked ({first_line(error)}); pack it again"
            ) from error
        except _NotOneTableError as error:
            raise FitRankError(
                f"{path}: the archive holds {error}; unpack it, and name a table"
            ) from error
    return data


class _NotOneTableError(Exception):
    """An archive without a table, or with several; the message says which."""


def _table_of_zip(data: bytes) -> bytes:
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except zipfile.BadZipFile:
        return data  # a workbook that is cut off
    with archive:
        names = archive.namelist()
        if any(name in names for name in _OF_WORKBOOKS):
            return data
        tables = [name for name in map(PurePosixPath, names) if _is_table(name)]
        if len(tables) != 1:
            raise _NotOneTableError(", ".join(map(str, tables[:5])) or "no table")
        (table,) = tables
        return archive.read(str(table))


def _is_table(name: PurePosixPath) -> bool:
    is_hidden = name.name.startswith(".") or name.parts[:1] == ("__MACOSX",)
    return name.suffix.lower() in _SUFFIXES and not is_hidden


def _zstandard(data: bytes) -> bytes:
    return pa.input_stream(io.BytesIO(data), compression="zstd").read()


_UNPACK: Mapping[bytes, Callable[[bytes], bytes]] = {
    b"\x1f\x8b": gzip.decompress,
    b"BZh": bz2.decompress,
    b"\xfd7zXZ\0": lzma.decompress,
    b"\x28\xb5\x2f\xfd": _zstandard,
    ZIP: _table_of_zip,
}
