"""The served graph and the Python tokeniser give the same ids."""

import csv
import functools
import io
import random
import zipfile

import keras_hub
import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.towers.tokenise import MAX_CHARACTERS, GraphTokeniser, tokenise
from fitrank_tf.towers.vocabulary import learn_vocabulary

TITLES = [
    "Puma Deck Navy Blue Backpack",
    "Nike Men Blue T20 Indian Cricket Jersey",
    "W Women Printed White Kurtas",
    "Aurelia Women's Navy Blue V-Neck Kurta",
    "Women three-quarter sleeves kurta 100% cotton",
] * 4
HARD = [
    "",
    " ",
    "\t\n\u00a0\u3000\x0b\x85",
    "red check shirt",
    "RED Check SHIRT!!",
    "café crème Ünïcödé ÀÉÎ",
    "cafe\u0301 (decomposed accent)",
    "emoji 👗👠🧥 and flags 🇮🇳",
    "it's the men's, they'll we've I'm I'd don't you're",
    "1234567890 32B 3/4",
    "日本語のタイトル 中文标题 हिन्दी कुर्ता العربية",
    "ΟΔΟΣ Σίσυφος İstanbul straße",
    "<|endoftext|> red <|STARTOFTEXT|> shirt",
    "a" * 10_000,
    "red shirt " * 1_000,
    "\u200b\u200d zero width",
    "non\u00a0breaking\u2009space",
    "x\u0000y control \u0001",
]
LENGTH = 24


@pytest.fixture(scope="module")
def tokenizer() -> keras_hub.models.CLIPTokenizer:
    return learn_vocabulary(TITLES, size=700)


@functools.lru_cache(maxsize=3)
def _graph(tokenizer, length: int) -> tf.types.experimental.PolymorphicFunction:
    """Traced once: to trace it takes seconds."""
    return tf.function(
        GraphTokeniser(tokenizer, length),
        input_signature=[tf.TensorSpec([None], tf.string)],
    )


def _both(
    tokenizer, texts: list[str], length: int = LENGTH
) -> tuple[np.ndarray, np.ndarray]:
    graph = _graph(tokenizer, length)
    return tokenise(tokenizer, texts, length), graph(tf.constant(texts)).numpy()


@pytest.mark.parametrize("text", HARD, ids=range(len(HARD)))
def test_graph_equals_python_on_hard_texts(tokenizer, text: str) -> None:
    python, graph = _both(tokenizer, [text])
    np.testing.assert_array_equal(graph, python)


def test_graph_equals_python_in_one_batch(tokenizer) -> None:
    python, graph = _both(tokenizer, HARD + TITLES)
    np.testing.assert_array_equal(graph, python)


def test_graph_equals_python_on_random_unicode(tokenizer) -> None:
    generator = random.Random(7)
    letters = "abc ABC éüñ 12'- \u00a0日本👗ßक़"
    texts = ["".join(generator.choices(letters, k=30)) for _ in range(300)]
    python, graph = _both(tokenizer, texts)
    np.testing.assert_array_equal(graph, python)


def test_graph_equals_python_on_real_titles(shared_data) -> None:
    archive = zipfile.ZipFile(shared_data / "fashion-product-images-dataset.zip")
    table = archive.read("fashion-dataset/styles.csv").decode()
    titles = [row["productDisplayName"] for row in csv.DictReader(io.StringIO(table))]
    real = learn_vocabulary(titles[2000:6000], size=3000)
    python, graph = _both(real, titles[:1000])
    np.testing.assert_array_equal(graph, python)


def test_empty_batch(tokenizer) -> None:
    graph = _graph(tokenizer, LENGTH)(tf.zeros([0], tf.string)).numpy()
    assert graph.shape == (0, LENGTH)
    assert tokenise(tokenizer, [], LENGTH).shape == (0, LENGTH)


def test_layout_of_ids(tokenizer) -> None:
    ids = tokenise(tokenizer, ["", "navy blue " * 50], LENGTH)
    start, end = tokenizer.start_token_id, tokenizer.end_token_id
    assert ids[0].tolist() == [start, end] + [tokenizer.pad_token_id] * (LENGTH - 2)
    assert ids[1, 0] == start
    assert ids[1, -1] == end
    # CLIP's pooler finds the end by argmax.
    assert end == tokenizer.vocabulary_size() - 1


def test_broken_utf8_is_replaced(tokenizer) -> None:
    graph = _graph(tokenizer, LENGTH)(tf.constant([b"red \xff\xfe shirt"])).numpy()
    python = tokenise(tokenizer, ["red \ufffd\ufffd shirt"], LENGTH)
    np.testing.assert_array_equal(graph, python)


def test_words_learned_come_back_whole(tokenizer) -> None:
    blue = tokenizer.vocabulary["blue</w>"]
    assert blue in tokenise(tokenizer, ["Navy BLUE"], LENGTH)[0]


@pytest.mark.parametrize("word", ["a ", "é ", "日 ", "👗 "], ids=[1, 2, 3, 4])
def test_characters_are_counted_and_not_their_bytes(tokenizer, word: str) -> None:
    """The first 512 characters are 256 times the word, of one byte to four."""
    texts = [word * 255, word * 256, word * 300]
    python, graph = _both(tokenizer, texts, 5 * MAX_CHARACTERS)
    np.testing.assert_array_equal(graph, python)
    of_255, of_256, of_300 = (ids.tolist().index(tokenizer.end_token_id) for ids in graph)
    assert of_255 < of_256 == of_300


def test_only_the_first_characters_count(tokenizer) -> None:
    long = "a " * MAX_CHARACTERS
    python = tokenise(tokenizer, [long, long + "tail"], 2 * MAX_CHARACTERS)
    np.testing.assert_array_equal(python[0], python[1])
