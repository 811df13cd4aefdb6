import numpy as np
import pytest

from fitrank_tf.queries.knowledge.colours import colour_readings
from fitrank_tf.queries.words import plain_words

SHOP = ("Black", "Blue", "Green", "Navy Blue", "Red", "Maroon", "Grey", "White", "Multi")


def _first(word: str, values=SHOP) -> str:
    return values[colour_readings(values)[word][0][0]]


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("scarlet", "Red"),
        ("sky blue", "Blue"),
        ("dark navy", "Navy Blue"),
        ("navy", "Navy Blue"),
        ("light grey", "Grey"),
        ("light gray", "Grey"),
        ("dark maroon", "Maroon"),
        ("bright maroon", "Maroon"),
        ("pale navy blue", "Navy Blue"),
        ("greenish grey", "Grey"),
        ("forest", "Green"),
    ],
)
def test_a_word_means_the_nearest_value_or_that_in_its_name(word, value) -> None:
    assert _first(word) == value


@pytest.mark.parametrize("modifier", ["dark", "deep", "light", "pale", "bright"])
@pytest.mark.parametrize("value", ["Coffee Brown", "Mushroom Brown", "Teal"])
def test_lighter_and_darker_shades_of_every_value_are_known(modifier, value) -> None:
    assert _first(f"{modifier} {value.lower()}", (*SHOP, value)) == value


def test_weights_fall_and_are_in_the_unit_interval() -> None:
    readings = colour_readings(SHOP)
    assert len(readings) > 1000
    for word, pairs in readings.items():
        places, weights = zip(*pairs)
        assert word == plain_words(word)
        assert len({*places}) == len(places)
        assert all(0 < weight <= 1 for weight in weights)
        assert list(weights) == sorted(weights, reverse=True)
        assert weights[-1] >= weights[0] / np.e - 1e-9
        assert all(type(place) is int for place in places)


def test_values_themselves_and_values_without_a_colour_are_not_read() -> None:
    readings = colour_readings(SHOP)
    assert not {plain_words(value) for value in SHOP} & {*readings}
    assert SHOP.index("Multi") not in {place for of in readings.values() for place, _ in of}


def test_places_are_those_of_the_values() -> None:
    forward, backward = colour_readings(SHOP), colour_readings(SHOP[::-1])
    for word in ("scarlet", "teal", "dark green"):
        assert {(SHOP[place], weight) for place, weight in forward[word]} == {
            (SHOP[::-1][place], weight) for place, weight in backward[word]
        }


@pytest.mark.parametrize("spelling", [str.lower, str.upper, lambda v: v.replace(" ", "-")])
def test_the_spelling_of_values_does_not_matter(spelling) -> None:
    assert colour_readings([spelling(value) for value in SHOP]) == colour_readings(SHOP)


def test_gray_is_grey() -> None:
    american = [value.replace("Grey", "Gray") for value in SHOP]
    one, other = colour_readings(american), colour_readings(SHOP)
    assert one["charcoal"] == other["charcoal"]
    assert one["slate gray"] == other["slate grey"]


@pytest.mark.parametrize("values", [(), ("",), ("Rot", "Schwarz", "Weiß"), ("Multi", "NA")])
def test_a_catalogue_without_known_colours_has_no_readings(values) -> None:
    assert colour_readings(values) == {}


@pytest.mark.parametrize(
    "word", ["leather", "denim", "velvet", "ice", "earth", "dark", "light", "pastel"]
)
def test_materials_and_frequent_words_are_no_colours(word) -> None:
    assert word not in colour_readings(SHOP)


def test_a_metal_is_meant_by_metals_sooner_than_by_plain_colours() -> None:
    values = ("Gold", "Mustard")
    assert _first("ochre", values) == "Mustard"
    assert _first("rose gold", values) == "Gold"
