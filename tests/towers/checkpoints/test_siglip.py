"""SigLIP of transformers and open_clip gives these libraries' own numbers, and trains."""

import functools
import json
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from safetensors.numpy import save_file

from fitrank_tf.config import LoraConfig
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.towers.checkpoints.convert import towers_from_checkpoint
from fitrank_tf.towers.fusion import encode_with_features, new_fusion
from fitrank_tf.towers.lora import apply_lora
from fitrank_tf.towers.presets import towers_from_preset
from fitrank_tf.towers.tokenise import MAX_CHARACTERS, graph_tokeniser, tokenise
from fitrank_tf.towers.towers import Towers
from fitrank_tf.towers.training.contrastive import ContrastiveModel
from tests.towers.checkpoints.small_checkpoints import (
    FOLDER,
    change_json,
    change_tensors,
    copy_checkpoint,
    embed_texts,
    photos,
)
from tests.towers.checkpoints.small_siglip import CONTEXT, KINDS, PHOTO, TEXTS
from tests.towers.training.contrastive_formula import small_batch, small_config

# What must not trip a tokeniser, though the libraries read some of it in other ways.
_ODD = ["a" * (MAX_CHARACTERS + 9), "x\0y", "</s> red <eos>", "▁red", "\x1cred\u3000shirt"]
CONFIGS = {"siglip": "config.json", "siglip2": "config.json"}
CONFIGS |= dict.fromkeys(KINDS[2:], "open_clip_config.json")


@functools.cache
def _towers(kind: str) -> Towers:
    return towers_from_checkpoint(FOLDER / kind, context_length=8)


@pytest.mark.parametrize("kind", KINDS)
def test_ids_and_embeddings_are_those_of_the_library(kind: str) -> None:
    towers, expected = _towers(kind), np.load(FOLDER / f"{kind}.npz")
    ids = tokenise(towers.tokenizer, TEXTS[kind], towers.context_length)
    np.testing.assert_array_equal(ids, expected["token_ids"])
    seen, read = towers.encode_images(photos(PHOTO)), embed_texts(towers, TEXTS[kind])
    np.testing.assert_allclose(seen, expected["image_embeddings"], atol=1e-5)
    np.testing.assert_allclose(read, expected["text_embeddings"], atol=1e-5)
    # Else a network that ignores its input would pass.
    assert np.ptp(seen, axis=0).max() > 0.02
    assert np.ptp(read, axis=0).max() > 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_served_tokeniser_gives_the_same_ids(kind: str) -> None:
    towers, texts = _towers(kind), TEXTS[kind] + _ODD
    served = graph_tokeniser(towers.tokenizer, CONTEXT)(tf.constant(texts)).numpy()
    np.testing.assert_array_equal(served, tokenise(towers.tokenizer, texts, CONTEXT))


@pytest.mark.parametrize("kind", ["siglip", "open_clip_siglip2"])
def test_saved_as_a_preset_they_stay_the_same(kind: str, tmp_path) -> None:
    towers = _towers(kind)
    towers.save_to_preset(tmp_path / "preset")
    again = towers_from_preset(str(tmp_path / "preset"), context_length=8)
    assert (again.temperature, again.bias) == (towers.temperature, towers.bias)
    for seen in (lambda t: t.encode_images(photos(PHOTO)), lambda t: embed_texts(t, _ODD)):
        np.testing.assert_allclose(seen(again), seen(towers), atol=1e-6)


def test_the_head_is_read_and_texts_keep_their_length() -> None:
    """A shorter context would take padding away that the text tower reads."""
    towers = _towers("siglip")
    assert towers.temperature == pytest.approx(np.exp(-2.5), rel=1e-3)
    assert towers.bias == -7.0 and towers.loss == "sigmoid"
    assert (towers.context_length, towers.image_size) == (CONTEXT, PHOTO)
    assert towers.embedding_dim == 24


def test_siglip2_of_fixed_size_and_float64(tmp_path) -> None:
    folder = copy_checkpoint("siglip", tmp_path)
    change_json(folder / "config.json", "model_type", "siglip2")

    def widen(tensors) -> None:
        for name, (_, shape, data) in tensors.items():
            wide = np.frombuffer(data, np.float16).astype(np.float64)
            tensors[name] = ("F64", shape, wide.tobytes())

    change_tensors(folder / "model.safetensors", widen)
    seen = towers_from_checkpoint(folder, CONTEXT).encode_images(photos(PHOTO))
    same = _towers("siglip").encode_images(photos(PHOTO))
    np.testing.assert_array_equal(seen, same)


