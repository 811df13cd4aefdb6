"""Two looks at the same photos, compared by hand."""

import dataclasses

import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.annotations import AnnotatedProduct
from fitrank_tf.datasets.annotations.annotation_file import Box
from fitrank_tf.evaluation.annotation_agreement import compare_annotations

TOP = Box("top", 0, 0, 100, 100)
LEFT, RIGHT = Box("sleeve", 0, 0, 20, 50), Box("sleeve", 80, 0, 100, 50)
FIRST = AnnotatedProduct("1", 100, 100, "train", (TOP, LEFT, RIGHT), "short", "round")


def test_equal_annotations_agree_wholly() -> None:
    agreement = compare_annotations([FIRST], [FIRST])
    assert agreement.num_photos == 1
    assert agreement.overlaps["product"].tolist() == [1.0]
    assert agreement.overlaps["sleeve"].tolist() == [1.0, 1.0]
    assert len(agreement.overlaps["neckline"]) == 0
    assert agreement.labels == {"class": 1.0, "sleeve": 1.0, "neckline": 1.0}


def test_every_difference_counts() -> None:
    half = dataclasses.replace(LEFT, xmax=10)
    jacket = dataclasses.replace(TOP, label="outerwear")
    neckline = Box("neckline", 40, 0, 60, 10)
    second = dataclasses.replace(
        FIRST, boxes=(jacket, RIGHT, half, neckline), sleeve="long"
    )
    other = dataclasses.replace(FIRST, id="2")
    agreement = compare_annotations([FIRST, other], [second])
    assert agreement.num_photos == 1
    assert agreement.overlaps["sleeve"].tolist() == [0.5, 1.0]  # from left to right
    assert agreement.overlaps["neckline"].tolist() == [0.0]  # only one saw it
    assert agreement.labels == {"class": 0.0, "sleeve": 0.0, "neckline": 1.0}
    assert "| sleeve | 2 | 0.750 | 1.000 |" in agreement.table()


def test_a_sleeve_that_only_one_saw_is_a_pair_without_overlap() -> None:
    second = dataclasses.replace(FIRST, boxes=(TOP, RIGHT))
    overlaps = compare_annotations([FIRST], [second]).overlaps["sleeve"]
    assert overlaps.tolist() == [1.0, 0.0]


def test_nothing_in_common_is_an_error() -> None:
    with pytest.raises(FitRankError, match="no product in common"):
        compare_annotations([FIRST], [dataclasses.replace(FIRST, id="2")])
