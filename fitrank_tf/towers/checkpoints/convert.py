"""Converts CLIP checkpoints of other libraries to towers.

Written here because KerasHub converts no CLIP checkpoint of transformers but MetaCLIP 2,
and none of open_clip.
"""

import logging
from collections.abc import Callable
from pathlib import Path

import keras_hub

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.towers.checkpoints import huggingface as huggingface_clip
from fitrank_tf.towers.checkpoints import open_clip
from fitrank_tf.towers.checkpoints.json_config import JsonConfig
from fitrank_tf.towers.towers import Towers

logger = logging.getLogger(__name__)

_Reader = Callable[
    [Path], tuple[keras_hub.models.CLIPBackbone, keras_hub.models.CLIPTokenizer]
]


def towers_from_checkpoint(folder: Path, context_length: int) -> Towers:
    """Loads towers from a local checkpoint of transformers or open_clip.

    Weights are read as float32 from safetensors, in one file or in shards. Photos are
    padded to a white square as everywhere in FitRank, not cropped as in the checkpoint's
    own library.

    Args:
        folder: of transformers (`config.json` of model type clip) or of open_clip
            (`open_clip_config.json`), with weights and tokenizer files.
        context_length: most tokens per text; reduced to the checkpoint's own maximum.

    Raises:
        FitRankError: if the folder holds neither, a file is missing or broken, or the
            network is not CLIP with two plain transformers.
    """
    backbone, tokenizer = _reader(folder)(folder)
    longest = backbone.text_encoder.max_sequence_length
    logger.info("towers converted from %s", folder)
    return Towers(backbone, tokenizer, min(context_length, longest))


def _reader(folder: Path) -> _Reader:
    """Reader of the folder's format; LAION's have both configs, not always both weights."""
    own, other = folder / huggingface_clip.CONFIG_NAME, folder / open_clip.CONFIG_NAME
    if own.is_file() and other.is_file():
        return _reader_of_both(folder)
    if own.is_file():
        return huggingface_clip.read_huggingface_clip
    if other.is_file():
        return open_clip.read_open_clip
    raise FitRankError(
        f"{folder} is no CLIP checkpoint: it has neither {own.name} nor {other.name}; name "
        "a folder of transformers, open_clip or KerasHub"
    )


def _reader_of_both(folder: Path) -> _Reader:
    config = JsonConfig.read(folder / huggingface_clip.CONFIG_NAME)
    weights = list(folder.glob(f"{huggingface_clip.WEIGHTS_NAME}*"))
    if config.get("model_type") == huggingface_clip.MODEL_TYPE and weights:
        return huggingface_clip.read_huggingface_clip
    return open_clip.read_open_clip
