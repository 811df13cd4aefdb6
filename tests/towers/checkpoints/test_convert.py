"""Checkpoints of transformers and open_clip give these libraries' own numbers."""

import json

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.towers.checkpoints.convert import towers_from_checkpoint
from fitrank_tf.towers.presets import towers_from_preset
from fitrank_tf.towers.tokenise import GraphTokeniser, tokenise
from tests.towers.checkpoints.small_checkpoints import (
    CONFIGS,
    CONTEXT,
    FOLDER,
    KINDS,
    TEXTS,
    WEIGHTS,
    change_json,
    change_tensors,
    copy_checkpoint,
    embed_texts,
    photos,
    read_raw,
    up_to_end,
    whole_numbers,
    write_raw,
    zeros,
)

POSITION_IDS = {"text_model": CONTEXT, "vision_model": 5}


def images_of(folder) -> np.ndarray:
    towers = towers_from_checkpoint(folder, CONTEXT)
    return np.asarray(towers.encode_images(photos(16)))


@pytest.mark.parametrize("kind", KINDS)
def test_embeddings_are_those_of_the_library(kind: str) -> None:
    towers = towers_from_checkpoint(FOLDER / kind, CONTEXT)
    expected = np.load(FOLDER / f"{kind}.npz")
    seen = np.asarray(towers.encode_images(photos(16)))
    read = embed_texts(towers, TEXTS[kind])
    np.testing.assert_allclose(seen, expected["image_embeddings"], atol=1e-5)
    alike = _same_ids(towers.tokenizer, kind, expected["token_ids"])
    np.testing.assert_allclose(read[alike], expected["text_embeddings"][alike], atol=1e-5)
    # Else a network that ignores its input would pass.
    assert np.ptp(seen, axis=0).max() > 0.05
    assert np.ptp(read, axis=0).max() > 0.5


def _same_ids(tokenizer, kind: str, expected: np.ndarray) -> list[bool]:
    ids = up_to_end(tokenise(tokenizer, TEXTS[kind], CONTEXT), tokenizer.end_token_id)
    return [a == b for a, b in zip(ids, up_to_end(expected, tokenizer.end_token_id))]


@pytest.mark.parametrize("kind", KINDS)
def test_hard_texts_get_the_ids_of_the_library(kind: str) -> None:
    tokenizer = towers_from_checkpoint(FOLDER / kind, CONTEXT).tokenizer
    alike = _same_ids(tokenizer, kind, np.load(FOLDER / f"{kind}.npz")["token_ids"])
    assert len(alike) > 55
    assert [text for text, same in zip(TEXTS[kind], alike) if not same] == []


@pytest.mark.parametrize("kind", KINDS)
def test_served_tokeniser_gives_the_same_ids(kind: str) -> None:
    tokenizer = towers_from_checkpoint(FOLDER / kind, CONTEXT).tokenizer
    texts = TEXTS[kind]
    served = GraphTokeniser(tokenizer, CONTEXT)(tf.constant(texts)).numpy()
    np.testing.assert_array_equal(served, tokenise(tokenizer, texts, CONTEXT))


@pytest.mark.parametrize(
    ("kind", "places", "value"),
    [
        ("huggingface", ["text_config.hidden_act", "vision_config.hidden_act"], "gelu"),
        ("open_clip", ["model_cfg.quick_gelu"], True),
    ],
)
def test_activation_is_that_of_the_config(kind: str, places, value, tmp_path) -> None:
    folder = copy_checkpoint(kind, tmp_path)
    for place in places:
        change_json(folder / CONFIGS[kind], place, value)
    other = towers_from_checkpoint(folder, CONTEXT)
    expected = np.load(FOLDER / f"{kind}.npz")
    seen = np.asarray(other.encode_images(photos(16)))
    assert np.abs(seen - expected["image_embeddings"]).max() > 1e-3
    read = embed_texts(other, TEXTS[kind])
    assert np.abs(read - expected["text_embeddings"]).max() > 1e-3


