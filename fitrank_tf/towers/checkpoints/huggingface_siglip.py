"""Reads SigLIP checkpoints in transformers' format, SigLIP 2 of fixed resolution too.

Names and meanings of the fields follow transformers' SiglipConfig and SiglipModel. The
published SigLIP 2 of fixed resolution have the model type siglip; siglip2 is mostly NaFlex,
whose photos vary in size.
"""

from pathlib import Path

import keras
import keras_hub

from fitrank_tf.towers.backbones import TowerSizes, new_siglip
from fitrank_tf.towers.checkpoints.huggingface import (
    CONFIG_NAME,
    WEIGHTS_NAME,
    check_channels,
    check_position_ids,
    fill_blocks,
    photo_statistics,
    transformer_sizes,
)
from fitrank_tf.towers.checkpoints.json_config import JsonConfig
from fitrank_tf.towers.checkpoints.layer_weights import (
    PhotoStatistics,
    check_sizes,
    fill,
    fill_attention,
    fill_dense,
    fill_norm,
    fill_patches,
)
from fitrank_tf.towers.checkpoints.peft_adapters import open_tensors
from fitrank_tf.towers.checkpoints.piece_files import read_piece_tokenizer
from fitrank_tf.towers.checkpoints.safetensors_file import Tensors
from fitrank_tf.towers.sentence_pieces import PieceTokenizer
from fitrank_tf.towers.siglip_towers import SIGLIP_MEAN, SIGLIP_STD, SiglipTowers

# Fields that a config leaves out have these values (SiglipConfig of transformers).
_EPSILON = 1e-6
_SHARED = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "hidden_act": "gelu_pytorch_tanh",
    "layer_norm_eps": _EPSILON,
}
_TEXT = {**_SHARED, "vocab_size": 32000, "max_position_embeddings": 64}
_VISION = {**_SHARED, "num_channels": 3, "image_size": 224, "patch_size": 16}
# Names of transformers -> of KerasHub.
_ACTIVATIONS = {"gelu_pytorch_tanh": "gelu_approximate", "gelu": "gelu"}
STATISTICS = PhotoStatistics(SIGLIP_MEAN, SIGLIP_STD)


def read_huggingface_siglip(
    folder: Path,
) -> tuple[keras_hub.models.SigLIPBackbone, PieceTokenizer]:
    """Loads network and tokenizer from a folder.

    Args:
        folder: with `config.json`, `model.safetensors` (or shards and their index),
            `spiece.model` or `tokenizer.json` and, where the photos' statistics are not
            SigLIP's, `preprocessor_config.json`.

    Raises:
        FitRankError: if a file is missing or broken, or the network is not SigLIP of
            fixed resolution.
    """
    config = JsonConfig.read(folder / CONFIG_NAME)
    sizes = _sizes(config)
    tokenizer = read_piece_tokenizer(folder, sizes.vocabulary_size)
    statistics = photo_statistics(folder, STATISTICS)
    tensors = open_tensors(folder, WEIGHTS_NAME)
    check_sizes(sizes, config)
    backbone = new_siglip(sizes)
    check_position_ids(tensors, sizes, SiglipTowers.class_tokens)
    _fill_vision(backbone.vision_encoder, tensors, statistics)
    _fill_text(backbone.text_encoder, tensors)
    for name in ("logit_scale", "logit_bias"):
        getattr(backbone.siglip_head, name).assign(tensors.take_unbatched(name, ()))
    tensors.refuse_left_over()
    return backbone, tokenizer


def _sizes(config: JsonConfig) -> TowerSizes:
    given = config.section("vision_config")
    if config.get("model_type") == "siglip2" and given.get("image_size") is None:
        raise config.error(
            "model_type",
            "is NaFlex, whose photos vary in size: take a SigLIP 2 of fixed resolution, "
            "such as siglip2-base-patch16-224",
        )
    vision = config.section("vision_config", _VISION)
    text = config.section("text_config", _TEXT)
    check_channels(vision)
    if vision.get("vision_use_head", True) is not True:
        raise vision.error("vision_use_head", "must be true: the head pools the patches")
    if text.get("projection_size", vision.get("hidden_size")) != vision.get("hidden_size"):
        raise text.error("projection_size", "must be the hidden_size of vision_config")
    return TowerSizes(
        vision=transformer_sizes(vision, _ACTIVATIONS, _EPSILON),
        text=transformer_sizes(text, _ACTIVATIONS, _EPSILON),
        image_size=vision.side("image_size"),
        patch_size=vision.side("patch_size"),
        vocabulary_size=text.whole("vocab_size"),
        context_length=text.whole("max_position_embeddings"),
        embedding_dim=vision.whole("hidden_size"),
    )


def _fill_vision(
    encoder: keras.Model, tensors: Tensors, statistics: PhotoStatistics
) -> None:
    embedding, names = encoder.embedding, "vision_model.embeddings"
    fill_patches(
        SiglipTowers,
        embedding,
        tensors,
        (f"{names}.patch_embedding.weight", f"{names}.position_embedding.weight"),
        statistics,
    )
    fill(embedding.patch_embedding.bias, tensors, f"{names}.patch_embedding.bias")
    fill_blocks(encoder, tensors, "vision_model")
    fill_norm(encoder.post_layer_norm, tensors, "vision_model.post_layernorm")
    head, name, width = encoder.head, "vision_model.head", encoder.hidden_dim
    fill(head.probe, tensors, f"{name}.probe")
    weights = tensors.take(f"{name}.attention.in_proj_weight", (3 * width, width))
    biases = tensors.take(f"{name}.attention.in_proj_bias", (3 * width,))
    fill_attention(
        head.attention,
        (weights.reshape(3, width, width), biases.reshape(3, width)),
        (
            tensors.take(f"{name}.attention.out_proj.weight", (width, width)),
            tensors.take(f"{name}.attention.out_proj.bias", (width,)),
        ),
    )
    fill_norm(head.layer_norm, tensors, f"{name}.layernorm")
    fill_dense(head.mlp.fc1, tensors, f"{name}.mlp.fc1")
    fill_dense(head.mlp.fc2, tensors, f"{name}.mlp.fc2")


def _fill_text(encoder: keras.Model, tensors: Tensors) -> None:
    embedding, names = encoder.embedding, "text_model.embeddings"
    fill(embedding.token_embedding.embeddings, tensors, f"{names}.token_embedding.weight")
    positions = embedding.position_embedding.embeddings
    fill(positions, tensors, f"{names}.position_embedding.weight")
    fill_blocks(encoder, tensors, "text_model")
    fill_norm(encoder.post_layer_norm, tensors, "text_model.final_layer_norm")
    fill_dense(encoder.head, tensors, "text_model.head")
