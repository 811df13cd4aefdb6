"""The tensors of a checkpoint, in one safetensors file or in shards."""

from collections.abc import Iterable
from pathlib import Path

# NumPy then knows bfloat16 by name, which safetensors asks for.
import ml_dtypes  # noqa: F401
import numpy as np
from safetensors import SafetensorError, safe_open

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.towers.checkpoints.json_config import JsonConfig

_DTYPES = ("F64", "F32", "F16", "BF16", "I64", "I32")


class Tensors:
    """The tensors of one checkpoint, each of which can be taken once.

    Files are mapped: a tensor costs memory only while it is read.

    Attributes:
        path: the file named in errors: the only one, or the index of the shards.

    Args:
        path: as above.
        shards: the safetensors files.

    Raises:
        FitRankError: if a file is missing, cut short or of another format.
    """

    def __init__(self, path: Path, shards: Iterable[Path]):
        self.path = path
        self._shards: dict[str, tuple[Path, safe_open]] = {}
        for shard in shards:
            file = _open(shard)
            self._shards |= dict.fromkeys(file.keys(), (shard, file))

    def take(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """Returns a tensor and removes it from this object.

        Args:
            name: in the file.
            shape: required shape.

        Returns:
            float32, whatever the file's dtype.

        Raises:
            FitRankError: if there is no such tensor, or one of another shape or dtype.
        """
        if name not in self._shards:
            raise FitRankError(
                f"{self.path} has no tensor {name!r}; it does not hold the network that "
                "the config beside it describes"
            )
        path, file = self._shards.pop(name)
        entry = file.get_slice(name)
        if entry.get_shape() != list(shape):
            raise FitRankError(
                f"{path}: tensor {name!r} is {entry.get_shape()}, but the config beside "
                f"it asks for {list(shape)}"
            )
        if entry.get_dtype() not in _DTYPES:
            raise FitRankError(
                f"{path}: tensor {name!r} is {entry.get_dtype()}; save the checkpoint as "
                "F64, F32, F16 or BF16"
            )
        return file.get_tensor(name).astype(np.float32, copy=False)

    def shape(self, name: str) -> list[int] | None:
        """The shape of a tensor not yet taken; None if there is none of this name."""
        entry = self._shards.get(name)
        return None if entry is None else entry[1].get_slice(name).get_shape()

    def take_unbatched(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """`take`, of a tensor that may also be written in a batch of one."""
        if self.shape(name) == [1, *shape]:
            return self.take(name, (1, *shape))[0]
        return self.take(name, shape)

    def names(self) -> list[str]:
        """The tensors not yet taken."""
        return sorted(self._shards)

    def refuse_left_over(self) -> None:
        """Holds that every tensor was taken: one left means a different network.

        Raises:
            FitRankError: naming the first tensors that nothing asked for.
        """
        if self._shards:
            names = ", ".join(map(repr, self.names()[:5]))
            raise FitRankError(
                f"{self.path} has {len(self._shards)} tensors that the plain network has "
                f"not: {names}; only CLIP and SigLIP with two plain transformers are "
                "supported"
            )


def open_file(folder: Path, name: str) -> Tensors:
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
    pickled = next(iter([*folder.glob("*.bin"), *folder.glob("*.pt")]), "FILE.bin")
    raise FitRankError(
        f"{folder} has no {name}; .bin and .pt files, which can run code when they are "
        'read, have to be converted first: python -c "import torch, safetensors.torch; '
        "safetensors.torch.save_file({name: tensor.clone() for name, tensor in "
        f"torch.load('{pickled}', weights_only=True).items()}}, '{path}')\""
    )


def _open(path: Path) -> safe_open:
    try:
        return safe_open(path, framework="np")
    except OSError as error:
        raise FitRankError(f"{path} cannot be read: {error}") from error
    except SafetensorError as error:
        raise FitRankError(
            f"{path} is cut short or no safetensors file ({error}); copy it again"
        ) from error
