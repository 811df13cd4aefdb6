"""Label files: read, refused by file and line; two annotators agree."""

from pathlib import Path

import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets import annotations
from fitrank_tf.datasets.annotations.label_file import (
    ProductLabels,
    merged_labels,
    read_labels,
)

HEADER = "id,split,sleeve,neckline,pattern"
SHIRT = ProductLabels(
    "10051", "test", {"sleeve": "short", "neckline": "collar", "pattern": "plain"}
)
BAG = ProductLabels("99", "train", {"sleeve": "", "neckline": "", "pattern": "striped"})
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
    ("first", "message"),
    [
        *(
            (first, r"mine\.csv begins with .*must be id,split and some of sleeve,.*fit")
            for first in (
                "",
                "id,split",
                "split,id,sleeve",
                "id,sleeve",
                f"{HEADER},colour",
            )
        ),
        ("id,split,fit,fit", r"mine\.csv: a column comes twice"),
    ],
)
def test_another_first_line_is_refused(tmp_path: Path, first: str, message: str) -> None:
    path = write_lines(tmp_path, first, "1,train,,,")
    with pytest.raises(FitRankError, match=message):
        read_labels(path)


def test_a_file_has_some_of_the_fields_in_any_order(tmp_path: Path) -> None:
    path = write_lines(tmp_path, "id,split,fit,length", "7,train,slim,")
    assert read_labels(path) == [ProductLabels("7", "train", {"fit": "slim", "length": ""})]


def test_the_labels_of_several_files_come_together() -> None:
    cut = ProductLabels("10051", "test", {"fit": "slim"})
    merged = merged_labels([[SHIRT, BAG], [cut]])
    assert merged == {
        "10051": ProductLabels("10051", "test", {**SHIRT.values, "fit": "slim"}),
        "99": BAG,
    }
    leaked = ProductLabels("10051", "train", {"fit": "slim"})
    with pytest.raises(FitRankError, match="'10051' is marked test in one label file and"):
        merged_labels([[SHIRT], [leaked]])


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content) -> None:
    if content is not None:
        (tmp_path / "mine.csv").write_bytes(content)
    with pytest.raises(FitRankError, match=r"mine\.csv cannot be read"):
        read_labels(tmp_path / "mine.csv")


@pytest.mark.parametrize(
    ("name", "field", "least"),
    [
        ("labels", "sleeve", 0.95),
        ("labels", "neckline", 0.95),
        ("labels", "pattern", 0.95),
        ("cuts", "length", 0.95),
        # Where slim ends and regular begins is a matter of taste.
        ("cuts", "fit", 0.85),
    ],
)
def test_two_annotators_agree(name: str, field: str, least: float) -> None:
    first = merged_labels([read_labels(SHIPPED / f"fashion_product_images_{name}.csv")])
    second = read_labels(SHIPPED / f"second_look_{name}.csv")
    assert len(second) >= 100 and {product.id for product in second} <= set(first)
    assert all(first[each.id].split == each.split for each in second)
    equal = [first[each.id].values[field] == each.values[field] for each in second]
    assert sum(equal) / len(equal) >= least
