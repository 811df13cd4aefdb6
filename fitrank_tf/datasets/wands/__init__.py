"""WANDS: furniture of Wayfair, judged for queries; texts alone."""

from fitrank_tf.datasets.wands.source import WandsSource
from fitrank_tf.datasets.wands.wands_dataset_builder import Builder

__all__ = ["Builder", "WandsSource"]