def test_statistics_are_folded_in(tmp_path) -> None:
    mean, std = [0.4, 0.45, 0.6], [0.5, 0.25, 0.2]
    folder = copy_checkpoint("siglip", tmp_path)
    change_json(folder / "preprocessor_config.json", "image_mean", mean)
    change_json(folder / "preprocessor_config.json", "image_std", std)
    images = photos(PHOTO)
    wanted = ((images / 255 - mean) / std).astype(np.float32)
    expected = np.asarray(_towers("siglip").backbone.get_vision_embeddings(wanted))
    expected = expected / np.linalg.norm(expected, axis=1, keepdims=True)
    seen = towers_from_checkpoint(folder, CONTEXT).encode_images(images)
    np.testing.assert_allclose(seen, expected, atol=1e-5)


def test_another_image_size_interpolates_the_positions() -> None:
    towers = _towers("siglip")
    larger = towers.with_image_size(2 * PHOTO)
    positions = [
        np.asarray(some.backbone.vision_encoder.embedding.position_embedding.embeddings)
        for some in (towers, larger)
    ]
    assert positions[1].shape == (16, 24)
    means = [some.mean(axis=0) for some in positions]
    np.testing.assert_allclose(means[1], means[0], atol=1e-5)
    assert larger.encode_images(photos(2 * PHOTO)).shape == (3, 24)


# === adapters of peft ===


def _adapt(folder: Path, layer: str, **fields) -> np.ndarray:
    """Writes an adapter of rank 2 for a layer; returns the change of its kernel."""
    draw = np.random.default_rng(0)
    down, up = (draw.normal(size=s).astype("float32") for s in ((2, 24), (24, 2)))
    names = [f"base_model.model.{layer}.lora_{part}.weight" for part in "AB"]
    save_file(dict(zip(names, (down, up))), folder / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "r": 2, "lora_alpha": 6, **fields}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    return 3 * up @ down


def test_an_adapter_beside_the_weights_is_merged(tmp_path) -> None:
    layer = "text_model.encoder.layers.1.self_attn.q_proj"
    merged, beside = (copy_checkpoint("siglip", tmp_path / name) for name in "ab")
    change = _adapt(beside, layer)

    def add(tensors) -> None:
        _, shape, data = tensors[f"{layer}.weight"]
        kernel = np.frombuffer(data, np.float16).reshape(shape) + change
        tensors[f"{layer}.weight"] = ("F64", shape, kernel.astype("f8").tobytes())

    change_tensors(merged / "model.safetensors", add)
    read = [
        embed_texts(towers_from_checkpoint(f, CONTEXT), ["red"]) for f in (merged, beside)
    ]
    np.testing.assert_allclose(*read, atol=1e-6)
    assert np.abs(read[0] - embed_texts(_towers("siglip"), ["red"])).max() > 1e-3


@pytest.mark.parametrize(
    ("layer", "fields", "message"),
    [
        ("text_model.head", {"use_dora": True}, "use_dora is True"),
        ("text_model.head", {"peft_type": "IA3"}, "peft_type is 'IA3'"),
        ("text_model.no_such", {}, r"no_such\.lora_A.*adapts no kernel"),
    ],
)
def test_adapters_that_cannot_be_merged(layer, fields, message, tmp_path) -> None:
    folder = copy_checkpoint("siglip", tmp_path)
    _adapt(folder, layer, **fields)
    with pytest.raises(FitRankError, match=message):
        towers_from_checkpoint(folder, CONTEXT)


def test_adapters_without_their_base_are_named(tmp_path) -> None:
    _adapt(tmp_path, "text_model.head", base_model_name_or_path="owner/base")
    with pytest.raises(FitRankError, match=r"is 'owner/base'.*into one folder"):
        towers_from_checkpoint(tmp_path, CONTEXT)


# === training ===


def _formula(image: np.ndarray, text: np.ndarray, scale: float, bias: float) -> float:
    """Zhai et al., 2023, algorithm 1."""
    logits = scale * image @ text.T + bias
    signs = 2 * np.eye(len(logits)) - 1
    return float(np.sum(np.log1p(np.exp(-signs * logits))) / len(logits))


