import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.queries.knowledge import build
from fitrank_tf.queries.knowledge.wordnet import WordNet

DEBIAN = Path("/usr/share/wordnet")
SHIPPED = {
    name: json.loads((build.FOLDER / f"{name}.json").read_text("utf-8"))
    for name in ("colours", "more_colours", "surveyed_colours", "nouns", "more_nouns")
}


def test_lab_is_that_of_opencv() -> None:
    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 256, (50, 3), np.uint8)
    expected = cv2.cvtColor(rgb[None].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0]
    found = build.lab_of_hex([f"#{r:02x}{g:02x}{b:02x}" for r, g, b in rgb])
    assert found == pytest.approx(expected, abs=0.3)


def test_colours_have_the_points_of_all_tables_but_more_has_its_own() -> None:
    points = build.build_colours(
        {
            "seagreen": "#000000",
            "plum": "#ffffff",
            "lightgray": "#ffffff",
            "sea": "#000000",
        },
        {"sea green": "#ffffff", "gross green": "#000000", "light blue": "#000000"},
        {"plum": "#000000", "rose gold": "#ffffff"},
        {"plum": "#ffffff", "Light Blue": "#ffffff", "gross green": "#000000"},
    )
    black, white = [0.0, 0.0, 0.0], [100.0, 0.0, 0.0]
    assert points == {
        "light blue": [black, white],
        "plum": [black, white],
        "rose gold": [white],
        "sea": [black],
        "sea green": [white, black],
    }


def test_the_colours_that_ship_are_built_of_their_sources() -> None:
    colors = pytest.importorskip("matplotlib.colors")
    points = build.build_colours(
        colors.CSS4_COLORS,
        {name.removeprefix("xkcd:"): value for name, value in colors.XKCD_COLORS.items()},
        {
            name: value
            for of in SHIPPED["more_colours"]["points"].values()
            for name, value in of.items()
        },
        SHIPPED["surveyed_colours"]["points"],
    )
    assert points == SHIPPED["colours"]["points"]


def test_the_nouns_that_ship_contain_their_source() -> None:
    more, synsets = SHIPPED["more_nouns"], SHIPPED["nouns"]["synsets"]
    for name, (words, parents) in more["synsets"].items():
        assert synsets[name][0][: len(words)] == words
        assert not parents or synsets[name][1] == parents
    for name, words in more["kinds"].items():
        assert all(synsets[word][1] for word in words), name
    assert more["senses"].items() <= SHIPPED["nouns"]["senses"].items()
    not_asked = {word for words in more["not_asked"].values() for word in words}
    assert not_asked <= {*SHIPPED["nouns"]["not_asked"]}
    left_out = {word for words in more["left_out"].values() for word in words}
    assert not left_out & {word for words, _ in synsets.values() for word in words}


def test_every_parent_and_sense_of_the_nouns_that_ship_is_a_synset() -> None:
    synsets = SHIPPED["nouns"]["synsets"]
    named = [parent for _, parents in synsets.values() for parent in parents]
    named += [name for names in SHIPPED["nouns"]["senses"].values() for name in names]
    assert {*named} <= {*synsets}
    assert (build.FOLDER / "nouns.json").stat().st_size < 300_000


@pytest.mark.skipif(not DEBIAN.is_dir(), reason="Debian's wordnet-base is not installed")
def test_the_nouns_that_ship_are_built_of_wordnet() -> None:
    built = build.build_nouns(WordNet(DEBIAN), SHIPPED["more_nouns"])
    assert json.loads(json.dumps(built)) == SHIPPED["nouns"]


@pytest.mark.skipif(not DEBIAN.is_dir(), reason="Debian's wordnet-base is not installed")
def test_an_unknown_parent_is_named() -> None:
    more = {"synsets": {"kurti": [["kurti"], ["kurta"]]}, "kinds": {}, "senses": {}}
    with pytest.raises(FitRankError, match="'kurti' names kurta, which no synset"):
        build.build_nouns(WordNet(DEBIAN), {**more, "left_out": {}, "not_asked": {}})


def test_words_of_two_languages_have_the_ratio_of_their_frequencies() -> None:
    def frequency(word: str, language: str) -> float:
        known = {("robe", "fr"): 4.6, ("robe", "en"): 3.5, ("rock", "de"): 4.4}
        return known.get((word, language), 0.0)

    languages = {"fr": {"dress": ["robe", "Robe"]}, "hi": {"skirt": ["robe"]}}
    found = build.in_own_language(languages, {"robe", "rock"}, frequency)
    assert found == {"fr": {"robe": 1.1}}


def test_words_of_english_are_no_compounds() -> None:
    def frequency(word: str, language: str) -> float:
        return 5.0 if (word, language) in {("kindred", "en"), ("lederhose", "de")} else 1.0

    assert build.no_compounds(["kindred", "lederhose", "shirt"], frequency) == ["kindred"]