@pytest.mark.parametrize("kind", KINDS)
def test_temperature_and_context(kind: str) -> None:
    towers = towers_from_checkpoint(FOLDER / kind, context_length=77)
    scale = {"huggingface": 3.5, "open_clip": np.log(1 / 0.07)}[kind]
    assert towers.temperature == pytest.approx(np.exp(-scale), rel=1e-3)
    assert towers.context_length == CONTEXT
    assert towers_from_checkpoint(FOLDER / kind, context_length=9).context_length == 9


@pytest.mark.parametrize("kind", KINDS)
def test_saved_as_a_preset_they_stay_the_same(kind: str, tmp_path) -> None:
    towers = towers_from_checkpoint(FOLDER / kind, CONTEXT)
    towers.save_to_preset(tmp_path / "preset")
    again = towers_from_preset(str(tmp_path / "preset"), CONTEXT)
    np.testing.assert_allclose(
        again.encode_images(photos(16)), towers.encode_images(photos(16)), atol=1e-6
    )
    texts = TEXTS[kind]
    np.testing.assert_allclose(
        embed_texts(again, texts), embed_texts(towers, texts), atol=1e-6
    )


@pytest.mark.parametrize("kind", KINDS)
def test_shards(kind: str, tmp_path) -> None:
    folder = copy_checkpoint(kind, tmp_path)
    path = folder / WEIGHTS[kind]
    tensors = list(read_raw(path).items())
    path.unlink()
    parts = {"a.safetensors": dict(tensors[:9]), "b.safetensors": dict(tensors[9:])}
    for name, part in parts.items():
        write_raw(folder / name, part)
    index = {tensor: name for name, part in parts.items() for tensor in part}
    (folder / f"{path.name}.index.json").write_text(json.dumps({"weight_map": index}))
    np.testing.assert_array_equal(images_of(folder), images_of(FOLDER / kind))
    (folder / "b.safetensors").unlink()
    with pytest.raises(FitRankError, match=r"b\.safetensors cannot be read"):
        images_of(folder)


def test_bfloat16_is_the_upper_half_of_float32(tmp_path) -> None:
    def halve(tensors) -> None:
        for name, (_, shape, data) in tensors.items():
            upper = np.frombuffer(data, "<u2")[1::2]
            tensors[name] = ("BF16", shape, upper.tobytes())

    def cut(tensors) -> None:
        for name, (_, shape, data) in tensors.items():
            upper = np.frombuffer(data, "<u4") & 0xFFFF0000
            tensors[name] = ("F32", shape, upper.tobytes())

    seen = []
    for place, change in (("bf16", halve), ("f32", cut)):
        folder = copy_checkpoint("huggingface", tmp_path / place)
        change_tensors(folder / WEIGHTS["huggingface"], change)
        seen.append(images_of(folder))
    np.testing.assert_array_equal(*seen)


@pytest.mark.parametrize("kind", KINDS)
def test_statistics_are_folded_in(kind: str, tmp_path) -> None:
    """The same photo under other statistics is another photo under CLIP's."""
    mean, std = [0.5, 0.4, 0.3], [0.5, 0.25, 0.2]
    folder = copy_checkpoint(kind, tmp_path)
    if kind == "huggingface":
        change_json(folder / "preprocessor_config.json", "image_mean", mean)
        change_json(folder / "preprocessor_config.json", "image_std", std)
    else:
        change_json(folder / CONFIGS[kind], "preprocess_cfg", {"mean": mean, "std": std})
    own = towers_from_checkpoint(folder, CONTEXT)
    plain = towers_from_checkpoint(FOLDER / kind, CONTEXT)
    images = photos(16)
    wanted = ((images / 255 - mean) / std).astype(np.float32)
    expected = np.asarray(plain.backbone.get_vision_embeddings(wanted))
    expected = expected / np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(own.encode_images(images), expected, atol=1e-5)
    assert np.abs(expected - np.asarray(plain.encode_images(images))).max() > 1e-2


