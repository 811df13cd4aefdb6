"""Texts are broken at words, and what does not fit ends in an ellipsis."""

import pytest

from fitrank_tf.evaluation.sheets.lettering import (
    built_in_font,
    clipped,
    without_accents,
    wrapped,
)

FONT = built_in_font(12)


@pytest.mark.parametrize("most_lines", [1, 2, 5])
def test_lines_hold_the_words_in_order(most_lines) -> None:
    text = "a long sentence of many short words that go over several lines"
    lines = wrapped(text, FONT, 90, most_lines)
    assert len(lines) <= most_lines
    assert all(FONT.getlength(line) <= 90 for line in lines)
    shown = " ".join(lines)
    assert shown == text if most_lines == 5 else text.startswith(shown[:-1].rstrip())
    assert shown.endswith("…") == (most_lines < 5)


def test_a_word_that_is_too_long_is_clipped() -> None:
    [line] = wrapped("W" * 60, FONT, 90, 2)
    assert line == clipped("W" * 60, FONT, 90)
    assert set(line) == {"W", "…"} and FONT.getlength(line) <= 90


def test_nothing_is_no_line() -> None:
    assert wrapped("  ", FONT, 90, 3) == []


@pytest.mark.parametrize(
    ("text", "bare"), [("für Öfen", "fur Ofen"), ("a\u0301", "a"), ("衬衫", "衬衫")]
)
def test_accents_go(text, bare) -> None:
    assert without_accents(text) == bare
