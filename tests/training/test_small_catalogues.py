"""Catalogues too small or too uniform for some stage: a bundle, or one line at once."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from fitrank_tf import api
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.catalogue import Catalogue
from fitrank_tf.datasets.splits import SPLITS, split_of
from fitrank_tf.export.bundle import REPORT_DIR
from fitrank_tf.training.run import Run
from tests.datasets.small_catalogues import write_csv
from tests.training.small_chain import SMALL

# The shipped detector: one that is trained takes as long as all other stages.
QUICK = tuple(each for each in SMALL if not each.startswith("detector")) + (
    "facet_heads.epochs=2",
)
COLOURS = {"Red": (200, 30, 30), "Blue": (30, 60, 200), "Green": (30, 150, 50)}
HEADER = ("id", "text", "image", "gender", "colour", "article_type")


def _catalogue(
    folder: Path,
    titles: list[str],
    attributes: bool = True,
    same_photo: bool = False,
) -> Catalogue:
    """A table of products with plain photos; colour and kind differ from row to row."""
    rows = []
    for number, title in enumerate(titles):
        colour, kind = list(COLOURS)[number % 3], ("Shirts", "Bags")[number % 2]
        photo = np.full((60, 40, 3), 255, np.uint8)
        side = 20 if same_photo else 10 + number % 9
        photo[10 : 10 + side, 10:30] = COLOURS["Red" if same_photo else colour][::-1]
        cv2.imwrite(str(folder / f"{number}.png"), photo)
        values = ("Men", colour, kind) if attributes else ("", "", "")
        rows.append((f"p{number}", title, f"{number}.png", *values))
    table = write_csv(folder / "table.csv", [HEADER, *rows])
    return api.open_catalogue(
        "csv_catalogue", table=table, images=folder, data_dir=folder / "data"
    )


def _title_of(split: str, number: int = 0) -> str:
    titles = [f"Shirt {n}" for n in range(400)]
    return [title for title in titles if split_of("", title) == split][number]


@pytest.fixture
def nothing_is_made(monkeypatch) -> None:
    """Fails a test if a stage begins."""

    def made(*_):
        raise AssertionError("a stage was begun")

    monkeypatch.setattr("fitrank_tf.training.work_dir.WorkDir.making", made)


@pytest.mark.usefixtures("nothing_is_made")
@pytest.mark.parametrize(
    ("titles", "attributes", "changes", "message"),
    [
        (["Red Shirt"], True, (), "training needs 2 products or more, the catalogue has 1"),
        ([_title_of("test")], True, (), "needs 2 products or more, the catalogue has 1"),
        ([""], False, (), "needs 2 products or more"),
        ([""] * 12, False, (), "no product has a title or an attribute"),
        (
            ["Shirt"] * 12,
            True,
            ("lora_training.accumulation=4", "lora_training.mixup=0"),
            r"batches of 32 in 4 parts need as many products, the towers have 12",
        ),
    ],
)
def test_what_cannot_be_trained_is_refused_at_once(
    tmp_path, titles, attributes, changes, message
) -> None:
    catalogue = _catalogue(tmp_path, titles, attributes)
    with pytest.raises(FitRankError, match=message) as refused:
        api.train(catalogue, "tiny", tmp_path / "out", overrides=(*QUICK, *changes))
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("split", SPLITS)
def test_thirty_products_of_one_title_are_trained_on(tmp_path, split) -> None:
    """Whichever split the title's hash falls into; see also `test_products`."""
    catalogue = _catalogue(tmp_path, [_title_of(split)] * 30)
    config = api.override(api.load_recipe("tiny", "csv_catalogue"), QUICK)
    run = Run(config, catalogue, None)
    run.make(())
    assert len(run.products.tower_rows) == len(run.products.ranker_rows) == 30


CATALOGUES = {
    "two products": {"titles": ["Red Shirt", "Blue Bag"]},
    "five": {
        "titles": [f"{name} {n}" for n, name in enumerate(["Shirt", "Bag"] * 2)] + [""]
    },
    "one title, for validation": {"titles": [_title_of("validation")] * 30},
    "one title, for test": {"titles": [_title_of("test")] * 30, "attributes": False},
    "all in test": {"titles": [_title_of("test", n) for n in range(20)]},
    "all in train": {"titles": [_title_of("train", n) for n in range(20)]},
    "one photo": {"titles": [f"Shirt {n}" for n in range(50)], "same_photo": True},
    "no titles": {"titles": [""] * 50},
    "no attributes": {"titles": [f"Shirt {n}" for n in range(50)], "attributes": False},
    "five hundred": {"titles": [f"Shirt {n}" for n in range(500)]},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CATALOGUES)
def test_a_small_catalogue_gives_a_usable_bundle(tmp_path, name) -> None:
    catalogue = _catalogue(tmp_path, **CATALOGUES[name])
    bundle = api.train(catalogue, "tiny", tmp_path / "out", overrides=QUICK)
    count = catalogue.num_items("all")
    assert len(bundle.search("red shirt", top_k=count)) == min(count, 20)
    assert len(bundle.search_by_photo(tmp_path / "0.png")) == min(count, 10)
    colours = catalogue.records("all").attributes["colour"]
    found = bundle.search("shirt", top_k=20, filters={"colour": "Red"})
    assert len(found) == min(20, colours.count("Red"))
    measured = (bundle.path / REPORT_DIR / "table.md").is_file()
    assert bool(bundle.info.metrics) == measured
    scores = [hit.score for hit in bundle.search("red shirt", top_k=count)]
    assert np.isfinite(scores).all()