def test_photos_that_are_not_normalised(tmp_path) -> None:
    """do_normalize false is a mean of 0 and a std of 1, in either place of the fields."""
    folder = copy_checkpoint("huggingface", tmp_path)
    path = folder / "preprocessor_config.json"
    change_json(path, "do_normalize", False)
    off = images_of(folder)
    fields = {"image_mean": [0, 0, 0], "image_std": [1, 1, 1]}
    path.unlink()
    (folder / "processor_config.json").write_text(json.dumps({"image_processor": fields}))
    np.testing.assert_array_equal(off, images_of(folder))


def test_without_statistics_they_are_those_of_clip(tmp_path) -> None:
    folder = copy_checkpoint("huggingface", tmp_path)
    (folder / "preprocessor_config.json").unlink()
    np.testing.assert_array_equal(images_of(folder), images_of(FOLDER / "huggingface"))


def test_position_ids_of_old_files(tmp_path) -> None:
    folder = copy_checkpoint("huggingface", tmp_path)

    def add(tensors) -> None:
        for tower, count in POSITION_IDS.items():
            tensors[f"{tower}.embeddings.position_ids"] = whole_numbers(count)

    change_tensors(folder / WEIGHTS["huggingface"], add)
    np.testing.assert_array_equal(images_of(folder), images_of(FOLDER / "huggingface"))


def test_fields_of_old_configs(tmp_path) -> None:
    """`text_config_dict` rules; an end mark of 2 means the largest id; sides are lists."""
    folder = copy_checkpoint("huggingface", tmp_path)
    path = folder / CONFIGS["huggingface"]
    config = json.loads(path.read_text())
    config["text_config_dict"] = {**config["text_config"], "eos_token_id": 2}
    config["text_config"] = {"vocab_size": 7}
    config["vision_config"] |= {"image_size": [16, 16], "patch_size": [8, 8]}
    path.write_text(json.dumps(config))
    np.testing.assert_array_equal(images_of(folder), images_of(FOLDER / "huggingface"))


def test_folder_with_both_layouts_reads_the_weights_that_are_there(tmp_path) -> None:
    folder = copy_checkpoint("open_clip", tmp_path)
    (folder / "config.json").write_bytes((FOLDER / "huggingface/config.json").read_bytes())
    np.testing.assert_array_equal(images_of(folder), images_of(FOLDER / "open_clip"))
    (folder / "model.safetensors").write_bytes(
        (FOLDER / "huggingface/model.safetensors").read_bytes()
    )
    np.testing.assert_array_equal(images_of(folder), images_of(FOLDER / "huggingface"))


def test_tokens_added_after_the_end_mark_change_nothing(tmp_path) -> None:
    folder = copy_checkpoint("huggingface", tmp_path)
    config = json.loads((folder / CONFIGS["huggingface"]).read_text())
    rows = config["text_config"]["vocab_size"]
    change_json(folder / CONFIGS["huggingface"], "text_config.vocab_size", rows + 1)
    (folder / "added_tokens.json").write_text(json.dumps({"<new>": rows}))

    def add_row(tensors) -> None:
        name = "text_model.embeddings.token_embedding.weight"
        dtype, shape, data = tensors[name]
        width = len(data) // rows
        tensors[name] = (dtype, [rows + 1, shape[1]], data + bytes([63]) * width)

    change_tensors(folder / WEIGHTS["huggingface"], add_row)
    texts = TEXTS["huggingface"]
    towers, plain = (
        towers_from_checkpoint(place, CONTEXT) for place in (folder, FOLDER / "huggingface")
    )
    np.testing.assert_array_equal(embed_texts(towers, texts), embed_texts(plain, texts))
    towers.save_to_preset(tmp_path / "preset")
    towers_from_preset(str(tmp_path / "preset"), CONTEXT)


# === what is refused ===

