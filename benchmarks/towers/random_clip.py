"""A CLIP checkpoint of random weights in transformers' format, and a random batch.

Both are made without transformers, so that systems can be timed where it is not installed.
Names and layout are those that `fitrank_tf.towers.checkpoints.huggingface` reads.
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file
from tokenizers import pre_tokenizers

from fitrank_tf.towers.backbones import TowerSizes, TransformerSizes
from fitrank_tf.towers.checkpoints import huggingface as huggingface_clip
from fitrank_tf.towers.vocabulary import END_OF_WORD, END_TOKEN, START_TOKEN

VIT_B_32 = TowerSizes(
    vision=TransformerSizes(768, 12, 12, 3072, "quick_gelu"),
    text=TransformerSizes(512, 12, 8, 2048, "quick_gelu"),
    image_size=224,
    patch_size=32,
    vocabulary_size=49408,
    context_length=77,
    embedding_dim=512,
)

# CLIP's initial temperature, log(1 / 0.07).
_LOG_SCALE = math.log(1 / 0.07)

Shape = tuple[int, ...]


def write_random_clip(folder: Path, sizes: TowerSizes, seed: int) -> None:
    """Writes `config.json`, `model.safetensors`, `vocab.json` and `merges.txt`.

    Args:
        folder: an existing directory.
        sizes: sizes of both towers, with a vocabulary of at least 515 tokens.
        seed: seed of the weights, whose scale lets every layer affect the output.
    """
    config = json.dumps(_config(sizes), indent=2)
    (folder / huggingface_clip.CONFIG_NAME).write_text(config, encoding="utf-8")
    _write_vocabulary(folder, sizes.vocabulary_size)
    _write_weights(folder / huggingface_clip.WEIGHTS_NAME, dict(_shapes(sizes)), seed)


def random_batch(
    sizes: TowerSizes, batch_size: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draws photos and texts for a CLIP of these sizes.

    Args:
        sizes: sizes of both towers.
        batch_size: number of pairs, B.
        seed: seed of the random numbers.

    Returns:
        Photos, uint8 [B, S, S, 3], in patches of one colour each because pixel noise would
        give nearly the same embedding for all; token ids, int32 [B, L], with a start token,
        an end token and zeros as padding.
    """
    draw = np.random.default_rng(seed)
    side = sizes.image_size // sizes.patch_size
    colours = draw.integers(0, 256, (batch_size, side, side, 3), np.uint8)
    images = colours.repeat(sizes.patch_size, axis=1).repeat(sizes.patch_size, axis=2)
    start, end = sizes.vocabulary_size - 2, sizes.vocabulary_size - 1
    shape = (batch_size, sizes.context_length)
    token_ids = draw.integers(1, start, shape, np.int32)
    token_ids[:, 0] = start
    ends = draw.integers(2, sizes.context_length, (batch_size, 1))
    places = np.arange(sizes.context_length)
    token_ids = np.where(places < ends, token_ids, np.where(places == ends, end, 0))
    return images, token_ids.astype(np.int32)


def _config(sizes: TowerSizes) -> dict[str, Any]:
    return {
        "model_type": "clip",
        "architectures": ["CLIPModel"],
        "projection_dim": sizes.embedding_dim,
        "text_config": {
            **_tower_config(sizes.text),
            "vocab_size": sizes.vocabulary_size,
            "max_position_embeddings": sizes.context_length,
            "bos_token_id": sizes.vocabulary_size - 2,
            "eos_token_id": sizes.vocabulary_size - 1,
        },
        "vision_config": {
            **_tower_config(sizes.vision),
            "image_size": sizes.image_size,
            "patch_size": sizes.patch_size,
        },
    }


def _tower_config(tower: TransformerSizes) -> dict[str, Any]:
    return {
        "hidden_size": tower.width,
        "intermediate_size": tower.intermediate,
        "num_hidden_layers": tower.layers,
        "num_attention_heads": tower.heads,
        "hidden_act": tower.activation,
    }


def _write_vocabulary(folder: Path, size: int) -> None:
    """Writes a vocabulary in CLIP's order; all but bytes and marks are made up."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = [*alphabet, *(byte + END_OF_WORD for byte in alphabet), "ab"]
    tokens += [f"token {number}" for number in range(len(tokens), size - 2)]
    tokens += [START_TOKEN, END_TOKEN]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\na b\n", encoding="utf-8")


def _shapes(sizes: TowerSizes) -> Iterator[tuple[str, Shape]]:
    """Yields the names and shapes of all tensors, in PyTorch's order of axes."""
    vision, text, side = sizes.vision, sizes.text, sizes.patch_size
    patches = (sizes.image_size // side) ** 2
    yield "logit_scale", ()
    yield "visual_projection.weight", (sizes.embedding_dim, vision.width)
    yield "text_projection.weight", (sizes.embedding_dim, text.width)
    seen, read = "vision_model.embeddings", "text_model.embeddings"
    yield f"{seen}.class_embedding", (vision.width,)
    yield f"{seen}.patch_embedding.weight", (vision.width, 3, side, side)
    yield f"{seen}.position_embedding.weight", (1 + patches, vision.width)
    yield f"{read}.token_embedding.weight", (sizes.vocabulary_size, text.width)
    yield f"{read}.position_embedding.weight", (sizes.context_length, text.width)
    yield from _pair("vision_model.pre_layrnorm", (vision.width,))
    yield from _pair("vision_model.post_layernorm", (vision.width,))
    yield from _pair("text_model.final_layer_norm", (text.width,))
    for name, tower in (("vision_model", vision), ("text_model", text)):
        for number in range(tower.layers):
            yield from _block_shapes(f"{name}.encoder.layers.{number}", tower)


def _block_shapes(name: str, tower: TransformerSizes) -> Iterator[tuple[str, Shape]]:
    for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
        yield from _pair(f"{name}.self_attn.{part}", (tower.width, tower.width))
    yield from _pair(f"{name}.mlp.fc1", (tower.intermediate, tower.width))
    yield from _pair(f"{name}.mlp.fc2", (tower.width, tower.intermediate))
    yield from _pair(f"{name}.layer_norm1", (tower.width,))
    yield from _pair(f"{name}.layer_norm2", (tower.width,))


def _pair(name: str, shape: Shape) -> Iterator[tuple[str, Shape]]:
    yield f"{name}.weight", shape
    yield f"{name}.bias", shape[:1]


def _write_weights(path: Path, shapes: dict[str, Shape], seed: int) -> None:
    draw = np.random.default_rng(seed)
    weights = {name: _weights(name, shape, draw) for name, shape in shapes.items()}
    save_file(weights, path, metadata={"format": "pt"})


def _weights(name: str, shape: Shape, draw: np.random.Generator) -> np.ndarray:
    """Draws the float32 weights of one tensor."""
    if not shape:
        return np.array(_LOG_SCALE, np.float32)
    noise = draw.standard_normal(shape, np.float32)
    if len(shape) == 1 and name.endswith("weight"):
        return 1 + 0.2 * noise
    if "patch_embedding" not in name and ("embed" in name or len(shape) == 1):
        return 0.5 * noise
    return noise / math.prod(shape[1:]) ** 0.5
