"""The stage of the detector, where no preset is named."""

import numpy as np
import pytest

from fitrank_tf.config import DetectorConfig
from fitrank_tf.features.garment.detector import Detector
from fitrank_tf.training.stages.detector import DetectorStage
from fitrank_tf.training.work_dir import WorkDir


@pytest.mark.slow
def test_it_trains_a_detector_once_and_keeps_it(tmp_path, monkeypatch) -> None:
    config = DetectorConfig(
        preset="", image_size=64, stackwise_channels=(4, 8, 8, 8), num_images=32, epochs=1
    )
    images = np.zeros([2, 64, 64, 3], np.float32)
    trained = DetectorStage(WorkDir(tmp_path), config)
    scores = trained.detector.detect(images).scores
    assert scores.shape[0] == 2
    monkeypatch.setattr(DetectorStage, "make", None)
    kept = DetectorStage(WorkDir(tmp_path), config)
    assert kept.folder == trained.folder
    assert isinstance(kept.detector, Detector)
    np.testing.assert_array_equal(kept.detector.detect(images).scores, scores)
