"""Training texts of each product: titles, parts of titles, facet sentences, paraphrases."""

import dataclasses
import random
from collections.abc import Iterator, Sequence

import numpy as np

from fitrank_tf.config import DEFAULT_TEXT_SHARES
from fitrank_tf.datasets.attributes import CATEGORIES
from fitrank_tf.datasets.catalogue import CatalogueRecords
from fitrank_tf.datasets.splits import title_key
from fitrank_tf.queries.facets import Wanted, drawn_values, facet_sentence
from fitrank_tf.queries.lexicon import FacetLexicon
from fitrank_tf.queries.paraphrases import Paraphrases

TEXTS_PER_PRODUCT = 20
# Probability that a word of a title is kept in a part of the title.
_KEPT = 0.7


@dataclasses.dataclass(frozen=True)
class TrainingText:
    """One training text of a product.

    Attributes:
        text: what a shopper might type.
        wanted: (facet, value) pairs that make up the text; empty for titles and their
            parts, which also name a brand or a model.
    """

    text: str
    wanted: Wanted = ()

    @property
    def facets(self) -> tuple[str, ...]:
        """The facets that the text names."""
        return tuple(facet for facet, _ in self.wanted)


def training_texts(
    records: CatalogueRecords, seed: int, shares: Sequence[float] = DEFAULT_TEXT_SHARES
) -> list[list[TrainingText]]:
    """Twenty texts for each product, of which training draws one in each epoch.

    Its title, some words of the title, sentences of several facets, and single facets; half
    of the last two kinds are paraphrases. A product without a title has facet sentences in
    its place.

    Args:
        records: products of the training split.
        seed: of the random draw of facets and wording. The texts of a product depend on
            the other products only by the values that the catalogue has.
        shares: of the four kinds, as of `ContrastiveConfig.text_shares`.

    Returns:
        [len(records)][TEXTS_PER_PRODUCT] texts.
    """
    paraphrases = Paraphrases(FacetLexicon.of(records))
    # Where each kind ends among the twenty.
    ends = [round(TEXTS_PER_PRODUCT * end) for end in np.cumsum(shares)]
    return [
        _product_texts(records, row, seed, paraphrases, ends) for row in range(len(records))
    ]


def _product_texts(
    records: CatalogueRecords,
    row: int,
    seed: int,
    paraphrases: Paraphrases,
    ends: Sequence[int],
) -> list[TrainingText]:
    titles, parts, sentences, _ = ends
    generator = random.Random(f"{seed}:{records.ids[row]}")
    declaration = records.declaration
    values = {facet: of[row] for facet, of in records.facet_values.items()}
    title = TrainingText(records.texts[row])
    present = [facet for facet, of in values.items() if of]
    texts = []
    if title.text.strip():
        texts = [title] * titles
        texts += [_part_of(title, generator) for _ in range(parts - titles)]
    while len(texts) < TEXTS_PER_PRODUCT:
        wanted = min(len(present), generator.randint(2, 5))
        if len(texts) >= sentences:
            wanted = min(1, len(present))
        named = _with_decisive_first(present, wanted, declaration.decisive, generator)
        pairs = drawn_values({facet: values[facet] for facet in named}, generator)
        ordered = sorted(pairs, key=lambda pair: present.index(pair[0]))
        write = facet_sentence if len(texts) % 2 else paraphrases.sentence
        sentence = write(tuple(ordered), declaration, generator) if ordered else ""
        texts.append(TrainingText(sentence, pairs) if sentence else title)
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


def _with_decisive_first(
    present: list[str], count: int, decisive: str, generator: random.Random
) -> list[str]:
    """`count` facets; the decisive one is among them when more than one is named."""
    if count > 1 and decisive in present:
        others = [facet for facet in present if facet != decisive]
        return [decisive, *generator.sample(others, min(count - 1, len(others)))]
    return generator.sample(present, count)


def text_groups(records: CatalogueRecords) -> np.ndarray:
    """int32 [N]: group numbers of the products, equal for products of equal title."""
    numbers: dict[str, int] = {}
    keys = (
        title_key(text) or f"id:{item}" for item, text in zip(records.ids, records.texts)
    )
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.int32)


def facet_codes(records: CatalogueRecords) -> np.ndarray:
    """Codes of the products' facet values.

    A facet has a column, and one of several values a column for each value.

    Returns:
        int32 [N, F]: equal for products of equal value, 0 where there is none.
    """
    columns = []
    for facet, value in _code_columns(records):
        of_products = records.facet_values[facet]
        if value:
            columns.append([int(value in of) for of in of_products])
        else:
            numbers = {"": 0}
            texts = (of[0].lower() if of else "" for of in of_products)
            columns.append([numbers.setdefault(text, len(numbers)) for text in texts])
    return np.array(columns, np.int32).reshape(len(columns), len(records)).T.copy()


def text_facet_codes(
    texts: list[list[TrainingText]], records: CatalogueRecords
) -> np.ndarray:
    """The facet values that each training text names, as codes.

    Args:
        texts: [N][T], from `training_texts`.
        records: the same products.

    Returns:
        int32 [N, T, F]: the product's code (`facet_codes`) of each value that the text
        names, 0 for the others.
    """
    codes, columns = facet_codes(records), list(_code_columns(records))
    named = [[[_names(text, *column) for column in columns] for text in of] for of in texts]
    shape = (len(records), TEXTS_PER_PRODUCT, len(columns))
    return codes[:, None, :] * np.array(named, bool).reshape(shape)


def _code_columns(records: CatalogueRecords) -> Iterator[tuple[str, str]]:
    """(facet, value) of the columns of codes; "" where one column has all values."""
    for facet, of_products in records.facet_values.items():
        if records.declaration.attribute(facet).kind == CATEGORIES:
            for value in sorted({value for of in of_products for value in of}):
                yield facet, value
        else:
            yield facet, ""


def _names(text: TrainingText, facet: str, value: str) -> bool:
    return (facet, value) in text.wanted if value else facet in text.facets
