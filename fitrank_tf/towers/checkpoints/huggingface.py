"""Reads CLIP checkpoints in transformers' format: OpenAI's, FashionCLIP, TinyCLIP.

Names and meanings of the fields follow transformers' CLIPConfig and CLIPModel.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import keras_hub
import numpy as np

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.towers.backbones import TowerSizes, TransformerSizes, new_clip
from fitrank_tf.towers.blocks import parts_of
from fitrank_tf.towers.checkpoints.json_config import JsonConfig
from fitrank_tf.towers.checkpoints.layer_weights import (
    PhotoStatistics,
    check_sizes,
    fill,
    fill_attention,
    fill_dense,
    fill_norm,
    fill_patches,
    fill_tokens,
    fill_transposed,
    read_statistics,
)
from fitrank_tf.towers.checkpoints.peft_adapters import open_tensors
from fitrank_tf.towers.checkpoints.safetensors_file import Tensors
from fitrank_tf.towers.checkpoints.tokenizer_files import read_tokenizer
from fitrank_tf.towers.clip_towers import CLIP_MEAN, CLIP_STD, ClipTowers

CONFIG_NAME = "config.json"
WEIGHTS_NAME = "model.safetensors"

# Fields that a config leaves out have these values (CLIPConfig of transformers).
_EPSILON = 1e-5
_SHARED = {
    "num_hidden_layers": 12,
    "hidden_act": "quick_gelu",
    "layer_norm_eps": _EPSILON,
}
_TEXT = {
    **_SHARED,
    "vocab_size": 49408,
    "hidden_size": 512,
    "intermediate_size": 2048,
    "num_attention_heads": 8,
    "max_position_embeddings": 77,
}
_VISION = {
    **_SHARED,
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_attention_heads": 12,
    "num_channels": 3,
    "image_size": 224,
    "patch_size": 32,
}
# Names of transformers, and of KerasHub.
_ACTIVATIONS = {"quick_gelu": "quick_gelu", "gelu": "gelu"}
_STATISTICS = PhotoStatistics(CLIP_MEAN, CLIP_STD)
# Stands for the end token's id in old configs; transformers then takes the argmax.
_LEGACY_END = 2
_POSITION_IDS = (
    "text_model.embeddings.position_ids",
    "vision_model.embeddings.position_ids",
)


def read_huggingface_clip(
    folder: Path,
) -> tuple[keras_hub.models.CLIPBackbone, keras_hub.models.CLIPTokenizer]:
    """Loads network and tokenizer from a folder.

    Args:
        folder: with `config.json`, `model.safetensors` (or shards and their index),
            tokenizer files and, where the photos' statistics are not CLIP's,
            `preprocessor_config.json`.

    Raises:
        FitRankError: if a file is missing or broken, or the network is not CLIP with
            two plain transformers.
    """
    config = JsonConfig.read(folder / CONFIG_NAME)
    sizes = _sizes(config)
    tokenizer = read_tokenizer(folder, sizes.vocabulary_size)
    _check_end(config, tokenizer)
    statistics = photo_statistics(folder, _STATISTICS)
    tensors = open_tensors(folder, WEIGHTS_NAME)
    check_sizes(sizes, config)
    # KerasHub's last layer norm of the text tower adds 1e-6 to the variance v where the
    # checkpoints' own code adds 1e-5: a factor of 1 + 4.5e-6 / v, which normalising the
    # embedding nearly cancels.
    kept = dataclasses.replace(sizes, vocabulary_size=tokenizer.vocabulary_size())
    backbone = new_clip(kept)
    check_position_ids(tensors, sizes, ClipTowers.class_tokens)
    _fill_vision(backbone, tensors, statistics)
    _fill_text(backbone, tensors, sizes.vocabulary_size)
    fill(backbone.clip_head.logit_scale, tensors, "logit_scale")
    tensors.refuse_left_over()
    return backbone, tokenizer


def _tower_config(config: JsonConfig, name: str, defaults: dict[str, Any]) -> JsonConfig:
    """A tower's fields; `<name>_dict` of old files takes precedence."""
    if config.get(f"{name}_dict"):
        return config.section(f"{name}_dict", defaults)
    return config.section(name, defaults)


def _sizes(config: JsonConfig) -> TowerSizes:
    text = _tower_config(config, "text_config", _TEXT)
    vision = _tower_config(config, "vision_config", _VISION)
    check_channels(vision)
    return TowerSizes(
        vision=transformer_sizes(vision, _ACTIVATIONS, _EPSILON),
        text=transformer_sizes(text, _ACTIVATIONS, _EPSILON),
        image_size=vision.side("image_size"),
        patch_size=vision.side("patch_size"),
        vocabulary_size=text.whole("vocab_size"),
        context_length=text.whole("max_position_embeddings"),
        embedding_dim=config.whole("projection_dim", 512),
    )


def check_channels(vision: JsonConfig) -> None:
    """Checks that the image tower reads three channels."""
    if vision.get("num_channels") != 3:
        raise vision.error("num_channels", "must be 3: photos are read in colour")


def transformer_sizes(
    tower: JsonConfig, activations: Mapping[str, str], epsilon: float
) -> TransformerSizes:
    """Reads the sizes of one tower.

    Args:
        tower: its fields.
        activations: those that the family may have -> KerasHub's names of them.
        epsilon: of the family's layer norms.

    Raises:
        FitRankError: if a field holds anything else.
    """
    if tower.get("hidden_act") not in activations:
        raise tower.error("hidden_act", f"must be one of {tuple(activations)}")
    if tower.number("layer_norm_eps") != epsilon:
        raise tower.error("layer_norm_eps", f"must be {epsilon}, as KerasHub's network has")
    return TransformerSizes(
        width=tower.whole("hidden_size"),
        layers=tower.whole("num_hidden_layers"),
        heads=tower.whole("num_attention_heads"),
        intermediate=tower.whole("intermediate_size"),
        activation=activations[tower.get("hidden_act")],
    )


