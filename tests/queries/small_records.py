"""Records of a few products, without photos."""

from fitrank_tf.datasets.catalogue import CatalogueRecords
from tests.fashion import ATTRIBUTES, DECLARATION


def small_records(*products: tuple[str, str, dict[str, str]]) -> CatalogueRecords:
    """Training products (id, title, attributes)."""
    ids, texts, attributes = zip(*products)
    return CatalogueRecords(
        ids=ids,
        texts=texts,
        attributes={
            name: tuple(given.get(name, "") for given in attributes) for name in ATTRIBUTES
        },
        splits=("train",) * len(ids),
        declaration=DECLARATION,
    )
