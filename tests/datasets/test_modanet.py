"""ModaNet's own files: polygons become boxes, thirteen categories the detector's."""

import json
from pathlib import Path

import numpy as np
import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.catalogue import Catalogue, CatalogueSource, open_catalogue
from fitrank_tf.datasets.item import OBJECT_CLASSES
from fitrank_tf.datasets.modanet import ModaNetSource
from fitrank_tf.datasets.modanet.source import ANNOTATION_FILES
from fitrank_tf.datasets.product_source import LabelledBox
from fitrank_tf.datasets.splits import ALL
from tests.datasets.small_catalogues import noise_photo, write_files

# As the repository's README numbers and describes them.
NAMES = (
    *("bag", "belt", "boots", "footwear", "outer", "dress", "sunglasses"),
    *("pants", "top", "shorts", "skirt", "headwear", "scarf/tie"),
)
CLASSES = (
    *("bag", "belt/tie", "footwear", "footwear", "outerwear", "one-piece", "eyewear"),
    *("bottom", "top", "bottom", "bottom", "headwear", "belt/tie"),
)
TOP = NAMES.index("top") + 1
# A triangle around x 40..120 and y 60..180 of a photo 200 wide and 300 high.
TRIANGLE = [40, 180, 80, 60, 120, 180]


def image(number: int) -> dict:
    name = f"{number:07d}.jpg"
    return {"id": number, "file_name": name, "width": 200, "height": 300, "license": 3}


def annotation(
    image_id: int, polygons: list | None, category: int = TOP, bbox=(1, 2, 3, 4)
) -> dict:
    entry = {"id": 7, "image_id": image_id, "category_id": category, "iscrowd": 0}
    entry |= {"area": 10, "bbox": list(bbox)}
    return entry if polygons is None else {**entry, "segmentation": polygons}


def coco(images: list[dict], annotations: list[dict], names=NAMES) -> dict:
    categories = [
        {"supercategory": "fashion", "id": number, "name": name}
        for number, name in enumerate(names, start=1)
    ]
    plain = {"info": {"version": "1.0"}, "type": "instances", "licenses": [], "year": 2018}
    return plain | {
        "images": images,
        "annotations": annotations,
        "categories": categories,
    }


def write_modanet(folder: Path, plain: dict | str, photos: tuple[int, ...] = (1,)) -> Path:
    text = plain if isinstance(plain, str) else json.dumps(plain)
    (folder / "images").mkdir(parents=True, exist_ok=True)
    files = {f"images/{n:07d}.jpg": noise_photo(n, 200, 300) for n in photos}
    return write_files(folder, {ANNOTATION_FILES[0]: text.encode(), **files})


def only_box(folder: Path, entry: dict) -> LabelledBox:
    source = ModaNetSource(str(write_modanet(folder, coco([image(1)], [entry]))))
    ((box,),) = (row.objects for row in source.rows())
    return box


@pytest.mark.parametrize(
    ("polygons", "corners"),
    [
        # ymin, xmin, ymax, xmax: 60/300, 40/200, 180/300, 120/200.
        ([TRIANGLE], (0.2, 0.2, 0.6, 0.6)),
        # Two parts of one garment, the second further down and to the right.
        ([TRIANGLE, [150, 240, 160, 240, 160, 270]], (0.2, 0.2, 0.9, 0.8)),
        # Beyond the photo on all sides.
        ([[-5, -10, 300, 20, 100, 400]], (0.0, 0.0, 1.0, 1.0)),
        # None: COCO's bbox is x, y, width, height.
        ([], (0.1, 0.5, 0.3, 0.75)),
        (None, (0.1, 0.5, 0.3, 0.75)),
    ],
)
def test_boxes_around_polygons(tmp_path: Path, polygons, corners: tuple) -> None:
    box = only_box(tmp_path, annotation(1, polygons, bbox=(100, 30, 50, 60)))
    assert box.label == "top"
    assert (box.ymin, box.xmin, box.ymax, box.xmax) == pytest.approx(corners)


@pytest.mark.parametrize("number", range(len(NAMES)))
def test_each_category_is_a_class_of_the_detector(tmp_path: Path, number: int) -> None:
    assert (
        only_box(tmp_path, annotation(1, [TRIANGLE], number + 1)).label == CLASSES[number]
    )


