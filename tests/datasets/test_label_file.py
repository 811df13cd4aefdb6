"""Label files: read, refused by file and line; two annotators agree."""

from pathlib import Path

import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets import annotations
from fitrank_tf.datasets.annotations.label_file import ProductLabels, read_labels

HEADER = "id,split,sleeve,neckline,pattern"
SHIRT = ProductLabels("10051", "test", "short", "collar", "plain")
BAG = ProductLabels("99", "train", "", "", "striped")
SHIPPED = Path(annotations.__file__).parent


def write_lines(folder: Path, *lines: str) -> Path:
    path = folder / "mine.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_row_is_a_product(tmp_path: Path) -> None:
    path = write_lines(
        tmp_path, HEADER, "10051,test,short,collar,plain", "99,train,,,striped"
    )
    assert read_labels(path) == [SHIRT, BAG]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("2,validation,,,", "split is 'validation'; choose from train, test"),
        ("2,train,puffed,,", "sleeve is 'puffed'; choose from .*three-quarter"),
        ("2,train,,deep,", "neckline is 'deep'; choose from .*hood"),
        ("2,train,,,dotted", "pattern is 'dotted'; choose from .*checked"),
        ("2,train,short,round", "not 5 fields"),
        ("2,train,short,round,plain,red", "not 5 fields"),
        ("1,test,,,", "product '1' comes twice"),
    ],
)
def test_a_wrong_row_is_named_by_file_and_line(
    tmp_path: Path, row: str, message: str
) -> None:
    path = write_lines(tmp_path, HEADER, "1,train,,,", row)
    with pytest.raises(FitRankError, match=rf"mine\.csv, line 3: {message}"):
        read_labels(path)


@pytest.mark.parametrize(
    "first", ["", "id,split", "id,split,neckline,sleeve,pattern", f"{HEADER},colour"]
)
def test_another_first_line_is_refused(tmp_path: Path, first: str) -> None:
    path = write_lines(tmp_path, first, "1,train,,,")
    with pytest.raises(FitRankError, match=rf"mine\.csv begins with .*must be {HEADER}"):
        read_labels(path)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content) -> None:
    if content is not None:
        (tmp_path / "mine.csv").write_bytes(content)
    with pytest.raises(FitRankError, match=r"mine\.csv cannot be read"):
        read_labels(tmp_path / "mine.csv")


@pytest.mark.parametrize("field", ["split", "sleeve", "neckline", "pattern"])
def test_two_annotators_agree(field: str) -> None:
    first = {
        product.id: product
        for product in read_labels(SHIPPED / "fashion_product_images_labels.csv")
    }
    second = read_labels(SHIPPED / "second_look_labels.csv")
    assert len(second) >= 100 and {product.id for product in second} <= set(first)
    equal = [getattr(first[each.id], field) == getattr(each, field) for each in second]
    assert sum(equal) / len(equal) >= 0.95
