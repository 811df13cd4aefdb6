"""INRIA Holidays: photos of 500 scenes, to be found by another photo of the scene."""

from fitrank_tf.datasets.inria_holidays.inria_holidays_dataset_builder import Builder
from fitrank_tf.datasets.inria_holidays.source import InriaHolidaysSource

__all__ = ["Builder", "InriaHolidaysSource"]
