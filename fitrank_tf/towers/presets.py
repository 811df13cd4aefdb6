"""Loads trained towers from presets, local folders and Hugging Face."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub
import keras_hub

from fitrank_tf.core.errors import FitRankError, first_line
from fitrank_tf.core.shipped import folder_here_or_shipped
from fitrank_tf.towers.checkpoints.convert import towers_from_checkpoint
from fitrank_tf.towers.checkpoints.json_config import JsonConfig
from fitrank_tf.towers.families import towers_of
from fitrank_tf.towers.sentence_pieces import piece_tokenizer_of
from fitrank_tf.towers.towers import Towers

logger = logging.getLogger(__name__)

_HUB = "hf://"
_WANTED = ["*.json", "*.txt", "*.model", "*.safetensors"]


def towers_from_preset(preset: str, context_length: int) -> Towers:
    """Loads trained towers.

    Args:
        preset: a KerasHub preset name; a folder of KerasHub, of transformers or of
            open_clip, in the working directory or shipped with the package; or
            "hf://owner/name", which is downloaded first.
        context_length: most tokens per text; see `towers_of`.

    Raises:
        FitRankError: if there is no such preset, or it cannot be read.
    """
    is_remote = preset.startswith(_HUB)
    folder = _download(preset) if is_remote else folder_here_or_shipped(preset)
    if folder is not None and not _is_keras_hub(folder):
        return towers_from_checkpoint(folder, context_length)
    here = preset if is_remote or folder is None else str(folder)
    return _towers_from_keras_hub(here, context_length, _tokenizer_from_keras_hub)


def _tokenizer_from_keras_hub(preset: str) -> keras_hub.models.Tokenizer:
    tokenizer = keras_hub.models.Tokenizer.from_preset(preset)
    if isinstance(tokenizer, keras_hub.tokenizers.SentencePieceTokenizer):
        return piece_tokenizer_of(tokenizer)
    return tokenizer


def _download(preset: str) -> Path:
    logger.info("downloading %s", preset)
    try:
        return Path(
            huggingface_hub.snapshot_download(
                preset.removeprefix(_HUB), allow_patterns=_WANTED
            )
        )
    except Exception as error:  # no network, no such name, no permission: many kinds
        raise FitRankError(
            f"preset {preset!r} cannot be downloaded ({first_line(error)}); check the "
            "name, or pass a local folder with its files"
        ) from error


def _is_keras_hub(folder: Path) -> bool:
    path = folder / "config.json"
    return path.is_file() and "registered_name" in JsonConfig.read(path).fields


def towers_without_tokenizer(folder: Path, context_length: int) -> Towers:
    """Loads trained towers without their tokenizer, which needs TensorFlow.

    Args:
        folder: in KerasHub's layout.
        context_length: most tokens per text; reduced to the towers' own maximum.

    Raises:
        FitRankError: if the folder cannot be read.
    """
    return _towers_from_keras_hub(str(folder), context_length, lambda preset: None)


def _towers_from_keras_hub(
    preset: str, context_length: int, load_tokenizer: Callable[[str], Any]
) -> Towers:
    try:
        backbone = keras_hub.models.Backbone.from_preset(preset)
        tokenizer = load_tokenizer(preset)
    except Exception as error:  # KerasHub and its hubs raise many kinds
        raise FitRankError(
            f"preset {preset!r} cannot be loaded ({first_line(error)}); name a KerasHub "
            f"preset of CLIP or SigLIP, {_HUB}owner/name, or a local folder of KerasHub, "
            "transformers or open_clip"
        ) from error
    return towers_of(backbone, tokenizer, context_length)
