"""Writes a bundle's search as files for PyTorch, transformers and faiss.

The files are made from the bundle's SavedModels, so both sides have the same numbers: the
text tower as a checkpoint of transformers, the re-ranker's weights, the phrases that name
facet values and colours, the terms of the titles, and the catalogue.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from safetensors.numpy import save_file

from benchmarks.rivals.torch_search_layout import (
    CATALOGUE,
    PRODUCTS,
    READER,
    RERANKER,
    TEXT_TOWER,
    TITLES,
)
from fitrank_tf.core.arrays import save_arrays
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.export.embedding import encode_texts
from fitrank_tf.export.graphs.served_catalogue import read_catalogue
from fitrank_tf.export.loaded_bundle import LoadedBundle
from fitrank_tf.export.signatures import DEFAULT_SIGNATURE, KEPT_SIGNATURE
from fitrank_tf.rerank.facet_heads import PROB_FLOOR
from fitrank_tf.rerank.match_features import LEAST_CHANCE
from fitrank_tf.rerank.model import WEIGHT_UNIT
from fitrank_tf.towers.checkpoints import huggingface as huggingface_clip
from fitrank_tf.towers.presets import towers_from_preset
from fitrank_tf.towers.towers import Towers
from fitrank_tf.towers.vocabulary import END_TOKEN, START_TOKEN

_Weights = Mapping[str, np.ndarray]

# Patterns for names of variables; tf_keras numbers the layers of TF-Ranking.
_SHORT_NAMES = (
    (r":0$", ""),
    (r"^reranker/", ""),
    (r"document_interaction_attention(_\d+)?/", "attention/"),
    (r"multi_head_attention(_\d+)?/", ""),
    (r"layer_normalization(_\d+)?/", "norm/"),
)


def write_torch_search(bundle: LoadedBundle, folder: Path) -> None:
    """Writes all files of a bundle's search.

    Args:
        bundle: the bundle.
        folder: an existing directory.

    Raises:
        FitRankError: if the bundle's towers do not come from a preset, whose tokenizer is
            needed.
    """
    preset = bundle.info.config["towers"]["preset"]
    if not preset:
        raise FitRankError(
            "this bundle's towers come from no preset, so there is no tokenizer to hand "
            "to another program; take a bundle whose recipe names towers.preset"
        )
    (folder / TEXT_TOWER).mkdir()
    _write_text_tower(bundle, preset, folder / TEXT_TOWER)
    catalogue = read_catalogue(bundle.model("search"))
    save_arrays(folder / CATALOGUE, vars(catalogue.tables))
    products = {"ids": catalogue.ids, "titles": catalogue.titles}
    (folder / PRODUCTS).write_text(json.dumps(products), encoding="utf-8")
    save_arrays(folder / RERANKER, dict(_reranker_arrays(bundle)))
    for name, content in ((READER, _reader(bundle)), (TITLES, _titles(bundle))):
        (folder / name).write_text(json.dumps(content), encoding="utf-8")


def _write_text_tower(bundle: LoadedBundle, preset: str, folder: Path) -> None:
    encoder = bundle.model("query_encoder")
    weights = {
        variable.name.removesuffix(":0"): variable.numpy()
        for variable in encoder._text_tower.variables_of_keras
        if variable.name.startswith(("clip_text_encoder", "text_projection"))
    }
    length = len(weights["clip_text_encoder_embedding/position_embedding/embeddings"])
    towers = towers_from_preset(preset, length)
    _write_config(towers, folder)
    _write_tokenizer(towers, folder)
    _write_tensors(folder / huggingface_clip.WEIGHTS_NAME, dict(_text_tensors(weights)))


def _tokenizer(towers: Towers) -> Any:
    """The towers' tokenizer, which presets always have."""
    assert towers.tokenizer is not None
    return towers.tokenizer


def _write_config(towers: Towers, folder: Path) -> None:
    sizes, tokenizer = towers.backbone.text_encoder.get_config(), _tokenizer(towers)
    config = {
        "model_type": "clip_text_model",
        "architectures": ["CLIPTextModelWithProjection"],
        "vocab_size": sizes["vocabulary_size"],
        "hidden_size": sizes["hidden_dim"],
        "intermediate_size": sizes["intermediate_dim"],
        "num_hidden_layers": sizes["num_layers"],
        "num_attention_heads": sizes["num_heads"],
        "hidden_act": sizes["intermediate_activation"],
        "max_position_embeddings": towers.context_length,
        "projection_dim": towers.embedding_dim,
        "bos_token_id": tokenizer.start_token_id,
        "eos_token_id": tokenizer.end_token_id,
    }
    path = folder / huggingface_clip.CONFIG_NAME
    path.write_text(json.dumps(config), encoding="utf-8")


