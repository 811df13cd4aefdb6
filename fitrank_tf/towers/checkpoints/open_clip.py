"""Reads CLIP checkpoints in open_clip's format, such as LAION's.

Names and meanings of the fields follow open_clip's CLIPVisionCfg, CLIPTextCfg and
`state_dict` of CLIP and CustomTextCLIP.
"""

import dataclasses
from pathlib import Path

import keras
import keras_hub

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
    read_statistics,
)
from fitrank_tf.towers.checkpoints.peft_adapters import open_tensors
from fitrank_tf.towers.checkpoints.safetensors_file import Tensors
from fitrank_tf.towers.checkpoints.tokenizer_files import read_tokenizer
from fitrank_tf.towers.clip_towers import CLIP_MEAN, CLIP_STD, ClipTowers

CONFIG_NAME = "open_clip_config.json"
WEIGHTS_NAME = "open_clip_model.safetensors"

# Fields that a config leaves out have these values (open_clip's dataclasses).
_VISION = {
    "layers": 12,
    "width": 768,
    "head_width": 64,
    "mlp_ratio": 4.0,
    "patch_size": 16,
    "image_size": 224,
}
TEXT = {
    "context_length": 77,
    "vocab_size": 49408,
    "width": 512,
    "heads": 8,
    "layers": 12,
    "mlp_ratio": 4.0,
}
# Fields that choose another network: only these values are a plain CLIP. Fields in neither
# table must be absent, null, 0, false or empty, since their effect is unknown.
_PLAIN = {
    "pool_type": ("tok", "argmax"),
    "block_type": ("default",),
    "proj_type": ("linear",),
}
# Fields without effect on a plain CLIP in inference. The last layer norm of the class
# token is the same before and after pooling; positions are stored, whatever their type.
_NO_MATTER = {
    *("patch_dropout", "attn_pooler_queries", "attn_pooler_heads", "pos_embed_type"),
    *("final_ln_after_pool", "output_tokens", "pad_id", "eos_id"),
    *("timm_model_pretrained", "timm_pool", "timm_proj", "timm_proj_bias"),
    *("timm_drop", "timm_drop_path"),
    *("hf_tokenizer_name", "hf_model_pretrained", "hf_proj_type", "hf_pooler_type"),
}
_MODEL_FIELDS = {
    *("embed_dim", "vision_cfg", "text_cfg", "quick_gelu", "custom_text"),
    *("init_logit_scale", "nonscalar_logit_scale"),
}
_SUPPORTED = (
    "is not supported: only CLIP with a plain vision transformer and a plain text "
    "transformer is"
)


def read_open_clip(
    folder: Path,
) -> tuple[keras_hub.models.CLIPBackbone, keras_hub.models.CLIPTokenizer]:
    """Loads network and tokenizer from a folder.

    Args:
        folder: with `open_clip_config.json`, `open_clip_model.safetensors` and
            tokenizer files.

    Raises:
        FitRankError: if a file is missing or broken, or the network is not CLIP with
            two plain transformers.
    """
    config = JsonConfig.read(folder / CONFIG_NAME)
    model = config.section("model_cfg")
    sizes = _sizes(model)
    statistics = read_statistics(
        config.section("preprocess_cfg"),
        "mean",
        "std",
        PhotoStatistics(CLIP_MEAN, CLIP_STD),
    )
    tokenizer = read_tokenizer(folder, sizes.vocabulary_size)
    tensors = open_tensors(folder, WEIGHTS_NAME)
    check_sizes(sizes, config)
    # KerasHub's last layer norm of the text tower adds 1e-6 to the variance v where the
    # checkpoints' own code adds 1e-5: a factor of 1 + 4.5e-6 / v, which normalising the
    # embedding nearly cancels.
    kept = dataclasses.replace(sizes, vocabulary_size=tokenizer.vocabulary_size())
    backbone = new_clip(kept)
    _fill_vision(backbone, tensors, statistics)
    # CustomTextCLIP keeps the text tower's tensors together.
    prefix = "text." if model.get("custom_text") else ""
    _fill_text(backbone, tensors, prefix, sizes.vocabulary_size)
    _fill_logit_scale(backbone, tensors, model)
    tensors.refuse_left_over()
    return backbone, tokenizer


