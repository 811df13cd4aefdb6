"""Feature vectors written by hand, and the report that they must give."""

from collections.abc import Mapping

import numpy as np
import pytest
from PIL import Image

from fitrank_tf.datasets.annotations.label_file import (
    LABEL_FIELDS,
    PATTERNS,
    ProductLabels,
)
from fitrank_tf.datasets.catalogue import CatalogueRecords
from fitrank_tf.evaluation.attribute_report import AttributeReport, measure_attributes
from fitrank_tf.features.attributes.columns import (
    CUT_LABELS,
    NECKLINE_LABELS,
    SLEEVE_LABELS,
)
from fitrank_tf.features.colour.names import COLOUR_NAMES
from fitrank_tf.features.extract import feature_schema
from tests.fashion import ATTRIBUTES, DECLARATION

ANSWERS = {
    "colour_names": COLOUR_NAMES,
    "pattern": PATTERNS,
    "sleeve": SLEEVE_LABELS,
    "neckline": NECKLINE_LABELS,
    **CUT_LABELS,
}


def vector(said: Mapping[str, list[str]]) -> np.ndarray:
    """Features whose slices have these classes, the most probable first."""
    features = np.zeros(feature_schema().size, np.float32)
    for name, answers in said.items():
        probabilities = features[feature_schema().slice(name)]
        for place, answer in enumerate(answers):
            probabilities[ANSWERS[name].index(answer)] = 0.5 / (1 + place)
    return features


def records(colours: list[str]) -> CatalogueRecords:
    ids = tuple(f"p{row}" for row in range(len(colours)))
    blank = ("",) * len(ids)
    attributes = dict.fromkeys(ATTRIBUTES, blank) | {"colour": tuple(colours)}
    return CatalogueRecords(ids, blank, attributes, ("test",) * len(ids), DECLARATION)


def colour_report(said: list[list[str]], colours: list[str]) -> AttributeReport:
    features = np.stack([vector({"colour_names": names}) for names in said])
    labels = {"p0": ProductLabels("p0", "test", {"pattern": "plain"})}
    return measure_attributes(features, records(colours), labels)


@pytest.mark.parametrize(
    ("colour", "first", "third"),
    [
        ("Red", 1, 1),
        ("rED", 1, 1),
        ("Navy Blue", 0, 1),
        ("Maroon", 0, 1),
        ("Pink", 0, 0),  # the fourth
        ("Black", 0, 0),
        ("Fluorescent Green", 0, 0),  # no name of the features
    ],
)
def test_the_colour_is_the_first_name_or_among_three(
    colour: str, first: int, third: int
) -> None:
    report = colour_report([["Red", "Navy Blue", "Maroon", "Pink"]], [colour])
    assert (report.colour.accuracy, report.colour_top3) == (first, third)
    assert report.colour.counts.sum() == 1


def test_products_without_a_colour_do_not_count() -> None:
    said = [["Red"], ["Blue", "Red"], ["Green"], ["Red"]]
    report = colour_report(said, ["Red", "Red", "", "Plum"])
    assert report.colour.counts.sum() == 3
    assert report.colour.accuracy == pytest.approx(1 / 3)
    assert report.colour_top3 == pytest.approx(2 / 3)
    # Plum counts as one more, nameless class.
    assert report.colour.counts[-1].sum() == 1 and "Plum" not in report.colour.names


def worn_report() -> AttributeReport:
    """Five products with labels by eye, one without."""
    products = [
        # sleeve and neckline by eye; as the features say.
        ("short", "round", "short", "round"),
        ("long", "v", "short", "v"),
        ("long", "collar", "long", "other"),
        ("", "", "unknown", "unknown"),
        ("", "hood", "long", "unknown"),
    ]
    labels = {
        f"p{row}": ProductLabels(
            f"p{row}",
            "test",
            {
                "sleeve": sleeve,
                "neckline": neckline,
                "pattern": "" if row else "plain",
                # Not everything is labelled of every product.
                **({"length": "knee"} if row < 2 else {}),
            },
        )
        for row, (sleeve, neckline, _, _) in enumerate(products)
    }
    features = [
        vector(
            {
                "sleeve": [sleeve],
                "neckline": [neckline],
                "pattern": ["plain"],
                "length": ["knee" if sleeve == "short" and neckline == "v" else "thigh"],
            }
        )
        for _, _, sleeve, neckline in [*products, ("", "", "short", "v")]
    ]
    return measure_attributes(np.stack(features), records(["Red"] * 6), labels)


def test_manual_labels_are_compared_with_the_most_probable_class() -> None:
    report = worn_report()
    sleeve, neckline = report.by_eye["sleeve"], report.by_eye["neckline"]
    # An empty label is the class "unknown"; a product without labels is ignored.
    assert (sleeve.counts.sum(), sleeve.accuracy) == (5, pytest.approx(3 / 5))
    assert (neckline.counts.sum(), neckline.accuracy) == (5, pytest.approx(3 / 5))
    # Products that nobody labelled in a field are ignored: of the two, one is "knee".
    length = report.by_eye["length"]
    assert (length.counts.sum(), length.accuracy) == (2, 0.5)
    assert report.by_eye["fit"].counts.sum() == 0
    # Patterns have no such class: the four without are ignored.
    assert (report.by_eye["pattern"].counts.sum(), report.by_eye["pattern"].accuracy) == (
        1,
        1,
    )
    long, unknown = SLEEVE_LABELS.index("long"), SLEEVE_LABELS.index("unknown")
    assert sleeve.counts[unknown, long] == 1 and sleeve.counts[long, unknown] == 0


def test_the_table_has_a_row_an_attribute() -> None:
    rows = {
        cells[0]: cells[1:]
        for cells in (
            [cell.strip() for cell in line.strip("|").split("|")]
            for line in worn_report().table().splitlines()
        )
    }
    assert rows["attribute"][-1] == "where it applies"
    # The features name no colour: the first of the list, black, and never red.
    assert rows["colour"] == ["6", "0.000", "0.000", "", ""]
    # Where a sleeve is seen: short, long taken for short, long. Two of three.
    # F1: unknown 2/3, short 2/3, long 1/2, mean 11/18.
    assert rows["sleeve"] == ["5", "0.600", "", "0.611", "0.667"]
    # Round and v right, collar and hood wrong: two of four. F1: unknown 2/3, round 1,
    # v 1, collar, hood and other 0, mean 4/9.
    assert rows["neckline"] == ["5", "0.600", "", "0.444", "0.500"]
    assert rows["pattern"] == ["1", "1.000", "", "1.000", ""]


def test_a_picture_an_attribute(tmp_path) -> None:
    written = worn_report().draw(tmp_path / "new" / "folder")
    assert {path.name for path in written} == {
        f"{name}.png" for name in ("colour", *LABEL_FIELDS)
    }
    assert all(Image.open(path).size > (100, 100) for path in written)
