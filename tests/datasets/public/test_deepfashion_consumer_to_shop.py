"""DeepFashion's Consumer-to-shop Clothes Retrieval in its own layout."""

import logging
from pathlib import Path

import pytest
import tensorflow_datasets as tfds

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.photos.names import MISSING_IMAGE
from fitrank_tf.datasets.deepfashion import MALFORMED
from fitrank_tf.datasets.deepfashion_consumer_to_shop import (
    Builder,
    DeepFashionConsumerToShopSource,
)
from fitrank_tf.datasets.deepfashion_consumer_to_shop.source import OTHER_ITEM
from fitrank_tf.datasets.item import OBJECT_CLASSES
from fitrank_tf.datasets.product_builder import NOT_IN_PHOTO
from fitrank_tf.datasets.splits import ALL
from tests.datasets.small_catalogues import write_files

DUMMY = Path(Builder.code_path).parent / "dummy_data"
BLOUSE = "CLOTHING_Blouse_id_00000001"
DRESS = "DRESSES_Lace_Dress_id_00000002"
JEANS = "TROUSERS_Jeans_id_00000003"


class TestDeepFashionConsumerToShop(tfds.testing.DatasetBuilderTestCase):
    """TFDS's own test."""

    DATASET_CLASS = Builder
    SPLITS = {"train": 3, "validation": 2, "test": 2}


def test_a_photo_of_several_pairs_is_one_item(catalogue) -> None:
    records = catalogue.records(ALL)
    columns = ("item", "kind", "partition")
    found = zip(*(records.column(name) for name in columns), records.splits)
    assert dict(zip(records.ids, found)) == {
        f"{BLOUSE}_comsumer_01": ("id_00000001", "consumer", "train", "train"),
        f"{BLOUSE}_comsumer_02": ("id_00000001", "consumer", "train", "train"),
        f"{BLOUSE}_shop_01": ("id_00000001", "shop", "train", "train"),
        f"{DRESS}_comsumer_01": ("id_00000002", "consumer", "val", "validation"),
        # The file of boxes says that a consumer took it, whatever it is called.
        f"{DRESS}_shop_01": ("id_00000002", "consumer", "val", "validation"),
        f"{JEANS}_comsumer_01": ("id_00000003", "consumer", "test", "test"),
        # It has no line among the boxes.
        f"{JEANS}_shop_02": ("id_00000003", "shop", "test", "test"),
    }


def test_what_is_left_out_is_counted(catalogue) -> None:
    assert catalogue.skipped == {MALFORMED: 1, MISSING_IMAGE: 1, OTHER_ITEM: 1}
    skipped = catalogue.builder.info.metadata["skipped"]
    assert skipped[MALFORMED]["ids"] == [f"{BLOUSE}_comsumer_01 in line 9"]
    assert skipped[MISSING_IMAGE]["ids"] == [f"{JEANS}_shop_03 in line 7"]
    assert skipped[OTHER_ITEM]["ids"] == [f"{DRESS}_comsumer_01 in line 8"]


def test_boxes_are_shares_of_the_photo(catalogue) -> None:
    boxes = {
        item["id"].decode(): (
            [OBJECT_CLASSES[label] for label in item["objects"]["label"]],
            item["objects"]["bbox"].astype(float).round(4).tolist(),
        )
        for item in catalogue.items(ALL).as_numpy_iterator()
    }
    # ymin, xmin, ymax, xmax in photos of 80 x 100.
    assert boxes == {
        f"{BLOUSE}_comsumer_01": (["top"], [[0.1, 0.1, 0.5, 0.5]]),
        # Beside the photo.
        f"{BLOUSE}_comsumer_02": ([], []),
        f"{BLOUSE}_shop_01": (["top"], [[0.25, 0.25, 0.75, 0.75]]),
        f"{DRESS}_comsumer_01": (["one-piece"], [[0.0, 0.0, 1.0, 1.0]]),
        f"{DRESS}_shop_01": (["one-piece"], [[0.5, 0.0, 1.0, 1.0]]),
        # A corner that is no number.
        f"{JEANS}_comsumer_01": ([], []),
        f"{JEANS}_shop_02": ([], []),
    }
    assert catalogue.builder.info.metadata["boxes_left_out"] == {
        NOT_IN_PHOTO: {"count": 1, "ids": [f"{BLOUSE}_comsumer_02 in line 4"]}
    }


def test_a_wrong_count_is_logged(copy: Path, caplog) -> None:
    path = copy / "Eval/list_eval_partition.txt"
    path.write_text(path.read_text().replace("7\n", "239557\n", 1))
    with caplog.at_level(logging.WARNING):
        rows = list(DeepFashionConsumerToShopSource(str(copy)).rows())
    assert len(rows) == 10
    assert "says that it has 239557 lines; it has 7" in caplog.text


def test_without_boxes_the_name_says_the_kind(copy: Path, caplog) -> None:
    (copy / "Anno/list_bbox_consumer2shop.txt").unlink()
    with caplog.at_level(logging.WARNING):
        rows = list(DeepFashionConsumerToShopSource(str(copy)).rows())
    kinds = {row.id: row.attributes["kind"] for row in rows if not row.problem}
    assert {photo.split("_")[-2]: kind for photo, kind in kinds.items()} == {
        "comsumer": "consumer",
        "shop": "shop",
    }
    assert {row.objects for row in rows} == {()}
    assert caplog.text.count("so no boxes") == 1


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"Anno.zip": b""}, r"no Anno/list_item_consumer2shop.txt or .*is there, packed"),
        (
            {"Anno/list_item_consumer2shop.txt": b"0\n", "Img/img.zip": b""},
            r"no Img/img or img in .*\(img.zip is there, packed\); unpack",
        ),
        (
            {"Anno/list_item_consumer2shop.txt": b"0\n", "Img/img/a.jpg": b""},
            r"no Eval/list_eval_partition.txt in .*; unpack .* Anno and Eval",
        ),
        # Another benchmark of DeepFashion.
        (
            {"Anno/list_item_inshop.txt": b"0\n", "Img/img/a.jpg": b""},
            r"no Anno/list_item_consumer2shop.txt or",
        ),
    ],
)
def test_a_folder_that_lacks_something_is_one_line(
    tmp_path: Path, files: dict, said: str
) -> None:
    write_files(tmp_path, files)
    with pytest.raises(FitRankError, match=said) as error:
        DeepFashionConsumerToShopSource(str(tmp_path))
    assert "\n" not in str(error.value)
