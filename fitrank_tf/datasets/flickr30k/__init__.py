"""Flickr30K: photos of people with five captions each, whole or with marked phrases."""

from fitrank_tf.datasets.flickr30k.flickr30k_dataset_builder import Builder
from fitrank_tf.datasets.flickr30k.source import Flickr30kSource

__all__ = ["Builder", "Flickr30kSource"]
