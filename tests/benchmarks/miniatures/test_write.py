"""Each miniature is read by the source of its data set, to the last line."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from benchmarks.miniatures.products import in_parts, products, views
from benchmarks.miniatures.write import WRITERS, main, write_miniature
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.catalogue import Catalogue, CatalogueSource, open_catalogue
from fitrank_tf.datasets.public import PUBLIC
from fitrank_tf.datasets.splits import ALL

PHOTOS = 24
# Data sets whose photos have no boxes.
WITHOUT_BOXES = ("flickr", "inria", "marqo", "mscoco", "deepfashion_multimodal")


def opened(dataset: str, folder: Path, count: int = PHOTOS) -> Catalogue:
    write_miniature(dataset, folder / "set", count)
    source = CatalogueSource(dataset, manual_dir=str(folder / "set"))
    return open_catalogue(source, str(folder / "data"))


def test_every_public_data_set_has_a_miniature() -> None:
    assert set(WRITERS) == set(PUBLIC)


@pytest.mark.parametrize("dataset", WRITERS)
def test_nothing_of_a_miniature_is_left_out(dataset: str, tmp_path: Path, caplog) -> None:
    catalogue = opened(dataset, tmp_path)
    assert catalogue.num_items(ALL) == PHOTOS and catalogue.skipped == {}
    # A data set has photos without captions, and INRIA's a number that is known.
    expected = ("have no caption", "photos of the 1491 of INRIA Holidays")
    warnings = [each.message for each in caplog.records if each.levelname != "INFO"]
    assert [line for line in warnings if not any(of in line for of in expected)] == []
    boxes = [len(item["objects"]["label"]) for item in catalogue.items(ALL)]
    assert set(boxes) == {0 if dataset.startswith(WITHOUT_BOXES) else 1}


def test_the_same_seed_writes_the_same_files(tmp_path: Path) -> None:
    for name in ("first", "again"):
        write_miniature("deepfashion_inshop", tmp_path / name, 20)
    first, again = (
        {path.relative_to(folder): path.read_bytes() for path in files(folder)}
        for folder in (tmp_path / "first", tmp_path / "again")
    )
    assert first == again and len(first) == 20 + 7


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_inshop_has_its_partitions_and_its_lines(tmp_path: Path) -> None:
    catalogue = opened("deepfashion_inshop", tmp_path, 40)
    records = catalogue.records(ALL)
    items = dict(zip(records.ids, records.column("item")))
    parts = dict(zip(records.ids, records.column("partition")))
    of_item = {
        item: {parts[i] for i in items if items[i] == item} for item in items.values()
    }
    assert list(of_item.values()).count({"train"}) == 4
    assert list(of_item.values()).count({"query", "gallery"}) == 4
    lines = (tmp_path / "set/Eval/list_eval_partition.txt").read_text().splitlines()
    assert lines[:2] == ["40", "image_name item_id evaluation_status"]
    assert {len(line) for line in lines[2:]} == {len(lines[2])} and lines[2].endswith(" ")


def test_coco_has_its_parts_and_one_caption_more(tmp_path: Path) -> None:
    catalogue = opened("mscoco_karpathy", tmp_path, 60)
    counts = Counter(catalogue.records(ALL).column("partition"))
    assert counts == {"train": 40, "restval": 15, "val": 3, "test": 2}
    assert Counter(map(len, catalogue.captions(ALL))) == {5: 59, 6: 1}


def test_the_test_photos_of_the_two_splits_of_flickr_are_others(tmp_path: Path) -> None:
    karpathy = opened("flickr30k/karpathy", tmp_path, 60)
    source = CatalogueSource("flickr30k/entities", manual_dir=str(tmp_path / "set"))
    entities = open_catalogue(source, str(tmp_path / "data"))
    tested = [set(each.records("test").ids) for each in (karpathy, entities)]
    assert tested[0] and tested[1] and not tested[0] & tested[1]
    captions = [
        dict(zip(each.records(ALL).ids, each.captions(ALL)))
        for each in (karpathy, entities)
    ]
    assert captions[0] == captions[1]
    [item] = entities.items("test").take(1)
    assert len(item["phrases"]["text"]) == 5 and item["boxes"]["bbox"].shape == (1, 4)


def test_a_view_has_the_boxes_of_what_it_shows() -> None:
    product = next(
        product for product in products(0) if product.boxes[0].label == "footwear"
    )
    original, flipped, _, nearer, *_ = views(product, 6)
    box, mirrored = original.boxes[0], flipped.boxes[0]
    np.testing.assert_allclose([mirrored.xmin, mirrored.xmax], [1 - box.xmax, 1 - box.xmin])
    np.testing.assert_array_equal(flipped.image, original.image[:, ::-1])
    edges = (np.array([box.ymin, box.xmin, box.ymax, box.xmax]) - 0.06) / 0.88
    near = nearer.boxes[0]
    np.testing.assert_allclose(
        [near.ymin, near.xmin, near.ymax, near.xmax], np.clip(edges, 0, 1)
    )
    squared = original.on_square(256)
    xmin, ymin, xmax, ymax = squared.corners(squared.boxes[0])
    shown = squared.image[ymin:ymax, xmin:xmax]
    left, top, right, bottom = original.corners(box)
    np.testing.assert_array_equal(shown, original.image[top:bottom, left:right])


@pytest.mark.parametrize(
    ("total", "expected"), [(10, [6, 3, 1]), (3, [1, 1, 1]), (100, [60, 33, 7])]
)
def test_parts_are_in_the_official_proportions(total: int, expected: list[int]) -> None:
    parts = in_parts(total, {"train": 600, "val": 330, "test": 70})
    assert [parts.count(name) for name in ("train", "val", "test")] == expected


def test_a_folder_with_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    arguments = ["--dataset=inria_holidays", f"--output_dir={tmp_path}"]
    with pytest.raises(FitRankError, match="is not empty; name a new folder"):
        main(arguments)
    with pytest.raises(FitRankError, match="--num_items 3: write 20 or more"):
        main([*arguments, "--num_items=3"])
    assert files(tmp_path) == [tmp_path / "notes.txt"]