def _check_end(config: JsonConfig, tokenizer: keras_hub.models.CLIPTokenizer) -> None:
    text = _tower_config(config, "text_config", _TEXT)
    end = tokenizer.end_token_id
    if text.get("eos_token_id", end) not in (_LEGACY_END, end, [end]):
        raise text.error("eos_token_id", f"must be {end}, the tokenizer's end mark")


def photo_statistics(folder: Path, default: PhotoStatistics) -> PhotoStatistics:
    """Reads the photos' mean and standard deviation.

    Args:
        folder: of the checkpoint.
        default: where no file or no field names them.

    Raises:
        FitRankError: if photos are scaled in another way.
    """
    path = folder / "preprocessor_config.json"
    if path.is_file():
        return _read_statistics(JsonConfig.read(path), default)
    # CLIPProcessor of newer releases writes the same fields into its own file.
    path = folder / "processor_config.json"
    if path.is_file():
        section = JsonConfig.read(path).section("image_processor")
        return _read_statistics(section, default)
    return default


def _read_statistics(config: JsonConfig, default: PhotoStatistics) -> PhotoStatistics:
    if config.get("do_rescale", True) is not True:
        raise config.error("do_rescale", "must be true: towers read photos in 0..1")
    if abs(config.get("rescale_factor", 1 / 255) * 255 - 1) > 1e-6:
        raise config.error("rescale_factor", "must be 1/255: towers read photos in 0..1")
    if config.get("do_normalize", True) is not True:
        return PhotoStatistics(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    return read_statistics(config, "image_mean", "image_std", default)


def check_position_ids(tensors: Tensors, sizes: TowerSizes, class_tokens: int) -> None:
    """Checks the position ids of older files, which KerasHub does not load."""
    patches = (sizes.image_size // sizes.patch_size) ** 2
    for name, count in zip(_POSITION_IDS, (sizes.context_length, class_tokens + patches)):
        if name not in tensors.names():
            continue
        if not np.array_equal(tensors.take(name, (1, count))[0], np.arange(count)):
            raise FitRankError(
                f"{tensors.path}: tensor {name!r} must count from 0 to {count - 1}: "
                "positions in another order are not supported"
            )


def _fill_vision(
    backbone: keras_hub.models.CLIPBackbone, tensors: Tensors, statistics: PhotoStatistics
) -> None:
    encoder, prefix = backbone.vision_encoder, "vision_model"
    embedding, names = encoder.embedding, f"{prefix}.embeddings"
    fill(embedding.class_embedding, tensors, f"{names}.class_embedding")
    fill_patches(
        ClipTowers,
        embedding,
        tensors,
        (f"{names}.patch_embedding.weight", f"{names}.position_embedding.weight"),
        statistics,
    )
    # The misspelling is the checkpoints' own.
    fill_norm(encoder.pre_layer_norm, tensors, f"{prefix}.pre_layrnorm")
    fill_blocks(encoder, tensors, prefix)
    fill_norm(encoder.layer_norm, tensors, f"{prefix}.post_layernorm")
    fill_transposed(backbone.vision_projection.kernel, tensors, "visual_projection.weight")


def _fill_text(
    backbone: keras_hub.models.CLIPBackbone, tensors: Tensors, rows: int
) -> None:
    encoder, prefix = backbone.text_encoder, "text_model"
    embedding, names = encoder.embedding, f"{prefix}.embeddings"
    tokens = embedding.token_embedding.embeddings
    fill_tokens(tokens, tensors, f"{names}.token_embedding.weight", rows)
    fill(
        embedding.position_embedding.position_embeddings,
        tensors,
        f"{names}.position_embedding.weight",
    )
    fill_blocks(encoder, tensors, prefix)
    fill_norm(encoder.layer_norm, tensors, f"{prefix}.final_layer_norm")
    fill_transposed(backbone.text_projection.kernel, tensors, "text_projection.weight")


def fill_blocks(encoder: keras.Model, tensors: Tensors, prefix: str) -> None:
    """Assigns the transformer blocks of a tower, whose tensors' names have a prefix."""
    for index, block in enumerate(encoder.encoder_layers):
        name = f"{prefix}.encoder.layers.{index}"
        parts = parts_of(block)
        fill_norm(parts.attention_norm, tensors, f"{name}.layer_norm1")
        inputs, output = _attention(tensors, f"{name}.self_attn", encoder.hidden_dim)
        fill_attention(parts.attention, inputs, output)
        fill_norm(parts.mlp_norm, tensors, f"{name}.layer_norm2")
        fill_dense(parts.mlp_in, tensors, f"{name}.mlp.fc1")
        fill_dense(parts.mlp_out, tensors, f"{name}.mlp.fc2")


def _attention(
    tensors: Tensors, name: str, width: int
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    weights, biases = [
        [
            tensors.take(f"{name}.{part}_proj.{kind}", shape)
            for part in ("q", "k", "v", "out")
        ]
        for kind, shape in (("weight", (width, width)), ("bias", (width,)))
    ]
    inputs = np.stack(weights[:3]), np.stack(biases[:3])
    return inputs, (weights[3], biases[3])
