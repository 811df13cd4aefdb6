"""Reads SigLIP and SigLIP 2 checkpoints in open_clip's format, such as Marqo's.

Their text tower is open_clip's own, their image tower timm's. Names and meanings of the
fields follow open_clip's CLIPVisionCfg, CLIPTextCfg and `state_dict` of CustomTextCLIP.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import keras_hub
import numpy as np

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.towers.backbones import TowerSizes, TransformerSizes, new_siglip
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
    read_statistics,
)
from fitrank_tf.towers.checkpoints.open_clip import (
    CONFIG_NAME,
    TEXT,
    WEIGHTS_NAME,
    fill_blocks,
)
from fitrank_tf.towers.checkpoints.peft_adapters import open_tensors
from fitrank_tf.towers.checkpoints.piece_files import read_piece_tokenizer
from fitrank_tf.towers.checkpoints.safetensors_file import Tensors
from fitrank_tf.towers.sentence_pieces import PieceTokenizer
from fitrank_tf.towers.siglip_towers import SIGLIP_MEAN, SIGLIP_STD, SiglipTowers

# timm's names tell what the tensors do not: heads, and the activation of the largest.
_NAME = re.compile(r"vit_(\w+?)_patch\d+_siglip_\d+")
_HEADS = {"base": 12, "large": 16, "so400m": 16, "giantopt": 16}
_TANH = ("giantopt",)
# What makes a text tower SigLIP's; other values are other networks.
_NEEDED: Mapping[str, Any] = {
    "no_causal_mask": True,
    "proj_bias": True,
    "pool_type": "last",
    "norm_kwargs": {"eps": 1e-6},
}
_CLEANING = {"canonicalize": "canonical_words"}


def is_open_clip_siglip(folder: Path) -> bool:
    """Whether the image tower that the folder's config names is one of timm's SigLIP."""
    model = JsonConfig.read(folder / CONFIG_NAME).section("model_cfg")
    name = model.section("vision_cfg").get("timm_model_name", "")
    return "_siglip" in str(name)


def read_open_clip_siglip(
    folder: Path,
) -> tuple[keras_hub.models.SigLIPBackbone, PieceTokenizer]:
    """Loads network and tokenizer from a folder.

    Args:
        folder: with `open_clip_config.json`, `open_clip_model.safetensors` and
            `tokenizer.json` or `spiece.model`.

    Raises:
        FitRankError: if a file is missing or broken, or the network is not SigLIP.
    """
    config = JsonConfig.read(folder / CONFIG_NAME)
    model = config.section("model_cfg")
    tensors = open_tensors(folder, WEIGHTS_NAME)
    sizes = _sizes(model, tensors)
    text = model.section("text_cfg")
    clean = text.section("tokenizer_kwargs").get("clean")
    if clean not in _CLEANING:
        raise text.error("tokenizer_kwargs", f"must name clean, of {tuple(_CLEANING)}")
    tokenizer = read_piece_tokenizer(folder, sizes.vocabulary_size, _CLEANING[clean])
    statistics = read_statistics(
        config.section("preprocess_cfg"),
        "mean",
        "std",
        PhotoStatistics(SIGLIP_MEAN, SIGLIP_STD),
    )
    check_sizes(sizes, config)
    backbone = new_siglip(sizes)
    _fill_vision(backbone.vision_encoder, tensors, statistics)
    _fill_text(backbone.text_encoder, tensors)
    for name in ("logit_scale", "logit_bias"):
        getattr(backbone.siglip_head, name).assign(tensors.take_unbatched(name, ()))
    tensors.refuse_left_over()
    return backbone, tokenizer


def _sizes(model: JsonConfig, tensors: Tensors) -> TowerSizes:
    vision, text = model.section("vision_cfg"), model.section("text_cfg", TEXT)
    for name, value in _NEEDED.items():
        if text.get(name) != value:
            raise text.error(name, f"must be {value!r}, as SigLIP's is")
    width = text.whole("width")
    approximate = text.section("act_kwargs").get("approximate") == "tanh"
    image_tower, patch_size = _image_tower(vision, tensors)
    if model.whole("embed_dim") != image_tower.width:
        raise model.error("embed_dim", f"must be {image_tower.width}, the image tower's")
    return TowerSizes(
        vision=image_tower,
        text=TransformerSizes(
            width=width,
            layers=text.whole("layers"),
            heads=text.whole("heads"),
            intermediate=int(width * text.number("mlp_ratio")),
            activation=_gelu(approximate),
        ),
        image_size=vision.side("image_size"),
        patch_size=patch_size,
        vocabulary_size=text.whole("vocab_size"),
        context_length=text.whole("context_length"),
        embedding_dim=image_tower.width,
    )


def _image_tower(vision: JsonConfig, tensors: Tensors) -> tuple[TransformerSizes, int]:
    """Sizes of timm's tower and the side of its patches, as its tensors have them."""
    name = _NAME.fullmatch(vision.get("timm_model_name"))
    if name is None or name[1] not in _HEADS:
        raise vision.error(
            "timm_model_name", f"must be vit_X_patchN_siglip_N with X of {tuple(_HEADS)}"
        )
    for field, value in (("timm_pool", "map"), ("timm_proj", "none")):
        if vision.get(field) != value:
            raise vision.error(field, f"must be {value!r}, as SigLIP's is")
    kernel = tensors.shape("visual.trunk.patch_embed.proj.weight")
    hidden = tensors.shape("visual.trunk.blocks.0.mlp.fc1.bias")
    if kernel is None or hidden is None:
        raise FitRankError(
            f"{tensors.path} has no tensors of timm's image tower; it does not hold the "
            "network that the config beside it describes"
        )
    blocks = {key.split(".")[3] for key in tensors.names() if ".trunk.blocks." in key}
    sizes = TransformerSizes(
        width=kernel[0],
        layers=len(blocks),
        heads=_HEADS[name[1]],
        intermediate=hidden[0],
        activation=_gelu(name[1] in _TANH),
    )
    return sizes, kernel[-1]


