"""A user's catalogue: a CSV or Parquet table with a folder of photos."""

from fitrank_tf.datasets.csv_catalogue.csv_catalogue import CsvCatalogue
from fitrank_tf.datasets.csv_catalogue.options import CsvCatalogueOptions
from fitrank_tf.datasets.csv_catalogue.source import CsvSource

__all__ = ["CsvCatalogue", "CsvCatalogueOptions", "CsvSource"]
