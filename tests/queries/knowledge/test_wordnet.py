from pathlib import Path

import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.queries.knowledge.wordnet import WordNet

# In the format of wndb(5WN): offset, file, type, words with their numbers, pointers.
FILES = {
    "data.noun": [
        "  1 This is the licence.",
        "00000010 06 n 01 garment 0 001 ~ 00000020 n 0000 | a thing to wear",
        "00000020 06 n 02 neck_tie 0 tie 0 002 @ 00000010 n 0000 + 00000099 v 0101 | a",
        "00000030 24 n 01 tie 1 000 | equality of score",
        "00000040 07 n 01 color 0 001 ~ 00000050 n 0000 | a colour",
        "00000050 07 n 02 Jade_green 0 jade 0 001 @ 00000040 n 0000 | a green",
    ],
    "index.noun": [
        "  1 This is the licence.",
        "color n 1 1 ~ 1 0 00000040",
        "garment n 1 1 ~ 1 0 00000010",
        "jade n 1 1 @ 1 0 00000050",
        "jade_green n 1 1 @ 1 0 00000050",
        "neck_tie n 1 1 @ 1 0 00000020",
        "tie n 2 1 @ 2 1 00000030 00000020",
    ],
    "data.adj": [
        "00000060 00 a 01 chromatic 0 001 & 00000070 a 0000 | having a hue",
        "00000070 00 s 02 rust(a) 0 rusty-red 0 001 & 00000060 a 0000 | of rust",
        "00000080 00 a 01 plain 0 000 | not patterned",
    ],
    "cntlist.rev": ["tie%1:06:00:: 2 3", "tie%2:35:00:: 1 11", "color%1:07:00:: 1 5"],
}


@pytest.fixture
def wordnet(tmp_path) -> WordNet:
    for name, lines in FILES.items():
        (tmp_path / name).write_text("\n".join(lines) + "\n", "utf-8")
    return WordNet(tmp_path)


def test_synsets_have_plain_words_keys_and_parents(wordnet) -> None:
    tie = wordnet.synsets["00000020"]
    assert tie.words == ("neck tie", "tie")
    assert tie.keys == ("neck_tie%1:06:00::", "tie%1:06:00::")
    assert tie.parents == ("00000010",)
    assert len(wordnet.synsets) == 5


def test_senses_are_in_the_order_of_the_index_and_names_count_them(wordnet) -> None:
    assert wordnet.senses["tie"] == ("00000030", "00000020")
    assert wordnet.names["00000030"] == "tie.n.01"
    assert wordnet.names["00000020"] == "neck_tie.n.01"
    assert {*wordnet.names} == {*wordnet.synsets}


def test_below_contains_the_roots_and_their_kinds(wordnet) -> None:
    assert wordnet.below(["00000010"]) == {"00000010", "00000020"}
    assert wordnet.below(["00000010"], without=["00000020"]) == {"00000010"}
    assert wordnet.below(["00000020"], without=["00000020"]) == {"00000020"}


def test_uses_are_counted_over_all_parts_of_speech(wordnet) -> None:
    assert wordnet.uses["tie"] == 14
    assert wordnet.uses_of_sense["tie%1:06:00::"] == 3


def test_colour_words_are_nouns_and_adjectives(wordnet) -> None:
    assert wordnet.colour_words == {"color", "jade green", "jade", "rust", "rusty red"}


@pytest.mark.parametrize("missing", FILES)
def test_a_missing_file_is_named(tmp_path: Path, missing) -> None:
    for name in FILES.keys() - {missing}:
        (tmp_path / name).touch()
    with pytest.raises(FitRankError, match=f"has no {missing}; give the folder of WordNet"):
        WordNet(tmp_path)
