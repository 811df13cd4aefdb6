"""Misspellings against a distance that is written here, and against lists by hand."""

import random
import string

import pytest

from fitrank_tf.queries.misspellings import corrections, misspellings, typos, with_typo

WORDS = ("shirt", "kurta", "casual", "trousers", "sweatshirts", "women")


def _distance(one: str, other: str) -> int:
    """Optimal string alignment: deletions, insertions, replacements, swaps."""
    rows = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i in range(len(one) + 1):
        for j in range(len(other) + 1):
            if not i or not j:
                rows[i][j] = i + j
                continue
            differs = one[i - 1] != other[j - 1]
            rows[i][j] = min(
                rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + differs
            )
            if i > 1 and j > 1 and (one[i - 2], one[i - 1]) == (other[j - 1], other[j - 2]):
                rows[i][j] = min(rows[i][j], rows[i - 2][j - 2] + 1)
    return rows[-1][-1]


@pytest.mark.parametrize("word", WORDS)
def test_misspellings_are_one_edit_away(word: str) -> None:
    assert typos(word) < misspellings(word)
    assert {_distance(word, wrong) for wrong in misspellings(word)} == {1}


@pytest.mark.parametrize(
    ("word", "wrong", "is_typo", "is_read"),
    [
        ("shirt", "shrt", True, True),
        ("shirt", "shiirt", True, True),
        ("shirt", "shrit", True, True),
        ("shirt", "shift", False, False),  # a neighbouring key, but a word of its own
        ("shirt", "shigt", False, False),  # g is not beside r
        ("shirt", "shert", False, True),
        ("shirt", "shirxt", False, False),  # short, and no typo
        ("beach", "peach", False, False),
        ("black", "back", False, False),
        ("purple", "purpke", True, True),
        ("trousers", "trousexs", False, True),
        ("trousers", "trouxsers", False, True),
        ("trousers", "trxusexs", False, False),
        # Of six letters slips and vowels alone, of seven or more any edit.
        ("purple", "purzple", False, False),
        ("purple", "pumple", False, False),
        ("purple", "purplo", False, True),
        ("jackets", "jacqets", False, True),
        ("jackets", "jacketzs", False, True),
        # The keys above, below and beside s.
        *(("shirts", f"shirt{key}", True, True) for key in "waedzx"),
        *(("shirts", f"shirt{key}", False, False) for key in "qrfcv"),
        ("navy", "navvy", False, True),
        ("navy", "nvy", False, False),
        ("red", "redd", False, False),
        ("shirt", "shirt", False, False),
        ("naïve", "naaïve", False, False),
        ("3quarter", "3quartr", False, False),
        ("two words", "two wordss", False, False),
    ],
)
def test_typos_and_recognised_misspellings(
    word: str, wrong: str, is_typo: bool, is_read: bool
) -> None:
    assert (wrong in typos(word)) == is_typo
    assert (wrong in misspellings(word)) == is_read


@pytest.mark.parametrize("word", ["trousers", "sweatshirts", "printed"])
def test_every_edit_of_a_long_word_is_a_misspelling(word: str) -> None:
    draw = random.Random(word)
    for _ in range(500):
        place, letter = draw.randrange(len(word)), draw.choice(string.ascii_lowercase)
        wrong = draw.choice(
            [
                word[:place] + word[place + 1 :],
                word[:place] + letter + word[place:],
                word[:place] + letter + word[place + 1 :],
                word + letter,
            ]
        )
        assert wrong in misspellings(word) | {word, "pointed", "painted"}


def test_corrections_leave_out_taken_and_ambiguous_words() -> None:
    words = ("shirt", "skirt", "shorts", "jackets")
    meant = corrections(words, taken={"jakets", "shrit"})
    assert meant["jakcets"] == "jackets"
    assert meant["shiirt"] == "shirt"
    # A letter short of shirt and of skirt.
    assert "sirt" in typos("shirt") & typos("skirt") and "sirt" not in meant
    assert "shrit" in typos("shirt") and "shrit" not in meant
    assert "jakets" in typos("jackets") and "jakets" not in meant
    assert not meant.keys() & set(words)
    for wrong, word in meant.items():
        near = [other for other in words if wrong in misspellings(other)]
        assert near == [word]


def test_a_text_gets_one_typo_in_one_long_word() -> None:
    text = "red t-shirts for women with long sleeves"
    meant = corrections(("shirts", "women", "sleeves", "long"), taken=())
    found = [with_typo(text, meant, random.Random(seed)) for seed in range(60)]
    assert found == [with_typo(text, meant, random.Random(seed)) for seed in range(60)]
    right, changed = text.replace("-", " ").split(), set()
    for wrong in found:
        pairs = list(zip(right, wrong.replace("-", " ").split(), strict=True))
        ((before, after),) = [(a, b) for a, b in pairs if a != b]
        assert _distance(before, after) == 1 and len(before) >= 5
        changed.add(before)
    assert changed == {"shirts", "women", "sleeves"}


@pytest.mark.parametrize(
    "text", ["", "red tee", "for men", "wollt ihr", "5shirts", "unread"]
)
def test_a_text_without_a_known_long_word_stays(text: str) -> None:
    meant = corrections(("shirts", "unknown"), taken=())
    assert with_typo(text, meant, random.Random(0)) == text
