"""Sheets of a folder: each number leads back to its product; nothing is drawn twice."""

import numpy as np
import pytest
from PIL import Image

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.catalogue import Catalogue, CatalogueSource, open_catalogue
from fitrank_tf.datasets.splits import ALL
from fitrank_tf.evaluation.judging.draw import draw_sheets
from fitrank_tf.evaluation.judging.grades_file import by_sheet, read_shown
from fitrank_tf.evaluation.judging.sheet import PLAIN, draw_sheet
from fitrank_tf.evaluation.trec import Request

REQUESTS = {"q1": Request("red shirt", "mostly red"), "q2": Request("socks")}


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory) -> Catalogue:
    data = tmp_path_factory.mktemp("data")
    return open_catalogue(CatalogueSource(num_items=40, seed=2), str(data))


@pytest.fixture(scope="module")
def products(catalogue) -> dict[str, tuple[np.ndarray, str]]:
    """{id: photo, title} of all products."""
    items = catalogue.items(ALL).as_numpy_iterator()
    return {item["id"].decode(): (item["image"], item["text"].decode()) for item in items}


@pytest.fixture
def pools(products) -> dict[str, list[str]]:
    """32 products of q1, three of q2, not in the catalogue's order."""
    ids = [str(each) for each in np.random.default_rng(0).permutation(list(products))]
    return {"q1": ids[:32], "q2": ids[30:33]}


@pytest.mark.parametrize("titles", [False, True])
def test_every_number_leads_back_to_its_product(
    titles, catalogue, products, pools, tmp_path
) -> None:
    draw_sheets(tmp_path, REQUESTS, pools, catalogue, titles)
    sheets = by_sheet(read_shown(tmp_path / "grades.csv").values())
    assert {name: len(shown) for name, shown in sheets.items()} == {
        "q1_1": 30,
        "q1_2": 2,
        "q2_1": 3,
    }
    assert {path.name for path in tmp_path.iterdir()} == {
        "grades.csv",
        *(f"{name}.png" for name in sheets),
    }
    in_order = [each.product_id for shown in sheets.values() for each in shown]
    assert in_order == pools["q1"] + pools["q2"]
    for name, shown in sheets.items():
        cells = [
            (
                each.number,
                products[each.product_id][0],
                products[each.product_id][1] * titles,
            )
            for each in shown
        ]
        expected = draw_sheet(name, REQUESTS[shown[0].query_id], cells, PLAIN)
        drawn = Image.open(tmp_path / f"{name}.png")
        # Pillow and TensorFlow decode JPEG alike, up to rounding.
        difference = np.asarray(drawn, int) - np.asarray(expected, int)
        assert np.abs(difference).max() <= 16


def test_drawing_again_keeps_grades_and_sheets_and_draws_what_is_missing(
    catalogue, pools, tmp_path
) -> None:
    few = {"q1": pools["q1"][:5], "q2": pools["q2"]}
    draw_sheets(tmp_path, REQUESTS, few, catalogue)
    table, kept, lost = (tmp_path / name for name in ("grades.csv", "q1_1.png", "q2_1.png"))
    graded = table.read_text().replace(f"{few['q1'][3]},,", f"{few['q1'][3]},2,")
    table.write_text(graded)
    was = lost.read_bytes()
    lost.unlink()
    kept.write_bytes(b"somebody's own")
    draw_sheets(tmp_path, REQUESTS, few, catalogue)
    assert table.read_text() == graded
    assert kept.read_bytes() == b"somebody's own" and lost.read_bytes() == was
    draw_sheets(tmp_path, REQUESTS, pools, catalogue)
    assert table.read_text().startswith(graded)
    new = by_sheet(read_shown(table).values())["q1_2"]
    assert [each.product_id for each in new] == pools["q1"][5:]
    assert kept.read_bytes() == b"somebody's own" and (tmp_path / "q1_2.png").exists()


def test_products_of_another_catalogue_are_refused(catalogue, pools, tmp_path) -> None:
    with pytest.raises(FitRankError, match="product 'none' of the sheets is not in this"):
        draw_sheets(tmp_path / "new", REQUESTS, pools | {"q2": ["none"]}, catalogue)
    assert list(tmp_path.iterdir()) == []
