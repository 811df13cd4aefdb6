"""Products as an engine's collection holds them, row by row."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from fitrank_tf.client.engine.layout import (
    EMBEDDING,
    ID,
    LIKELY,
    LIKELY_VALUES,
    MOST_BYTES,
    MOST_VALUES,
    POSITION,
    PRODUCT,
    TITLE,
    TITLE_TERMS,
    attribute_field,
    likely_values,
    stored_value,
)
from fitrank_tf.core.attribute_names import input_name
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.export.graphs.engine_search import product_side
from fitrank_tf.export.graphs.served_catalogue import SearchableCatalogue
from fitrank_tf.retrieval.title_terms import TitleTerms


def engine_rows(
    products: SearchableCatalogue, terms: TitleTerms, first: int
) -> Iterator[dict[str, Any]]:
    """Yields the rows of some products.

    Args:
        products: some of a catalogue.
        terms: of all its titles.
        first: position of the first product.

    Raises:
        FitRankError: if a text is longer than an engine takes.
    """
    sides = product_side(products.tables)
    # An engine refuses a vector without any term: one that no request has stands for none.
    no_term = {len(terms.idf): 1.0}
    kinds = {each.name: each.kind for each in products.filters}
    for row, item in enumerate(products.ids):
        likely = np.flatnonzero(products.tables.facet_probs[row] >= LIKELY)
        fields = {
            ID: item,
            POSITION: first + row,
            TITLE: products.titles[row],
            LIKELY_VALUES: likely_values(likely.tolist()),
            EMBEDDING: products.tables.embeddings[row],
            PRODUCT: sides[row],
            TITLE_TERMS: terms.weights(products.titles[row]) or no_term,
        }
        for name, kind in kinds.items():
            value = stored_value(kind, products.attributes[name][row])
            fields[attribute_field(input_name(name))] = value
        _check(item, fields)
        yield fields


def _check(item: str, fields: dict[str, Any]) -> None:
    for field, value in fields.items():
        values: Sequence[object] = value if isinstance(value, list) else [value]
        is_long = any(
            isinstance(each, str) and len(each.encode(errors="replace")) > MOST_BYTES
            for each in values
        )
        if is_long or len(values) > MOST_VALUES:
            raise FitRankError(
                f"product '{item[:80]}': {field} is longer than an engine takes "
                f"({MOST_BYTES} bytes, {MOST_VALUES} values): shorten it"
            )
