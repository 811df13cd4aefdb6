"""Filters in a graph against the same filters read in Python."""

import math

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.filters import join_values, parse_ranges, split_values
from fitrank_tf.datasets.attributes import Attribute
from fitrank_tf.export.graphs.attribute_filter import AttributeFilter

DECLARED = (
    Attribute("size"),
    Attribute("material", "categories"),
    Attribute("price", "number"),
)
CELLS = {
    "size": ["S|M", "L", "a\\", "s|m", "", "C:\\x", "7"],
    "material": ["Cotton|Silk", "silk", r"wool\|nylon", "", "Cotton", "é  b", "cotton|"],
    "price": ["30", "45.0", "", "-2.5", "1e3", "44.99", "7"],
}


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> tf.types.experimental.ConcreteFunction:
    """A filter of the cells, saved and loaded."""
    module = AttributeFilter(CELLS, DECLARED)
    names = [one.name for one in DECLARED]

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name=n) for n in names])
    def admit(*texts: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"admitted": module(dict(zip(names, texts)))}

    folder = str(tmp_path_factory.mktemp("filter"))
    tf.saved_model.save(module, folder, admit)
    loaded = tf.saved_model.load(folder)
    signature = loaded.signatures["serving_default"]
    signature.module = loaded
    return signature


def _admitted(served, **filters: str) -> list[int]:
    inputs = {one.name: tf.constant([filters.get(one.name, "")]) for one in DECLARED}
    return np.flatnonzero(served(**inputs)["admitted"].numpy()[0]).tolist()


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("", [0, 1, 2, 3, 4, 5, 6]),
        (" | ", [0, 1, 2, 3, 4, 5, 6]),
        (r"S\|M", [0, 3]),
        (r"s\|m|l", [0, 1, 3]),
        (r"l|S\|M", [0, 1, 3]),
        ("S|M", []),
        ("a\\", [2]),
        (r"a\\", [2]),
        (r"a\\|l", [1, 2]),
        (r"a\|l", []),
        (r"c:\X", [5]),
        ("7", [6]),
        ("<8", []),
    ],
)
def test_a_value_with_a_bar_can_be_asked_for(served, text, rows) -> None:
    assert _admitted(served, size=text) == rows


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("silk", [0, 1]),
        ("cotton|SILK", [0, 1, 4, 6]),
        (r"Wool\|Nylon", [2]),
        ("wool|nylon", []),
        ("É b", [5]),
    ],
)
def test_one_of_several_values_is_enough(served, text, rows) -> None:
    assert _admitted(served, material=text) == rows


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("30..45", [0, 1, 5]),
        ("30 .. 45", [0, 1, 5]),
        ("..30", [0, 3, 6]),
        ("30..", [0, 1, 4, 5]),
        ("<30", [3, 6]),
        ("<= 30", [0, 3, 6]),
        (">45", [4]),
        (">=45", [1, 4]),
        (">=30 <45", [0, 5]),
        ("30", [0]),
        ("45", [1]),
        ("1000", [4]),
        ("-2.5|7|1e3..", [3, 4, 6]),
        # The others are refused where the kind is known, and admit nothing here.
        ("45..30", []),
        ("7 <9", []),
        ("red", []),
        ("nan", []),
        ("inf", []),
        ("<", []),
        ("..", []),
        ("7,5", []),
    ],
)
def test_numbers_are_admitted_by_range(served, text, rows) -> None:
    assert _admitted(served, price=text) == rows


@pytest.mark.parametrize("seed", range(12))
def test_random_filters_admit_what_python_admits(served, seed) -> None:
    """Texts of the grammar's own characters, a batch of them, all filters at once."""
    rng = np.random.default_rng(seed)

    def draw(letters: list[str]) -> str:
        return "".join(rng.choice(letters, rng.integers(0, 7)))

    sizes = ["s", "S|M", "L", "a", "|", "\\", r"S\|M", " ", "C:\\x", "7"]
    materials = ["cotton", "silk", "|", "wool", r"\|", "nylon", " "]
    numbers = ["30", "45", "..", "<", ">", "=", " ", "|", "7", ".5", "-", "44.99", "1e3"]
    filters = {
        "size": [draw(sizes) for _ in range(200)],
        "material": [draw(materials) for _ in range(200)],
        "price": [draw(numbers) for _ in range(200)],
    }
    inputs = {name: tf.constant(texts) for name, texts in filters.items()}
    admitted = served(**inputs)["admitted"].numpy()
    for number in range(200):
        texts = {name: of[number] for name, of in filters.items()}
        expected = [_expected(texts, row) for row in range(len(CELLS["size"]))]
        assert admitted[number].tolist() == expected, texts


def _expected(texts: dict[str, str], row: int) -> bool:
    cells = {name: column[row] for name, column in CELLS.items()}
    own = {"size": (cells["size"],), "material": split_values(cells["material"])}
    for name, values in own.items():
        wanted = set(map(_plain, split_values(texts[name])))
        if wanted and not wanted & set(map(_plain, values)):
            return False
    number = float(cells["price"] or math.nan)
    alternatives = split_values(texts["price"])
    return not alternatives or any(_inside(number, one) for one in alternatives)


def _plain(value: str) -> str:
    return " ".join(value.lower().split())


def _inside(number: float, text: str) -> bool:
    try:
        [wanted] = parse_ranges(join_values([text])).ranges
    except FitRankError:
        return False
    return number in wanted
