"""ModaNet: street photos with polygons of garments and accessories."""

from fitrank_tf.datasets.modanet.modanet import ModaNet
from fitrank_tf.datasets.modanet.source import ModaNetSource

__all__ = ["ModaNet", "ModaNetSource"]
