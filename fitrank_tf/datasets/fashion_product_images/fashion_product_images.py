"""TFDS builder of *Fashion Product Images* (Param Aggarwal, Kaggle)."""

from fitrank_tf.datasets.product_builder import ProductBuilder


class FashionProductImages(ProductBuilder):
    """44,000 products of an Indian fashion shop: studio photos, titles, attributes.

    Example:

    ```python
    source = open_archive("~/Downloads")
    builder = FashionProductImages(source, data_dir=f"/tmp/{source.fingerprint()}")
    builder.download_and_prepare()
    ```
    """

    DESCRIPTION = (
        "Fashion Product Images (Param Aggarwal, Kaggle): studio photos of products, "
        "mostly on white, with titles and attributes."
    )
