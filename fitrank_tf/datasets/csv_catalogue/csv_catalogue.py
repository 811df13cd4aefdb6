"""TFDS builder of a user's catalogue."""

from fitrank_tf.datasets.product_builder import ProductBuilder


class CsvCatalogue(ProductBuilder):
    """The products of a user's CSV or Parquet table, with a folder of photos.

    Example:

    ```python
    source = CsvSource(
        CsvCatalogueOptions(
            table="shop.csv", images="photos", columns=(("id", "sku"), ("text", "name"))
        )
    )
    builder = CsvCatalogue(source, data_dir=f"/tmp/{source.fingerprint()}")
    builder.download_and_prepare()
    ```
    """

    DESCRIPTION = "A user's catalogue: a CSV or Parquet table and photos."