def _write_tokenizer(towers: Towers, folder: Path) -> None:
    tokenizer = _tokenizer(towers)
    vocabulary = json.dumps(dict(tokenizer.vocabulary))
    (folder / "vocab.json").write_text(vocabulary, encoding="utf-8")
    merges = [one for one in tokenizer.merges if not one.startswith("#version")]
    text = "\n".join(["#version: 0.2", *merges, ""])
    (folder / "merges.txt").write_text(text, encoding="utf-8")
    config = {
        "tokenizer_class": "CLIPTokenizer",
        "model_max_length": towers.context_length,
        "bos_token": START_TOKEN,
        **dict.fromkeys(("eos_token", "pad_token", "unk_token"), END_TOKEN),
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")


def _text_tensors(weights: _Weights) -> Iterator[tuple[str, np.ndarray]]:
    """Yields tensors under transformers' names; kernels [in, out] become [out, in]."""
    ours, theirs = "clip_text_encoder", "text_model"
    embedding = f"{ours}_embedding"
    tokens = weights[f"{embedding}/token_embedding/embeddings"]
    yield f"{theirs}.embeddings.token_embedding.weight", tokens
    positions = weights[f"{embedding}/position_embedding/embeddings"]
    yield f"{theirs}.embeddings.position_embedding.weight", positions
    yield from _norm(weights, f"{ours}_layer_norm", f"{theirs}.final_layer_norm")
    yield "text_projection.weight", weights["text_projection/kernel"].T
    blocks = {name.split("/")[0] for name in weights if "_encoder_block_" in name}
    for number in range(len(blocks)):
        block, name = f"{ours}_encoder_block_{number}", f"{theirs}.encoder.layers.{number}"
        yield from _norm(weights, f"{block}/layer_norm_1", f"{name}.layer_norm1")
        yield from _norm(weights, f"{block}/layer_norm_2", f"{name}.layer_norm2")
        for part in ("query", "key", "value"):
            layer, theirs_name = f"{block}/attention/{part}", f"{part[0]}_proj"
            yield from _linear(weights, layer, f"{name}.self_attn.{theirs_name}", tokens)
        layer = f"{block}/attention/attention_output"
        yield from _linear(weights, layer, f"{name}.self_attn.out_proj", tokens)
        for ours_name, theirs_name in (("dense_1", "fc1"), ("dense_2", "fc2")):
            kernel = weights[f"{block}/{ours_name}/kernel"]
            yield f"{name}.mlp.{theirs_name}.weight", kernel.T
            yield f"{name}.mlp.{theirs_name}.bias", weights[f"{block}/{ours_name}/bias"]


def _norm(weights: _Weights, ours: str, theirs: str) -> Iterator[tuple[str, np.ndarray]]:
    yield f"{theirs}.weight", weights[f"{ours}/gamma"]
    yield f"{theirs}.bias", weights[f"{ours}/beta"]


def _linear(
    weights: _Weights, ours: str, theirs: str, tokens: np.ndarray
) -> Iterator[tuple[str, np.ndarray]]:
    """Yields weight and bias of an attention layer, with the axis of heads flattened."""
    width = tokens.shape[1]
    yield f"{theirs}.weight", weights[f"{ours}/kernel"].reshape(width, width).T
    yield f"{theirs}.bias", weights[f"{ours}/bias"].reshape(width)


def _write_tensors(path: Path, tensors: Mapping[str, np.ndarray]) -> None:
    tensors = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    save_file(tensors, path, metadata={"format": "pt"})


def _reranker_arrays(bundle: LoadedBundle) -> Iterator[tuple[str, np.ndarray]]:
    """Yields the weights under short names, then the constants of the graph."""
    reranker = bundle.model("reranker")
    for variable in reranker._variables:
        name = variable.name
        for pattern, short in _SHORT_NAMES:
            name = re.sub(pattern, short, name)
        yield name, variable.numpy()
    captured = reranker.signatures[KEPT_SIGNATURE].captured_inputs
    constants = [one.numpy() for one in captured if one.dtype != tf.resource]
    yield from zip(("facet_of", "grades"), constants, strict=True)
    decisive = bundle.info.declaration.decisive
    is_decisive = [facet == decisive for facet in bundle.info.facets]
    yield "is_kind", np.array(is_decisive, np.float32)
    yield "prob_floor", np.array(PROB_FLOOR, np.float32)
    yield "least_chance", np.array(LEAST_CHANCE, np.float32)
    yield "weight_unit", np.array(WEIGHT_UNIT, np.float32)


def _reader(bundle: LoadedBundle) -> dict[str, Any]:
    """The content of the file that `QueryReader` reads."""
    encoder = bundle.model("query_encoder")
    # Each form is read as a request, whose longest known phrase is the form itself.
    phrases = list(_entries(encoder._reader._rows))
    encode = encoder.signatures[DEFAULT_SIGNATURE]
    read = encode_texts(encode, phrases, "reading phrases")
    facets, colours = np.maximum(read["query_facets"], 0.0), read["colours"][:, 0]
    meant = {
        phrase: (
            [(int(value), float(row[value])) for value in np.flatnonzero(row)],
            colour.tolist() if colour[-1] else [],
        )
        for phrase, row, colour in zip(phrases, facets, colours)
    }
    size = facets.shape[1]
    [same_facet] = (
        one.numpy()
        for one in encode.captured_inputs
        if one.dtype == tf.float32 and one.shape == [size, size]
    )
    return {"phrases": meant, "same_facet": same_facet.tolist()}


def _titles(bundle: LoadedBundle) -> dict[str, Any]:
    """The content of the file that `TitleMatch` reads."""
    search = bundle.model("search")
    match = search._text_match
    parts = {
        "splits": match._splits,
        "products": match._products,
        "weights": match._weights,
    }
    return {
        "terms": _entries(match._terms),
        "size": int(search.catalogue.ids.shape[0]),
        **{name: part.numpy().tolist() for name, part in parts.items()},
    }


def _entries(table: Any) -> dict[str, int]:
    """The keys and values of a table of a loaded SavedModel."""
    keys, values = tf.raw_ops.LookupTableExportV2(
        table_handle=table.resource_handle, Tkeys=tf.string, Tvalues=tf.int32
    )
    return {
        key.decode(): value for key, value in zip(keys.numpy(), values.numpy().tolist())
    }
