"""The words of texts as people type them."""

import pytest

from fitrank_tf.queries.query_words import query_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ＲＥＤ　Ｓｈｉｒｔ", ["red", "shirt"]),
        ("re\u200bd po\u00adlo\ufeff", ["red", "polo"]),
        ("#polo_shirt, size-42!", ["polo", "shirt", "size", "42"]),
        ("cafe\u0301 CRÈME", ["café", "crème"]),
        ("½ ﬁt m²", ["1", "2", "fit", "m2"]),
        ("men's", ["men", "s"]),
        ("Nike™ AIR® Max℠", ["nike", "air", "max"]),
        ("👗 \u200d ", []),
        ("", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert query_words(text) == words
