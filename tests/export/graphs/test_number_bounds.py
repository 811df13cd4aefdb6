"""Bounds in requests: of the price, of a named attribute, of something else."""

import pytest
import tensorflow as tf

from fitrank_tf.datasets.attributes import NUMBER, Attribute
from fitrank_tf.export.graphs.number_bounds import NumberBounds, with_bounds
from fitrank_tf.queries.number_words import number_words

PRICE, HEEL, SIZE = "price", "heel_height_mm", "size"


@pytest.fixture(scope="module")
def bounds() -> NumberBounds:
    numbers = [Attribute(name, NUMBER) for name in (PRICE, HEEL, SIZE)]
    return NumberBounds([*numbers, Attribute("colour")])


def _read(bounds: NumberBounds, text: str) -> tuple[dict[str, str], str]:
    found, rest = bounds(tf.constant([text]))
    said = {name: texts.numpy()[0].decode() for name, texts in found.items()}
    return {name: of for name, of in said.items() if of}, rest.numpy()[0].decode()


@pytest.mark.parametrize(
    ("text", "expected", "rest"),
    [
        ("red shirt under 50", {PRICE: "<50"}, "red shirt, "),
        ("Shirts BELOW Rs. 1,500 for men", {PRICE: "<1500"}, "Shirts, for men"),
        ("watch over 2k", {PRICE: ">2000"}, "watch, "),
        ("jeans no more than $30.50, blue", {PRICE: "<=30.50"}, "jeans,  blue"),
        ("black dress not over 100 euros", {PRICE: "<=100"}, "black dress, "),
        ("shoes at least 20 and under 40", {PRICE: ">=20 <40"}, "shoes, and, "),
        ("between 20 and 40 shoes", {PRICE: ">=20 <=40"}, ", shoes"),
        ("shoes ₹500-₹1000", {PRICE: ">=500 <=1000"}, "shoes, "),
        ("price should be under 20", {PRICE: "<20"}, ", "),
        ("unter 30 € schuhe", {PRICE: "<30"}, ", schuhe"),
        ("zapatos por debajo de 40 euros", {PRICE: "<40"}, "zapatos, "),
        ("heel height at least 50", {HEEL: ">=50"}, ", "),
        ("heels above 7 mm heel height", {HEEL: ">7"}, "heels, "),
        ("size under 40 below 99", {PRICE: "<99", SIZE: "<40"}, ",, "),
        # Neither is a bound of a number that products have.
        ("heels under 50mm", {}, "heels under 50mm"),
        ("shoes for kids under 5 years", {}, "shoes for kids under 5 years"),
        ("nike air max 90", {}, "nike air max 90"),
        ("levis 501 over the knee", {}, "levis 501 over the knee"),
        ("wonder50 shirt", {}, "wonder50 shirt"),
        ("thunder 50 shirt", {}, "thunder 50 shirt"),
        ("", {}, ""),
    ],
)
def test_bounds_are_read_and_taken_out(bounds, text, expected, rest) -> None:
    assert _read(bounds, text) == (expected, rest)


def test_a_number_of_something_else_hides_no_price(bounds) -> None:
    found, _ = _read(bounds, "toys for kids under 5 years, under 500")
    assert found == {PRICE: "<500"}


def test_texts_of_a_batch_are_read_for_themselves(bounds) -> None:
    found, rest = bounds(tf.constant(["a under 5", "1,500 b", "c over 7"]))
    assert found[PRICE].numpy().tolist() == [b"<5", b"", b">7"]
    # Where nothing is bounded, not a character changes.
    assert rest.numpy().tolist() == [b"a, ", b"1,500 b", b"c, "]


def test_without_a_price_a_bare_number_bounds_nothing() -> None:
    found, rest = NumberBounds([Attribute(SIZE, NUMBER)])(tf.constant(["tee under 50"]))
    assert found[SIZE].numpy().tolist() == [b""] and rest.numpy().tolist() == [
        b"tee under 50"
    ]
    none, _ = NumberBounds([Attribute("colour")])(tf.constant(["tee under 50"]))
    assert none == {}


def test_bounds_are_shown_behind_what_was_understood() -> None:
    texts = with_bounds(
        tf.constant(["colour Red", "", "colour Red"]),
        {PRICE: tf.constant(["<50", ">7", ""]), HEEL: tf.constant(["", "<9", ""])},
    )
    expected = [b"colour Red; price <50", b"price >7; heel height mm <9", b"colour Red"]
    assert texts.numpy().tolist() == expected


@pytest.mark.parametrize("operator", ["<", "<=", ">", ">="])
def test_every_word_of_comparison_is_read(bounds, operator: str) -> None:
    words = number_words()["comparisons"][operator]
    found, _ = bounds(tf.constant([f"shirt {word} 50 please" for word in words]))
    assert found[PRICE].numpy().tolist() == [f"{operator}50".encode()] * len(words)