FIELDS = [
    ("huggingface", "model_type", "blip", "model_type is 'blip'.*must be one of.*siglip"),
    ("huggingface", "text_config.hidden_act", "gelu_new", "text_config.hidden_act"),
    ("huggingface", "vision_config.hidden_act", "relu", "vision_config.hidden_act"),
    ("huggingface", "vision_config.layer_norm_eps", 1e-6, "vision_config.layer_norm_eps"),
    ("huggingface", "vision_config.image_size", [16, 24], "image_size.*square"),
    ("huggingface", "vision_config.image_size", 4, "smaller than a patch"),
    ("huggingface", "vision_config.num_channels", 1, "num_channels"),
    ("huggingface", "vision_config.num_attention_heads", 3, "16.*3 heads"),
    ("huggingface", "text_config.eos_token_id", 5, "eos_token_id is 5"),
    ("huggingface", "text_config.num_hidden_layers", 0, "num_hidden_layers is 0"),
    ("huggingface", "text_config.num_hidden_layers", 3, "no tensor.*layers.2"),
    ("huggingface", "text_config.num_hidden_layers", 1, "16 tensors.*plain network"),
    ("huggingface", "text_config.intermediate_size", 25, r"fc1.*\[24, 16\].*\[25, 16\]"),
    ("huggingface", "projection_dim", "12", "projection_dim is '12'"),
    ("huggingface", "text_config", 7, "text_config is 7; it must be an object"),
    ("huggingface", "vision_config.patch_size", 16, "patch_embedding"),
    ("open_clip", "model_cfg.vision_cfg.timm_model_name", "vit_b", "timm_model_name"),
    ("open_clip", "model_cfg.vision_cfg.layers", [3, 4, 6, 3], "layers.*ResNet"),
    ("open_clip", "model_cfg.vision_cfg.attentional_pool", True, "attentional_pool"),
    ("open_clip", "model_cfg.vision_cfg.pool_type", "avg", "pool_type is 'avg'"),
    ("open_clip", "model_cfg.vision_cfg.image_size", [16, 24], "image_size.*square"),
    ("open_clip", "model_cfg.vision_cfg.head_width", 32, "head_width"),
    ("open_clip", "model_cfg.vision_cfg.new_idea", 1, "new_idea"),
    ("open_clip", "model_cfg.text_cfg.hf_model_name", "roberta", "hf_model_name"),
    ("open_clip", "model_cfg.text_cfg.embed_cls", True, "embed_cls"),
    ("open_clip", "model_cfg.text_cfg.proj_bias", True, "proj_bias"),
    ("open_clip", "model_cfg.text_cfg.tokenizer_kwargs", {"clean": "x"}, "tokenizer_kw"),
    ("open_clip", "model_cfg.text_cfg.mlp_ratio", "wide", "mlp_ratio is 'wide'"),
    ("open_clip", "model_cfg.multimodal_cfg", {"width": 16}, "multimodal_cfg"),
    ("open_clip", "model_cfg.init_logit_bias", -10, "init_logit_bias"),
    ("open_clip", "model_cfg.custom_text", True, "no tensor 'text.token_embedding"),
    ("open_clip", "preprocess_cfg.mean", [0.5], "preprocess_cfg.mean.*three numbers"),
    ("open_clip", "preprocess_cfg.std", [0.5, 0, 1], "preprocess_cfg.std.*above 0"),
]


@pytest.mark.parametrize(("kind", "place", "value", "message"), FIELDS)
def test_field_is_named(kind: str, place: str, value, message: str, tmp_path) -> None:
    folder = copy_checkpoint(kind, tmp_path)
    change_json(folder / CONFIGS[kind], place, value)
    with pytest.raises(FitRankError, match=message):
        towers_from_checkpoint(folder, CONTEXT)


def test_another_tower_of_timm_is_refused_by_its_name(tmp_path) -> None:
    folder = copy_checkpoint("open_clip", tmp_path)
    path = folder / CONFIGS["open_clip"]
    change_json(path, "model_cfg.custom_text", True)
    change_json(path, "model_cfg.init_logit_bias", -10)
    timm = {"timm_model_name": "vit_base_clip", "timm_pool": "map", "timm_proj": "none"}
    change_json(path, "model_cfg.vision_cfg", {"image_size": 224, **timm})
    text = {"pool_type": "last", "no_causal_mask": True, "vocab_size": 32000}
    change_json(path, "model_cfg.text_cfg", text)
    with pytest.raises(FitRankError, match=r"vision_cfg\.timm_model_name is 'vit"):
        towers_from_checkpoint(folder, CONTEXT)