def _gelu(approximate: bool) -> str:
    return "gelu_approximate" if approximate else "gelu"


def _fill_vision(
    encoder: keras.Model, tensors: Tensors, statistics: PhotoStatistics
) -> None:
    prefix, embedding, width = "visual.trunk", encoder.embedding, encoder.hidden_dim
    fill_patches(
        SiglipTowers,
        embedding,
        tensors,
        (f"{prefix}.patch_embed.proj.weight", f"{prefix}.pos_embed"),
        statistics,
    )
    fill(embedding.patch_embedding.bias, tensors, f"{prefix}.patch_embed.proj.bias")
    for index, block in enumerate(encoder.encoder_layers):
        name, parts = f"{prefix}.blocks.{index}", parts_of(block)
        fill_norm(parts.attention_norm, tensors, f"{name}.norm1")
        inputs = _stacked(tensors, f"{name}.attn.qkv", 3, width)
        output = _linear(tensors, f"{name}.attn.proj", width)
        fill_attention(parts.attention, inputs, output)
        fill_norm(parts.mlp_norm, tensors, f"{name}.norm2")
        fill_dense(parts.mlp_in, tensors, f"{name}.mlp.fc1")
        fill_dense(parts.mlp_out, tensors, f"{name}.mlp.fc2")
    fill_norm(encoder.post_layer_norm, tensors, f"{prefix}.norm")
    head, name = encoder.head, f"{prefix}.attn_pool"
    fill(head.probe, tensors, f"{name}.latent")
    query, rest = (
        _stacked(tensors, f"{name}.{part}", count, width)
        for part, count in (("q", 1), ("kv", 2))
    )
    inputs = np.concatenate([query[0], rest[0]]), np.concatenate([query[1], rest[1]])
    fill_attention(head.attention, inputs, _linear(tensors, f"{name}.proj", width))
    fill_norm(head.layer_norm, tensors, f"{name}.norm")
    fill_dense(head.mlp.fc1, tensors, f"{name}.mlp.fc1")
    fill_dense(head.mlp.fc2, tensors, f"{name}.mlp.fc2")


def _stacked(
    tensors: Tensors, name: str, count: int, width: int
) -> tuple[np.ndarray, np.ndarray]:
    """Weights [count, D, D] and biases [count, D] of projections above each other."""
    weights = tensors.take(f"{name}.weight", (count * width, width))
    biases = tensors.take(f"{name}.bias", (count * width,))
    return weights.reshape(count, width, width), biases.reshape(count, width)


def _linear(tensors: Tensors, name: str, width: int) -> tuple[np.ndarray, np.ndarray]:
    weights, biases = _stacked(tensors, name, 1, width)
    return weights[0], biases[0]


def _fill_text(encoder: keras.Model, tensors: Tensors) -> None:
    embedding = encoder.embedding
    tokens = embedding.token_embedding.embeddings
    fill(tokens, tensors, "text.token_embedding.weight")
    positions = embedding.position_embedding
    fill(positions.embeddings, tensors, "text.positional_embedding")
    fill_blocks(encoder, tensors, "text.transformer")
    fill_norm(encoder.post_layer_norm, tensors, "text.ln_final")
    fill_dense(encoder.head, tensors, "text.text_projection")
