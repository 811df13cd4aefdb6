"""Training texts of each product: titles, parts of titles, facet sentences."""

import dataclasses
import random

import numpy as np

from fitrank_tf.datasets.catalogue import CatalogueRecords
from fitrank_tf.datasets.splits import title_key
from fitrank_tf.queries.facets import FACETS, facet_sentence

TEXTS_PER_PRODUCT = 20
# Of a product's twenty texts six are its title, six some words of the title, six a facet
# sentence, two a single facet. Shoppers' queries lie between these. With whole titles alone
# the text tower memorises the products.
_TITLES, _PARTS, _SENTENCES = 6, 6, 6
# Probability that a word of a title is kept in a part of the title.
_KEPT = 0.7


@dataclasses.dataclass(frozen=True)
class TrainingText:
    """One training text of a product.

    Attributes:
        text: what a shopper might type.
        facets: names of the facets whose values make up the text; empty for titles and
            their parts, which also name a brand or a model.
    """

    text: str
    facets: tuple[str, ...] = ()


def training_texts(records: CatalogueRecords, seed: int) -> list[list[TrainingText]]:
    """Twenty texts for each product, of which training draws one in each epoch.

    A product without a title has facet sentences in place of the title.

    Args:
        records: products of the training split.
        seed: of the random draw of facets and wording. The texts of a product do not
            depend on the other products.

    Returns:
        [len(records)][TEXTS_PER_PRODUCT] texts.
    """
    return [_product_texts(records, row, seed) for row in range(len(records))]


def _product_texts(records: CatalogueRecords, row: int, seed: int) -> list[TrainingText]:
    generator = random.Random(f"{seed}:{records.ids[row]}")
    attributes = {facet: records.attributes[facet][row] for facet in FACETS}
    title = TrainingText(records.texts[row])
    present = [facet for facet in FACETS if attributes[facet]]
    texts = []
    if title.text.strip():
        texts = [title] * _TITLES
        texts += [_part_of(title, generator) for _ in range(_PARTS)]
    while len(texts) < TEXTS_PER_PRODUCT:
        wanted = min(len(present), generator.randint(2, 5))
        if len(texts) >= _TITLES + _PARTS + _SENTENCES:
            wanted = min(1, len(present))
        named = tuple(_with_article_first(present, wanted, generator))
        sentence = facet_sentence(attributes, named, generator)
        texts.append(TrainingText(sentence, named) if sentence else title)
    return texts


def _part_of(title: TrainingText, generator: random.Random) -> TrainingText:
    """Some of a title's words, two or more; shuffled in half of the cases."""
    words = title.text.split()
    kept = [word for word in words if generator.random() < _KEPT]
    if len(kept) < 2:
        kept = words
    if generator.random() < 0.5:
        generator.shuffle(kept)
    return TrainingText(" ".join(kept))


def _with_article_first(
    present: list[str], count: int, generator: random.Random
) -> list[str]:
    """`count` facets; the article type is among them when more than one is named."""
    if count > 1 and "article_type" in present:
        others = [facet for facet in present if facet != "article_type"]
        return ["article_type", *generator.sample(others, min(count - 1, len(others)))]
    return generator.sample(present, count)


def text_groups(records: CatalogueRecords) -> np.ndarray:
    """int32 [N]: group numbers of the products, equal for products of equal title."""
    numbers: dict[str, int] = {}
    keys = (
        title_key(text) or f"id:{item}" for item, text in zip(records.ids, records.texts)
    )
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.int32)


def facet_codes(records: CatalogueRecords) -> np.ndarray:
    """int32 [N, F]: codes of the products' values of `FACETS`, 0 where there is none."""
    codes = np.zeros((len(records), len(FACETS)), np.int32)
    for column, facet in enumerate(FACETS):
        numbers = {"": 0}
        codes[:, column] = [
            numbers.setdefault(value.lower(), len(numbers))
            for value in records.attributes[facet]
        ]
    return codes


def text_facet_codes(texts: list[list[TrainingText]], codes: np.ndarray) -> np.ndarray:
    """The facet values that each training text names, as codes.

    Args:
        texts: [N][T], from `training_texts`.
        codes: int32 [N, F] of the same products, from `facet_codes`.

    Returns:
        int32 [N, T, F]: the product's code of each facet that the text names, 0 for the
        other facets.
    """
    named = np.array(
        [[[facet in text.facets for facet in FACETS] for text in of] for of in texts]
    )
    return codes[:, None, :] * named
