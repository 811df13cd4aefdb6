"""Checks a catalogue before any training."""

from fitrank_tf.datasets.check.catalogue_check import CatalogueCheck, check_source
from fitrank_tf.datasets.check.page import draw_page

__all__ = ["CatalogueCheck", "check_source", "draw_page"]
