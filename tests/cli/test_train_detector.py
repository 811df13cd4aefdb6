"""Training the detector by command on boxes that a data set itself has."""

import re
from pathlib import Path

import numpy as np
import pytest

from fitrank_tf.cli import train_detector
from fitrank_tf.cli.options.catalogue import catalogue_source
from fitrank_tf.config import DetectorConfig
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.catalogue import open_catalogue
from fitrank_tf.datasets.deepfashion_inshop import Builder
from fitrank_tf.datasets.item import OBJECT_CLASSES
from fitrank_tf.datasets.splits import TRAIN
from fitrank_tf.features.garment.detector_training import training_batches

DUMMY = Path(Builder.code_path).parent / "dummy_data"
ONE_PIECE = OBJECT_CLASSES.index("one-piece")


@pytest.fixture
def options(tmp_path: Path) -> list[str]:
    return [
        "--dataset=deepfashion_inshop",
        f"--manual_dir={DUMMY}",
        f"--data_dir={tmp_path / 'data'}",
    ]


def test_photos_without_a_box_are_not_measured(options, model_folders, capsys) -> None:
    train_detector.main([*options, f"--detector={model_folders[0]}"])
    # Of the three photos of the test split one has a box.
    assert re.search(r"^Right class, 1 photos: [01]", capsys.readouterr().out, re.M)


def test_boxes_of_a_data_set_are_trained_on(options) -> None:
    parsed = train_detector.parse(options)
    catalogue = open_catalogue(catalogue_source(parsed), parsed.data_dir)
    photos = train_detector._boxed(parsed, catalogue, TRAIN)
    config = DetectorConfig(image_size=64, num_images=2, batch_size=2)
    images, truth = next(iter(training_batches(photos, config, seed=0)))
    assert images.shape == (2, 64, 64, 3)
    assert truth["classes"].numpy().tolist() == [[ONE_PIECE]] * 2
    # From y 30 and 32 of 256, mirrored or not.
    tops = sorted(truth["boxes"].numpy()[:, 0, 0])
    np.testing.assert_allclose(tops, [30 / 256, 32 / 256])


def test_a_wrong_folder_is_one_line(options, tmp_path) -> None:
    with pytest.raises(FitRankError, match=r"no Anno/list_item_inshop.txt or"):
        train_detector.main([*options, f"--manual_dir={tmp_path}"])
