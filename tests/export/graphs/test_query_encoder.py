"""The served text tower against the towers on tokens of full length."""

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.config import LORA_TARGETS, LoraConfig, TowersConfig
from fitrank_tf.export.graphs.query_encoder import QueryEncoder
from fitrank_tf.export.signatures import DEFAULT_SIGNATURE, save_served
from fitrank_tf.towers.checkpoints.convert import towers_from_checkpoint
from fitrank_tf.towers.clip_towers import towers_from_sizes
from fitrank_tf.towers.lora import apply_lora
from fitrank_tf.towers.tokenise import tokenise
from fitrank_tf.towers.towers import Towers
from fitrank_tf.towers.vocabulary import learn_vocabulary
from tests.towers.checkpoints.small_checkpoints import FOLDER, embed_texts

TITLES = ["Red Check Shirt", "Navy Blue Kurta", "Black Casual Shoes", "Café Crème Bag"]
LONG = " ".join(TITLES * 4)


def _towers() -> Towers:
    config = TowersConfig(
        preset="",
        image_size=32,
        vision_width=32,
        vision_layers=1,
        vision_heads=2,
        text_width=32,
        text_layers=2,
        text_heads=2,
        embedding_dim=16,
        context_length=12,
    )
    return towers_from_sizes(config, learn_vocabulary(TITLES * 3, 600), seed=0)


def _adapted() -> Towers:
    """With adapters that change every projection."""
    towers = _towers()
    apply_lora(towers.backbone, LoraConfig(targets=LORA_TARGETS))
    draw = np.random.default_rng(0)
    for variable in towers.backbone.trainable_variables:
        variable.assign(0.3 * draw.normal(size=variable.shape))
    return towers


def _siglip() -> Towers:
    return towers_from_checkpoint(FOLDER / "siglip", 16)


@pytest.fixture(
    scope="module",
    params=[_towers, _adapted, _siglip],
    ids=["plain", "adapted", "siglip"],
)
def towers(request) -> Towers:
    return request.param()


@pytest.mark.parametrize(
    "texts",
    [["red"], [""], ["", "red", LONG], [LONG], TITLES, ["bag", "a red check shirt"]],
    ids=["short", "empty", "mixed", "cut off", "titles", "two"],
)
def test_tokens_after_the_end_mark_change_no_embedding(towers, texts) -> None:
    encode = QueryEncoder(towers).signatures()[DEFAULT_SIGNATURE]
    told = encode(tf.constant(texts))["embedding"]
    ids = tokenise(towers.tokenizer, texts, towers.context_length)
    assert ids.shape[1] == towers.context_length
    np.testing.assert_allclose(told, towers.encode_tokens(ids), atol=1e-6)


def test_no_text_has_no_embedding(towers) -> None:
    encode = QueryEncoder(towers).signatures()[DEFAULT_SIGNATURE]
    assert encode(tf.constant([], tf.string))["embedding"].shape == (
        0,
        towers.embedding_dim,
    )


@pytest.mark.parametrize("kind", ["siglip", "siglip2"])
def test_a_saved_siglip_holds_its_tokeniser(kind: str, tmp_path) -> None:
    towers = towers_from_checkpoint(FOLDER / kind, 16)
    path = save_served(QueryEncoder(towers), tmp_path / "query_encoder", version=1)
    loaded = tf.saved_model.load(str(path)).signatures[DEFAULT_SIGNATURE]
    told = loaded(query=tf.constant(TITLES))["embedding"]
    np.testing.assert_allclose(told, embed_texts(towers, TITLES), atol=1e-6)
