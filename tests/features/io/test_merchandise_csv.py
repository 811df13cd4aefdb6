"""Products in words, worked out by hand from features made by hand."""

import csv
import json

import pytest

from fitrank_tf.datasets.annotations.label_file import PATTERNS
from fitrank_tf.features.attributes.columns import NECKLINE_LABELS, SLEEVE_LABELS
from fitrank_tf.features.colour.names import COLOUR_NAMES
from fitrank_tf.features.extract import PhotoFeatures
from fitrank_tf.features.io.merchandise_csv import COLUMNS, in_words, write_merchandise_csv
from tests.features.hand_made_features import hand_made_features
from tests.small_feature_models import BLUE_LAB, RED_LAB, WHITE_LAB, small_prototypes

# A little darker than red: no other name is near.
DARKER_RED = (50.0, 76.0, 64.0)


def _seen(names=(("Red", 0.9),), palette=(), objects=(), **slices) -> PhotoFeatures:
    predicted = {COLOUR_NAMES.index(name): chance for name, chance in names}
    return hand_made_features(objects, palette, colour_names=predicted, **slices)


def _rows(tmp_path, products) -> list[dict[str, str]]:
    path = tmp_path / "out" / "features.csv"
    assert write_merchandise_csv(path, iter(products), small_prototypes()) == len(products)
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_product_is_a_row(tmp_path) -> None:
    seen = _seen(
        palette=[(RED_LAB, 0.6), (BLUE_LAB, 0.3)],
        objects=[
            ("top", 0.87654, [0.1, 0.2, 0.5, 0.6]),
            ("neckline", 0.25, [0.1, 0.3, 0.2, 0.45678]),
        ],
        pattern={PATTERNS.index("striped"): 0.7, PATTERNS.index("plain"): 0.3},
        sleeve={SLEEVE_LABELS.index("long"): 0.8},
        neckline={NECKLINE_LABELS.index("collar"): 0.55},
    )
    [row] = _rows(tmp_path, [('id, with "all" in it\n', seen)])
    objects, palette = json.loads(row.pop("objects")), json.loads(row.pop("palette"))
    assert palette == [["Red", 0.6, "#ff0000"], ["Blue", 0.3, "#0000ff"]]
    assert row == {
        "id": 'id, with "all" in it\n',
        **{"colour": "Red", "colour_confidence": "0.900", "colour_share": "0.600"},
        **{"colour2": "Blue", "colour2_share": "0.300"},
        **{"colour3": "", "colour3_share": ""},
        **{"pattern": "striped", "pattern_confidence": "0.700"},
        **{"sleeve": "long", "sleeve_confidence": "0.800"},
        **{"neckline": "collar", "neckline_confidence": "0.550"},
    }
    # x1, y1, x2, y2, and no padding.
    assert objects == [
        {"label": "top", "score": 0.877, "box": [0.2, 0.1, 0.6, 0.5]},
        {"label": "neckline", "score": 0.25, "box": [0.3, 0.1, 0.4568, 0.2]},
    ]


@pytest.mark.parametrize(
    ("names", "palette", "expected"),
    [
        ([("Red", 0.9)], [], [("Red", 0.0)]),
        ([("Red", 0.9)], [(RED_LAB, 1.0)], [("Red", 1.0)]),
        # Shades of one name are added up.
        (
            [("Red", 0.9)],
            [(BLUE_LAB, 0.4), (RED_LAB, 0.35), (DARKER_RED, 0.25)],
            [("Red", 0.6), ("Blue", 0.4)],
        ),
        # The product's name is first, be it of the smaller share; then what is probable.
        (
            [("Blue", 0.6), ("Red", 0.4)],
            [(WHITE_LAB, 0.5), (RED_LAB, 0.3), (BLUE_LAB, 0.2)],
            [("Blue", 0.2), ("Red", 0.3), ("White", 0.5)],
        ),
        # A share of the product is worth a tenth of a probability.
        (
            [("Red", 0.9), ("Green", 0.02), ("Black", 0.06)],
            [(RED_LAB, 0.5), (BLUE_LAB, 0.5)],
            [("Red", 0.5), ("Black", 0.0), ("Blue", 0.5)],
        ),
        # A name of none of the dominant colours has no share.
        (
            [("Multi", 0.8), ("Red", 0.2)],
            [(RED_LAB, 0.5), (BLUE_LAB, 0.3), (WHITE_LAB, 0.2)],
            [("Multi", 0.0), ("Red", 0.5), ("Blue", 0.3)],
        ),
    ],
)
def test_colours_by_name_and_share(names, palette, expected) -> None:
    words = in_words(_seen(names, palette), small_prototypes())
    assert [name for name, _ in words.colours] == [name for name, _ in expected]
    shares = [share for _, share in expected]
    assert [share for _, share in words.colours] == pytest.approx(shares)
    assert words.colour_confidence == pytest.approx(names[0][1])


def test_the_columns_and_the_order_of_products(tmp_path) -> None:
    rows = _rows(tmp_path, [(f"p{n}", _seen()) for n in (3, 1, 2)])
    assert [row["id"] for row in rows] == ["p3", "p1", "p2"]
    header = (tmp_path / "out" / "features.csv").read_text().splitlines()[0]
    assert header == (
        "id,colour,colour_confidence,colour_share,colour2,colour2_share,colour3,"
        "colour3_share,palette,pattern,pattern_confidence,sleeve,sleeve_confidence,neckline,"
        "neckline_confidence,objects"
    )
    assert tuple(header.split(",")) == COLUMNS


def test_no_products_are_a_header(tmp_path) -> None:
    assert _rows(tmp_path, []) == []


def test_after_an_error_the_old_file_is_as_it_was(tmp_path) -> None:
    def products():
        yield "a", _seen()
        raise KeyboardInterrupt

    path = tmp_path / "features.csv"
    path.write_text("of yesterday", encoding="utf-8")
    with pytest.raises(KeyboardInterrupt):
        write_merchandise_csv(path, products(), small_prototypes())
    assert path.read_text(encoding="utf-8") == "of yesterday"
    assert list(tmp_path.iterdir()) == [path]