@pytest.mark.parametrize("fusion", ["residual", "tokens"])
def test_adapters_and_fusion_train_by_the_sigmoid_loss(fusion: str) -> None:
    towers = towers_from_checkpoint(FOLDER / "siglip", CONTEXT)
    images = photos(PHOTO)
    plain = np.asarray(towers.encode_images(images))
    adapted = apply_lora(
        towers.backbone, LoraConfig(rank=2, targets=("query", "mlp"), dropout=0.1)
    )
    assert set(adapted.layers) >= {"image/0/query", "image/0/mlp_in", "text/1/mlp_out"}
    masks = np.repeat(np.eye(2), [2, 3], axis=1)
    fused = new_fusion(fusion, towers, masks, group_dropout=0.0, seed=0)
    batch = small_batch(3)
    batch["images"] = images
    batch["token_ids"] = tokenise(towers.tokenizer, TEXTS["siglip"][2:5], CONTEXT)
    fused.adapt(batch["features"], np.ones(5, bool))
    start = encode_with_features(towers, fused, images, batch["features"])
    # Adapters and gates start at zero.
    np.testing.assert_allclose(start, plain, atol=1e-5)
    model = ContrastiveModel(
        towers, fused, small_config(temperature=towers.temperature), seed=0
    )
    seen = {name: np.asarray(values) for name, values in model(batch).items()}
    expected = _formula(seen["image"], seen["text"], np.exp(2.5), -7.0)
    loss = float(model.compute_loss(x=batch, y_pred=seen))
    assert loss == pytest.approx(expected, rel=1e-3)
    model.compile(keras.optimizers.Adam(0.01), jit_compile=False, run_eagerly=True)
    first, last = (float(model.train_on_batch(batch)) for _ in range(2))
    assert last < first
    model.store_head()
    assert towers.bias == float(model.bias) != -7.0
    assert towers.temperature == pytest.approx(float(np.exp(-model.log_scale)))


# === what is refused ===

_MODEL = "model_cfg.vision_cfg"
FIELDS = [
    ("siglip", "vision_config.vision_use_head", False, "vision_use_head"),
    ("siglip", "vision_config.hidden_act", "relu", "vision_config.hidden_act"),
    ("siglip", "vision_config.layer_norm_eps", 1e-5, "vision_config.layer_norm_eps"),
    ("siglip", "text_config.projection_size", 12, "text_config.projection_size"),
    ("siglip", "text_config.vocab_size", 20, "spiece.model has 160 tokens.*reads 20"),
    ("open_clip_siglip", f"{_MODEL}.timm_pool", "avg", "timm_pool is 'avg'"),
    ("open_clip_siglip", f"{_MODEL}.timm_model_name", "vit_x_siglip", "timm_model_name"),
    ("open_clip_siglip", "model_cfg.text_cfg.no_causal_mask", False, "no_causal_mask"),
    ("open_clip_siglip", "model_cfg.text_cfg.tokenizer_kwargs", {}, "tokenizer_kwargs"),
    ("open_clip_siglip", "model_cfg.embed_dim", 12, "embed_dim is 12; it must be 24"),
]


@pytest.mark.parametrize(("kind", "place", "value", "message"), FIELDS)
def test_field_is_named(kind: str, place: str, value, message: str, tmp_path) -> None:
    folder = copy_checkpoint(kind, tmp_path)
    change_json(folder / CONFIGS[kind], place, value)
    with pytest.raises(FitRankError, match=message):
        towers_from_checkpoint(folder, CONTEXT)


def test_photos_of_varying_size_are_refused(tmp_path) -> None:
    folder = copy_checkpoint("siglip", tmp_path)
    change_json(folder / "config.json", "model_type", "siglip2")
    change_json(folder / "config.json", "vision_config.image_size", None)
    with pytest.raises(FitRankError, match=r"NaFlex.*fixed resolution"):
        towers_from_checkpoint(folder, CONTEXT)


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, r"no tokenizer.*spiece\.model"), (b"\x05broken", "is no tokenizer of SigLIP")],
)
def test_tokenizer_is_named(content: bytes | None, message: str, tmp_path) -> None:
    folder = copy_checkpoint("siglip", tmp_path)
    path = folder / "spiece.model"
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(FitRankError, match=message):
        towers_from_checkpoint(folder, CONTEXT)


def test_kind_of_tokenizer_is_named(tmp_path) -> None:
    folder = copy_checkpoint("siglip2", tmp_path)
    change_json(folder / "tokenizer.json", "model.type", "WordPiece")
    with pytest.raises(FitRankError, match=r"tokenizer\.json: model\.type"):
        towers_from_checkpoint(folder, CONTEXT)
