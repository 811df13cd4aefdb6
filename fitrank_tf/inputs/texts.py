"""The texts that a product is trained with: its title and facet sentences."""

import random

import numpy as np

from fitrank_tf.datasets.catalogue import CatalogueRecords
from fitrank_tf.datasets.splits import title_key
from fitrank_tf.inputs.facets import FACETS, facet_sentence

TEXTS_PER_PRODUCT = 10
# Of ten draws six are the title, three a facet sentence, one a single facet: the
# mix of the floor in the data's README. What shoppers type is between the two.
_TITLES, _SENTENCES = 6, 3


def training_texts(records: CatalogueRecords, seed: int) -> list[list[str]]:
    """Ten texts for each product, to draw one from in each epoch.

    Args:
        records: products of the training split.
        seed: decides facets and wording, product by product.

    Returns:
        [len(records)][TEXTS_PER_PRODUCT] strings.
    """
    return [_product_texts(records, row, seed) for row in range(len(records))]


def _product_texts(records: CatalogueRecords, row: int, seed: int) -> list[str]:
    generator = random.Random(f"{seed}:{records.ids[row]}")
    attributes = {facet: records.attributes[facet][row] for facet in FACETS}
    title = records.texts[row]
    present = [facet for facet in FACETS if attributes[facet]]
    texts = [title] * _TITLES
    while len(texts) < TEXTS_PER_PRODUCT:
        wanted = min(len(present), generator.randint(2, 5))
        if len(texts) >= _TITLES + _SENTENCES:
            wanted = min(1, len(present))
        named = tuple(_with_article_first(present, wanted, generator))
        texts.append(facet_sentence(attributes, named, generator) or title)
    return texts


def _with_article_first(
    present: list[str], count: int, generator: random.Random
) -> list[str]:
    """`count` facets; the article type is among them when more than one is named."""
    if count > 1 and "article_type" in present:
        others = [facet for facet in present if facet != "article_type"]
        return ["article_type", *generator.sample(others, min(count - 1, len(others)))]
    return generator.sample(present, count)


def text_groups(records: CatalogueRecords) -> np.ndarray:
    """int32 [len(records)]: equal numbers for products of equal title."""
    numbers: dict[str, int] = {}
    keys = (
        title_key(text) or f"id:{item}" for item, text in zip(records.ids, records.texts)
    )
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.int32)
