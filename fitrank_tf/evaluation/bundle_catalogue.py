"""What a bundle's `search` model holds of its catalogue, for benchmarks."""

import tensorflow as tf

from fitrank_tf.export.loaded_bundle import LoadedBundle
from fitrank_tf.export.search import SearchableCatalogue
from fitrank_tf.inputs.listwise import ProductTables


def searched_catalogue(bundle: LoadedBundle) -> SearchableCatalogue:
    """Ids, titles and tables of the served products."""
    search = bundle.model("search")
    return SearchableCatalogue(
        _texts(search._ids),
        _texts(search._titles),
        ProductTables(
            search._embeddings.numpy(), search._features.numpy(), search._answers.numpy()
        ),
    )


def _texts(variable: tf.Variable) -> list[str]:
    return [text.decode() for text in variable.numpy()]
