"""Marqo's fashion corpora: products with titles, categories and photos in Parquet."""

from fitrank_tf.datasets.marqo_parquet.marqo_parquet_dataset_builder import Builder
from fitrank_tf.datasets.marqo_parquet.source import MarqoParquetSource

__all__ = ["Builder", "MarqoParquetSource"]
