"""COCO's photos of 2014 with five captions each, by Karpathy's split."""

from fitrank_tf.datasets.mscoco_karpathy.mscoco_karpathy_dataset_builder import Builder
from fitrank_tf.datasets.mscoco_karpathy.source import MscocoKarpathySource

__all__ = ["Builder", "MscocoKarpathySource"]
