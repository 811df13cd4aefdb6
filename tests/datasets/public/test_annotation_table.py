"""Tables padded with blanks, below a head of two lines."""

from pathlib import Path

import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.annotation_table import annotation_lines


def write(folder: Path, text: str) -> Path:
    path = folder / "list.txt"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("image_name status\nimg/a.jpg train\n", "line 1: not how many lines follow"),
        ("img/a.jpg train\nimg/b.jpg test\n", "line 1: not how many lines follow"),
        ("-3\nimage_name\n", "line 1: not how many lines follow"),
        ("2\n\nimg/a.jpg train\nimg/b.jpg test\n", "line 3: not the names of the col"),
        ("1\nid_1 1 -1\n", "line 2: not the names of the columns"),
        ("2\nSkinny Jeans 2\nDress 3\n", "line 2: not the names of the columns"),
    ],
)
def test_a_head_that_is_missing_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(FitRankError, match=f"{path}, {said}.*unpack") as error:
        list(annotation_lines(path))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("said", ["2", "  0002\t", "3", "9" * 5000])
def test_a_wrong_number_of_lines_is_logged(tmp_path: Path, said: str, caplog) -> None:
    path = write(tmp_path, f"{said}\nname type\na b  1 \n\nc 2\n")
    assert list(annotation_lines(path)) == [(3, ["a", "b", "1"]), (5, ["c", "2"])]
    is_right = said.strip().lstrip("0") == "2"
    assert ("it has 2" in caplog.text) == (not is_right)
    assert len(caplog.text) < 1000


@pytest.mark.parametrize("text", ["0\n", "0\nname\n"])
def test_a_head_alone_has_no_lines(tmp_path: Path, text: str, caplog) -> None:
    assert list(annotation_lines(write(tmp_path, text))) == []
    assert not caplog.text
