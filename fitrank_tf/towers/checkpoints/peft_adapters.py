"""LoRA adapters as `peft` writes them, merged into the tensors that they change.

A kernel W [out, in] becomes W + s B A, A being [rank, in] and B [out, rank] (Hu et al.,
2021).
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.towers.checkpoints.json_config import JsonConfig
from fitrank_tf.towers.checkpoints.safetensors_file import Tensors, open_file

CONFIG_NAME = "adapter_config.json"
_WEIGHTS_NAME = "adapter_model.safetensors"
_PREFIX = "base_model.model."
# Fields that change more than kernels, and the values that leave them alone.
_PLAIN: Mapping[str, Sequence[Any]] = {
    "peft_type": ("LORA",),
    "bias": ("none", None),
    "use_dora": (False, None),
    "lora_bias": (False, None),
    "fan_in_fan_out": (False, None),
    "modules_to_save": (None, []),
}


class AdaptedTensors(Tensors):
    """The tensors of a checkpoint with the adapters that lie beside it.

    Args:
        base: of the checkpoint.
        folder: with `adapter_config.json` and `adapter_model.safetensors`.

    Raises:
        FitRankError: if a file is broken, or the adapters are of another kind than LoRA
            of kernels.
    """

    def __init__(self, base: Tensors, folder: Path):
        super().__init__(base.path, ())
        self._shards = base._shards
        self._config = JsonConfig.read(folder / CONFIG_NAME)
        for name, values in _PLAIN.items():
            if self._config.fields.get(name) not in values:
                raise self._config.error(
                    name, f"must be {values[0]!r}: only LoRA is merged"
                )
        self._adapters = open_file(folder, _WEIGHTS_NAME)

    def take(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """Returns a tensor with its adapter merged; see `Tensors.take`."""
        return super().take(name, shape) + self._change(name, shape)

    def _change(self, name: str, shape: tuple[int, ...]) -> np.ndarray | float:
        layer = name.removesuffix(".weight")
        down, up = (f"{_PREFIX}{layer}.lora_{part}.weight" for part in "AB")
        form = self._adapters.shape(down)
        if form is None or layer == name:
            return 0.0
        rank = form[0]
        narrow = self._adapters.take(down, (rank, *shape[1:]))
        wide = self._adapters.take(up, (shape[0], rank))
        return self._scale(layer, rank) * (wide @ narrow)

    def _scale(self, layer: str, rank: int) -> float:
        alpha = self._config.number("lora_alpha")
        for pattern, other in self._config.section("alpha_pattern").fields.items():
            if re.match(rf"(.*\.)?({pattern})$", layer):
                alpha = float(other)
                break
        return alpha / (rank**0.5 if self._config.get("use_rslora") else rank)

    def refuse_left_over(self) -> None:
        """Holds that every tensor and every adapter was taken.

        Raises:
            FitRankError: naming the first that nothing asked for.
        """
        super().refuse_left_over()
        if self._adapters.names():
            raise FitRankError(
                f"{self._adapters.path}: {self._adapters.names()[0]!r} adapts no kernel of "
                f"{self.path.name}; put the adapters beside the base they were made for"
            )


def open_tensors(folder: Path, name: str) -> Tensors:
    """The tensors of a folder, with adapters of `peft` merged where there are some.

    Args:
        folder: of the checkpoint.
        name: of the file; `<name>.index.json` lists shards.

    Raises:
        FitRankError: if there is neither, or a file is broken.
    """
    tensors = open_file(folder, name)
    if not (folder / CONFIG_NAME).is_file():
        return tensors
    return AdaptedTensors(tensors, folder)
