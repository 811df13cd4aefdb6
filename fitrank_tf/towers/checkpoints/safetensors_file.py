"""Tensors of a checkpoint in the safetensors format.

The format is small enough to need no package: 8 bytes with the header's length
(little-endian), the header in JSON, then the tensors' bytes, row-major and
little-endian. Files are mapped, so that a tensor costs memory only while it is read.
"""

import dataclasses
import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.towers.checkpoints.json_config import JsonConfig

_LENGTH_BYTES = 8
# NumPy knows no bfloat16: it is the upper half of a float32.
_DTYPES = {"F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4"}


@dataclasses.dataclass(frozen=True)
class _Entry:
    path: Path
    dtype: str
    shape: tuple[int, ...]
    offset: int

    def read(self) -> np.ndarray:
        count = math.prod(self.shape)
        data = np.memmap(self.path, _DTYPES[self.dtype], "r", self.offset, (count,))
        if self.dtype == "BF16":
            return (data.astype(np.uint32) << 16).view(np.float32).reshape(self.shape)
        return np.asarray(data, np.float32).reshape(self.shape)


class Tensors:
    """The tensors of one checkpoint, each to be taken once.

    Attributes:
        path: the file that complaints name: the only one, or the index of the shards.

    Args:
        path: as above.
        shards: the safetensors files.

    Raises:
        FitRankError: if a file is missing, cut short or of another format.
    """

    def __init__(self, path: Path, shards: Iterable[Path]):
        self.path = path
        self._entries: dict[str, _Entry] = {}
        for shard in shards:
            self._entries.update(_read_header(shard))

    def take(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """A tensor, which is then gone from here.

        Args:
            name: as the file has it.
            shape: that it must have.

        Returns:
            float32, whatever the file holds.

        Raises:
            FitRankError: if there is no such tensor, or one of another shape or kind.
        """
        entry = self._entries.pop(name, None)
        if entry is None:
            raise FitRankError(
                f"{self.path} has no tensor {name!r}; it does not hold the network that "
                "the config beside it describes"
            )
        if entry.shape != tuple(shape):
            raise FitRankError(
                f"{entry.path}: tensor {name!r} is {list(entry.shape)}, but the config "
                f"beside it asks for {list(shape)}"
            )
        if entry.dtype not in _DTYPES:
            raise FitRankError(
                f"{entry.path}: tensor {name!r} is {entry.dtype}; save the checkpoint as "
                "F32, F16 or BF16"
            )
        return entry.read()

    def names(self) -> list[str]:
        """The tensors not yet taken."""
        return sorted(self._entries)

    def refuse_left_over(self) -> None:
        """Holds that every tensor was taken: one left means a different network.

        Raises:
            FitRankError: naming the first tensors that nothing asked for.
        """
        if self._entries:
            names = ", ".join(map(repr, self.names()[:5]))
            raise FitRankError(
                f"{self.path} has {len(self._entries)} tensors that a plain CLIP has "
                f"not: {names}; only CLIP with two plain transformers is supported"
            )


def open_tensors(folder: Path, name: str) -> Tensors:
    """The tensors of a folder, in one file or in shards with an index.

    Args:
        folder: of the checkpoint.
        name: of the file; `<name>.index.json` lists shards.

    Raises:
        FitRankError: if there is neither, or a file is broken.
    """
    path, index = folder / name, folder / f"{name}.index.json"
    if path.is_file():
        return Tensors(path, [path])
    if index.is_file():
        shards = JsonConfig.read(index).section("weight_map").fields.values()
        return Tensors(index, [folder / str(shard) for shard in sorted(set(shards))])
    raise FitRankError(
        f"{folder} has no {name}; a checkpoint in another format (.bin, .pt) has to be "
        "saved as safetensors first"
    )


def _read_header(path: Path) -> dict[str, _Entry]:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(0)
            length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
            start = _LENGTH_BYTES + length
            if start > size:
                raise _cut_short(path)
            header = json.loads(file.read(length))
    except OSError as error:
        raise FitRankError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise FitRankError(f"{path} is no safetensors file; copy it again") from error
    if not isinstance(header, dict):
        raise FitRankError(f"{path} is no safetensors file; copy it again")
    header.pop("__metadata__", None)
    entries = {name: _entry(path, name, value, start) for name, value in header.items()}
    # Checked for all tensors here, so that nothing is built from half a file.
    if any(value["data_offsets"][1] + start > size for value in header.values()):
        raise _cut_short(path)
    return entries


def _entry(path: Path, name: str, value: dict[str, Any], start: int) -> _Entry:
    try:
        begin, end = value["data_offsets"]
        entry = _Entry(path, value["dtype"], tuple(value["shape"]), start + begin)
        dtype = _DTYPES.get(entry.dtype)
        sound = begin >= 0 and (
            dtype is None
            or end - begin == math.prod(entry.shape) * np.dtype(dtype).itemsize
        )
    except (KeyError, TypeError, ValueError):
        sound = False
    if not sound:
        raise FitRankError(
            f"{path}: the header of tensor {name!r} is broken; copy it again"
        )
    return entry


def _cut_short(path: Path) -> FitRankError:
    return FitRankError(f"{path} is cut short or no safetensors file; copy it again")
