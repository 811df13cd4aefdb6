"""The vocabulary: CLIP's layout, merges that give the words back."""

import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.towers.vocabulary import END_TOKEN, START_TOKEN, learn_vocabulary

TITLES = ["Women navy blue kurta", "Men navy blue shirt", "navy kurta"] * 3


def test_layout_is_clips() -> None:
    tokenizer = learn_vocabulary(TITLES, size=600)
    vocabulary = sorted(tokenizer.vocabulary, key=tokenizer.vocabulary.get)
    assert len(vocabulary) == len(set(vocabulary)) <= 600
    assert vocabulary[256:512] == [byte + "</w>" for byte in vocabulary[:256]]
    assert vocabulary[-2:] == [START_TOKEN, END_TOKEN]
    assert tokenizer.token_to_id("navy</w>") is not None


@pytest.mark.parametrize("size", [515, 530])
def test_the_size_is_kept_and_every_merge_has_its_token(size: int) -> None:
    tokenizer = learn_vocabulary(TITLES, size)
    assert tokenizer.vocabulary_size() == size
    merges = [merge for merge in tokenizer.merges if not merge.startswith("#version")]
    assert all(merge.replace(" ", "") in tokenizer.vocabulary for merge in merges)


def test_pairs_that_are_as_frequent_are_merged_in_one_order() -> None:
    # All in one line each: every pair of letters is as frequent as many others.
    titles = ["red check shirt", "women navy kurta", "black casual shoes", "blue jeans"]
    learned = [learn_vocabulary(titles * 2, size=600) for _ in range(5)]
    assert all(other.merges == learned[0].merges for other in learned)
    assert all(other.vocabulary == learned[0].vocabulary for other in learned)


def test_nothing_to_learn_from_is_an_error() -> None:
    with pytest.raises(FitRankError, match="every title is empty"):
        learn_vocabulary(["", "  "], size=600)


def test_titles_without_a_common_pair_of_letters_are_an_error() -> None:
    with pytest.raises(FitRankError, match="no two letters stand together twice"):
        learn_vocabulary(["abc", "xyz"], size=600)