def test_the_papers_spelling_is_known_too(tmp_path: Path) -> None:
    names = [*NAMES[:-1], " scarf & tie"]
    plain = coco([image(1)], [annotation(1, [TRIANGLE], len(names))], names)
    (row,) = ModaNetSource(str(write_modanet(tmp_path, plain))).rows()
    assert [box.label for box in row.objects] == ["belt/tie"]


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    """Three photos in two files, one of them without boxes, and one that is not there."""
    folder = tmp_path_factory.mktemp("modanet")
    boxes = [
        annotation(1, [TRIANGLE]),
        annotation(1, [TRIANGLE], 1),
        annotation(3, [TRIANGLE]),
    ]
    train = coco([image(1), image(2), image(3)], boxes)
    write_modanet(folder, train, photos=(1, 2, 4))
    more = json.dumps(coco([image(4)], [annotation(4, [TRIANGLE], 12)]))
    write_files(folder, {ANNOTATION_FILES[1]: more.encode()})
    source = CatalogueSource("modanet", manual_dir=str(folder))
    return open_catalogue(source, str(tmp_path_factory.mktemp("cache")))


def test_items_have_the_photo_and_its_boxes(catalogue: Catalogue) -> None:
    items = {item["id"].decode(): item for item in catalogue.items(ALL).as_numpy_iterator()}
    labels = {
        name: [OBJECT_CLASSES[label] for label in item["objects"]["label"]]
        for name, item in items.items()
    }
    assert labels == {"1": ["top", "bag"], "2": [], "4": ["headwear"]}
    np.testing.assert_allclose(items["4"]["objects"]["bbox"], [[0.2, 0.2, 0.6, 0.6]])
    assert items["1"]["image"].shape == (300, 200, 3)
    assert items["1"]["text"] == b""


def test_a_photo_that_is_not_there_is_counted(catalogue: Catalogue) -> None:
    assert catalogue.skipped == {"no image file": 1}


def without(key: str) -> dict:
    plain = coco([image(1)], [annotation(1, [TRIANGLE])])
    return {name: value for name, value in plain.items() if name != key}


@pytest.mark.parametrize(
    "plain",
    [
        "",
        "{",
        "[]",
        '{"images": 3, "annotations": [], "categories": []}',
        without("images"),
        without("categories"),
        # An annotation of an image, and of a category, that nobody has heard of.
        coco([image(1)], [annotation(9, [TRIANGLE])]),
        coco([image(1)], [annotation(1, [TRIANGLE], 99)]),
        coco([image(1)], [annotation(1, [], bbox=(1, 2))]),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, plain: dict | str) -> None:
    folder = write_modanet(tmp_path, plain)
    with pytest.raises(FitRankError, match=r"instances_train\.json is not ModaNet's COCO"):
        ModaNetSource(str(folder))


def test_an_unknown_category_is_named(tmp_path: Path) -> None:
    plain = coco([image(1)], [annotation(1, [TRIANGLE], 2)], ("top", "umbrella"))
    with pytest.raises(FitRankError, match="annotation 7 has the category 'umbrella'"):
        ModaNetSource(str(write_modanet(tmp_path, plain)))


def test_a_folder_without_annotations_or_photos_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FitRankError, match=r"--manual_dir \(not given\): no modanet2018"):
        ModaNetSource("")
    with pytest.raises(FitRankError, match=r"no modanet2018_instances_train\.json in it"):
        ModaNetSource(str(tmp_path))
    write_modanet(tmp_path, coco([], []), photos=())
    (tmp_path / "images").rmdir()
    with pytest.raises(FitRankError, match="no folder 'images' in it"):
        ModaNetSource(str(tmp_path))


def test_the_fingerprint_follows_annotations_and_photos(tmp_path: Path) -> None:
    def fingerprint(category: int, photos: tuple[int, ...]) -> str:
        plain = coco([image(1), image(2)], [annotation(1, [TRIANGLE], category)])
        return ModaNetSource(str(write_modanet(tmp_path, plain, photos))).fingerprint()

    first = fingerprint(TOP, (1,))
    assert fingerprint(TOP, (1,)) == first
    assert fingerprint(TOP, (1, 2)) != first
    (tmp_path / "images/0000002.jpg").unlink()
    assert fingerprint(1, (1,)) != first
