"""The garment detector: a preset, or trained on drawn garments with exact boxes."""

import dataclasses
import shutil
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from fitrank_tf.config import DetectorConfig
from fitrank_tf.core.shipped import find_shipped
from fitrank_tf.datasets.catalogue import CatalogueSource, open_catalogue
from fitrank_tf.datasets.splits import TRAIN
from fitrank_tf.features.garment.detector import Detector, preset_fingerprint
from fitrank_tf.features.garment.detector_training import train_detector
from fitrank_tf.training.stage import Stage
from fitrank_tf.training.work_dir import WorkDir

_DETECTOR = "detector"


class DetectorStage(Stage):
    """A trained YOLOv8 detector.

    Args:
        work: keeps the stage's folder.
        config: configuration of the detector.
    """

    name = "detector"

    def __init__(self, work: WorkDir, config: DetectorConfig):
        super().__init__(work)
        self._config = config

    @property
    def inputs(self) -> tuple[Stage, ...]:
        return ()

    @property
    def config(self) -> Mapping[str, Any]:
        if self._config.preset:
            return {"preset": preset_fingerprint(find_shipped(self._config.preset))}
        return dataclasses.asdict(self._config)

    @cached_property
    def detector(self) -> Detector:
        """The detector of garments, sleeves and necklines."""
        return Detector.load(self.folder / _DETECTOR)

    def make(self, folder: Path) -> None:
        """Copies the preset, or trains a detector on the embedded catalogue."""
        if self._config.preset:
            preset = find_shipped(self._config.preset)
            shutil.copytree(preset, folder / _DETECTOR, dirs_exist_ok=True)
            return
        drawn = open_catalogue(CatalogueSource())
        network = train_detector(drawn.items(TRAIN), self._config)
        Detector.from_network(network).save(folder / _DETECTOR)
