"""Amazon's Shopping Queries (ESCI): products judged for queries; texts alone."""

from fitrank_tf.datasets.esci.esci_dataset_builder import Builder
from fitrank_tf.datasets.esci.source import EsciSource

__all__ = ["Builder", "EsciSource"]
