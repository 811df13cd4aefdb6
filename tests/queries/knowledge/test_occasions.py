import json

import pytest

from fitrank_tf.queries.knowledge import build
from fitrank_tf.queries.knowledge.occasions import occasion_readings
from fitrank_tf.queries.words import plain_words

USAGE = ("Casual", "Ethnic", "Formal", "Party", "Sports", "Travel")
SEASON = ("Fall", "Summer", "Winter")
WEARER = ("Boys", "Girls", "Men", "Women")
SHIPPED = json.loads((build.FOLDER / "occasions.json").read_text("utf-8"))


def _first(word: str, values: tuple[str, ...]) -> str | None:
    readings = occasion_readings(values).get(word)
    return values[readings[0][0]] if readings else None


@pytest.mark.parametrize(
    ("word", "values", "value"),
    [
        ("office", USAGE, "Formal"),
        ("job interview", USAGE, "Formal"),
        ("gym", USAGE, "Sports"),
        ("badminton", USAGE, "Sports"),
        ("swimming", USAGE, "Sports"),
        ("wedding", USAGE, "Ethnic"),
        ("wedding", (*USAGE, "Bridal"), "Bridal"),
        ("clubbing", USAGE, "Party"),
        ("snow", SEASON, "Winter"),
        ("autumn", SEASON, "Fall"),
        ("husband", WEARER, "Men"),
        ("daughter", WEARER, "Girls"),
        ("ladies", WEARER, "Women"),
        ("office", SEASON, None),
        ("formal", USAGE, None),  # the value's own name
    ],
)
def test_the_value_that_is_meant_first(word, values, value) -> None:
    assert _first(word, values) == value


def test_another_name_is_surer_than_a_word_that_implies_it() -> None:
    readings = occasion_readings(USAGE)
    formal = USAGE.index("Formal")
    assert dict(readings["business"])[formal] == 1.0
    assert 0.5 < dict(readings["interview"])[formal] < 1.0
    implied = dict(readings["trekking"])[USAGE.index("Sports")]
    assert implied < dict(readings["workout"])[USAGE.index("Sports")]


def test_a_word_for_several_means_them_all() -> None:
    meant = {WEARER[place] for place, _ in occasion_readings(WEARER)["toddler"]}
    assert meant == {"Boys", "Girls"}


def test_the_table_is_plain_and_whole() -> None:
    for table in SHIPPED.values():
        words = [*table["names"], *table["words"]]
        assert words == [plain_words(word) for word in words]
        assert len({*words}) == len(words)
        assert {*table["else"]} <= SHIPPED.keys()