def _sizes(model: JsonConfig) -> TowerSizes:
    vision, text = model.section("vision_cfg", _VISION), model.section("text_cfg", TEXT)
    for config, known in ((vision, {*_VISION}), (text, {*TEXT}), (model, _MODEL_FIELDS)):
        _refuse_variants(config, known)
    activation = "quick_gelu" if model.get("quick_gelu") else "gelu"
    if vision.whole("head_width") > vision.whole("width"):
        raise vision.error("head_width", "must not exceed the width")
    return TowerSizes(
        vision=_transformer(
            vision, vision.whole("width") // vision.whole("head_width"), activation
        ),
        text=_transformer(text, text.whole("heads"), activation),
        image_size=vision.side("image_size"),
        patch_size=vision.side("patch_size"),
        vocabulary_size=text.whole("vocab_size"),
        context_length=text.whole("context_length"),
        embedding_dim=model.whole("embed_dim"),
    )


def _refuse_variants(config: JsonConfig, known: set[str]) -> None:
    if isinstance(config.get("layers"), list):
        raise config.error("layers", f"{_SUPPORTED}, no ResNet")
    # The field that names the tower is more informative than the others.
    names = sorted(set(config.fields) - known - _NO_MATTER)
    for name in sorted(names, key=_tells_least):
        value = config.fields[name]
        if value and value not in _PLAIN.get(name, ()):
            raise config.error(name, _SUPPORTED)


def _tells_least(name: str) -> bool:
    return not name.endswith("_model_name")


def _transformer(tower: JsonConfig, heads: int, activation: str) -> TransformerSizes:
    width = tower.whole("width")
    return TransformerSizes(
        width=width,
        layers=tower.whole("layers"),
        heads=heads,
        intermediate=int(width * tower.number("mlp_ratio")),
        activation=activation,
    )


def _fill_vision(
    backbone: keras_hub.models.CLIPBackbone, tensors: Tensors, statistics: PhotoStatistics
) -> None:
    encoder = backbone.vision_encoder
    embedding = encoder.embedding
    fill(embedding.class_embedding, tensors, "visual.class_embedding")
    fill_patches(
        ClipTowers,
        embedding,
        tensors,
        ("visual.conv1.weight", "visual.positional_embedding"),
        statistics,
    )
    fill_norm(encoder.pre_layer_norm, tensors, "visual.ln_pre")
    fill_blocks(encoder, tensors, "visual.transformer")
    fill_norm(encoder.layer_norm, tensors, "visual.ln_post")
    fill(backbone.vision_projection.kernel, tensors, "visual.proj")


def _fill_text(
    backbone: keras_hub.models.CLIPBackbone, tensors: Tensors, prefix: str, rows: int
) -> None:
    encoder = backbone.text_encoder
    embedding = encoder.embedding
    tokens = embedding.token_embedding.embeddings
    fill_tokens(tokens, tensors, f"{prefix}token_embedding.weight", rows)
    fill(
        embedding.position_embedding.position_embeddings,
        tensors,
        f"{prefix}positional_embedding",
    )
    fill_blocks(encoder, tensors, f"{prefix}transformer")
    fill_norm(encoder.layer_norm, tensors, f"{prefix}ln_final")
    fill(backbone.text_projection.kernel, tensors, f"{prefix}text_projection")


def fill_blocks(encoder: keras.Model, tensors: Tensors, prefix: str) -> None:
    """Assigns the transformer blocks of a tower, whose tensors' names have a prefix."""
    width = encoder.hidden_dim
    for index, block in enumerate(encoder.encoder_layers):
        name = f"{prefix}.resblocks.{index}"
        parts = parts_of(block)
        fill_norm(parts.attention_norm, tensors, f"{name}.ln_1")
        # Query, key and value stand one above the other in one tensor.
        weights = tensors.take(f"{name}.attn.in_proj_weight", (3 * width, width))
        biases = tensors.take(f"{name}.attn.in_proj_bias", (3 * width,))
        fill_attention(
            parts.attention,
            (weights.reshape(3, width, width), biases.reshape(3, width)),
            (
                tensors.take(f"{name}.attn.out_proj.weight", (width, width)),
                tensors.take(f"{name}.attn.out_proj.bias", (width,)),
            ),
        )
        fill_norm(parts.mlp_norm, tensors, f"{name}.ln_2")
        fill_dense(parts.mlp_in, tensors, f"{name}.mlp.c_fc")
        fill_dense(parts.mlp_out, tensors, f"{name}.mlp.c_proj")


def _fill_logit_scale(
    backbone: keras_hub.models.CLIPBackbone, tensors: Tensors, model: JsonConfig
) -> None:
    shape = (1,) if model.get("nonscalar_logit_scale") else ()
    backbone.clip_head.logit_scale.assign(tensors.take("logit_scale", shape).reshape(()))
