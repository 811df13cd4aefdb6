"""Converts checkpoints of other libraries to towers.

Written here because KerasHub converts no CLIP checkpoint of transformers but MetaCLIP 2, no
SigLIP, and none of open_clip.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.towers.checkpoints import huggingface, open_clip
from fitrank_tf.towers.checkpoints.huggingface_siglip import read_huggingface_siglip
from fitrank_tf.towers.checkpoints.json_config import JsonConfig
from fitrank_tf.towers.checkpoints.open_clip_siglip import (
    is_open_clip_siglip,
    read_open_clip_siglip,
)
from fitrank_tf.towers.checkpoints.peft_adapters import CONFIG_NAME as ADAPTERS_NAME
from fitrank_tf.towers.families import towers_of
from fitrank_tf.towers.towers import Towers

logger = logging.getLogger(__name__)

# Folder -> KerasHub's network and tokenizer.
_Reader = Callable[[Path], tuple[Any, Any]]
# By the `model_type` of transformers.
_READERS: dict[str, _Reader] = {
    "clip": huggingface.read_huggingface_clip,
    "siglip": read_huggingface_siglip,
    "siglip2": read_huggingface_siglip,
}


def towers_from_checkpoint(folder: Path, context_length: int) -> Towers:
    """Loads towers from a local checkpoint of transformers or open_clip.

    Weights are read as float32 from safetensors, in one file or in shards. Photos are
    padded to a white square as everywhere in FitRank, not cropped as in the checkpoint's
    own library.

    Args:
        folder: of transformers (`config.json` of model type clip, siglip or siglip2) or
            of open_clip (`open_clip_config.json`), with weights and tokenizer files.
        context_length: most tokens per text; reduced to the checkpoint's own maximum.

    Raises:
        FitRankError: if the folder holds neither, a file is missing or broken, or the
            network is not CLIP or SigLIP with two plain transformers.
    """
    backbone, tokenizer = _reader(folder)(folder)
    logger.info("towers converted from %s", folder)
    return towers_of(backbone, tokenizer, context_length)


def _reader(folder: Path) -> _Reader:
    """Reader of the folder's format; LAION's have both configs, not always both weights."""
    own, other = folder / huggingface.CONFIG_NAME, folder / open_clip.CONFIG_NAME
    adapters = folder / ADAPTERS_NAME
    if adapters.is_file() and not own.is_file() and not other.is_file():
        raise JsonConfig.read(adapters).error(
            "base_model_name_or_path",
            "is the base of the adapters: put their files into one folder with its own",
        )
    if not own.is_file() and not other.is_file():
        raise FitRankError(
            f"{folder} is no CLIP checkpoint: it has neither {own.name} nor {other.name}; "
            "name a folder of transformers, open_clip or KerasHub"
        )
    if not own.is_file():
        return _open_clip_reader(folder)
    config = JsonConfig.read(own)
    reader = _READERS.get(config.get("model_type"))
    weights = list(folder.glob(f"{huggingface.WEIGHTS_NAME}*"))
    if other.is_file() and not (reader and weights):
        return _open_clip_reader(folder)
    if reader is None:
        raise config.error("model_type", f"must be one of {tuple(_READERS)}")
    return reader


def _open_clip_reader(folder: Path) -> _Reader:
    if is_open_clip_siglip(folder):
        return read_open_clip_siglip
    return open_clip.read_open_clip