@pytest.mark.parametrize(
    ("place", "value"),
    [("do_rescale", False), ("rescale_factor", 1.0), ("image_mean", "grey")],
)
def test_field_of_the_photos_is_named(place: str, value, tmp_path) -> None:
    folder = copy_checkpoint("huggingface", tmp_path)
    change_json(folder / "preprocessor_config.json", place, value)
    with pytest.raises(FitRankError, match=rf"preprocessor_config\.json: {place}"):
        towers_from_checkpoint(folder, CONTEXT)


TENSORS = [
    ("text_model.final_layer_norm.bias", None, "no tensor 'text_model.final_layer_norm"),
    ("text_projection.weight", zeros(12, 15), r"\[12, 15\].*\[12, 16\]"),
    ("logit_scale", zeros(1), r"logit_scale.*\[1\]"),
    ("logit_scale", ("U8", [], bytes(1)), "logit_scale.*U8"),
    ("logit_scale", ("F32", [], bytes(8)), r"invalid shape, data type, or offset"),
    ("logit_bias", zeros(), "1 tensors.*'logit_bias'"),
    ("vision_model.embeddings.position_ids", whole_numbers(5, first=1), "count from 0"),
]


@pytest.mark.parametrize(("name", "tensor", "message"), TENSORS)
def test_tensor_is_named(name: str, tensor, message: str, tmp_path) -> None:
    folder = copy_checkpoint("huggingface", tmp_path)

    def change(tensors) -> None:
        tensors.pop(name, None)
        if tensor:
            tensors[name] = tensor

    change_tensors(folder / WEIGHTS["huggingface"], change)
    with pytest.raises(FitRankError, match=message) as caught:
        towers_from_checkpoint(folder, CONTEXT)
    assert "model.safetensors" in str(caught.value)


@pytest.mark.parametrize("length", [0, 5, 100, -1])
def test_file_cut_short_is_named(length: int, tmp_path) -> None:
    folder = copy_checkpoint("huggingface", tmp_path)
    path = folder / WEIGHTS["huggingface"]
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(FitRankError, match=r"model\.safetensors is cut short"):
        towers_from_checkpoint(folder, CONTEXT)


@pytest.mark.parametrize("text", [b"\x02" + bytes(7) + b"{x", b"\x02" + bytes(7) + b"[]"])
def test_file_of_another_format_is_named(text: bytes, tmp_path) -> None:
    folder = copy_checkpoint("huggingface", tmp_path)
    (folder / WEIGHTS["huggingface"]).write_bytes(text)
    with pytest.raises(FitRankError, match="or no safetensors file"):
        towers_from_checkpoint(folder, CONTEXT)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_of_pytorch_only(kind: str, tmp_path) -> None:
    folder = copy_checkpoint(kind, tmp_path)
    (folder / WEIGHTS[kind]).rename(folder / "pytorch_model.bin")
    with pytest.raises(FitRankError, match=r"no .*safetensors.*\.bin"):
        towers_from_checkpoint(folder, CONTEXT)


@pytest.mark.parametrize(
    ("text", "message"), [("{", "is not JSON"), ("[]", "holds no JSON object")]
)
def test_broken_config_is_named(text: str, message: str, tmp_path) -> None:
    folder = copy_checkpoint("open_clip", tmp_path)
    (folder / "open_clip_config.json").write_text(text)
    with pytest.raises(FitRankError, match=rf"open_clip_config\.json {message}"):
        towers_from_checkpoint(folder, CONTEXT)


def test_folder_without_any_config_is_named(tmp_path) -> None:
    with pytest.raises(FitRankError, match=r"no CLIP checkpoint.*config\.json"):
        towers_from_checkpoint(tmp_path, CONTEXT)


# === tokenizers ===
