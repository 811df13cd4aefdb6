"""Lines of text files: numbers count blank lines, and what cannot be read is named."""

import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.lines import line_error, numbered_lines


def test_blank_lines_count_and_are_left_out(tmp_path) -> None:
    path = tmp_path / "lines.txt"
    path.write_bytes("\ufeffone\n \n\nfour é\n".encode())
    assert list(numbered_lines(path)) == [(1, "one"), (4, "four é")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty; write at least one line"),
        (b"a\n\xff\n", "line 2: not UTF-8; save the file as UTF-8"),
        (None, "No such file or directory; check the path"),
    ],
)
def test_what_cannot_be_read_is_named(content, message, tmp_path) -> None:
    path = tmp_path / "lines.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FitRankError, match=message) as caught:
        list(numbered_lines(path))
    assert str(path) in str(caught.value)


def test_an_error_is_one_line_with_a_mend() -> None:
    assert str(line_error("a.txt", 3, "x")) == "a.txt, line 3: x; mend or remove the line"
