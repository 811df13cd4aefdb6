"""Query sets: shoppers' queries, made from the products of a split.

Each title or facet query comes from one product: its title, or a facet sentence about
it. The split of the product is the split of the query, so test queries are about
products that are not in the training data.
"""

import dataclasses
import random
from collections import Counter
from collections.abc import Iterable, Sequence

from fitrank_tf.datasets.catalogue import CatalogueRecords
from fitrank_tf.queries.facets import Wanted, drawn_values, facet_sentence, named_values
from fitrank_tf.queries.lexicon import FacetLexicon
from fitrank_tf.queries.misspellings import corrections, with_typo
from fitrank_tf.queries.words import known_words, plain_words

TITLE, FACET, GIVEN = "title", "facet", "given"
_FEWEST_FACETS, _MOST_FACETS = 2, 5
# Share of misspelt facet queries in an evaluation: 10 to 15 % of the queries in the logs of
# web search are misspelt (Cucerzan and Brill, EMNLP 2004).
MISSPELT_SHARE = 0.1
# With fewer products of a value no system could fill the first ten ranks.
_MIN_PRODUCTS = 10


@dataclasses.dataclass(frozen=True)
class Query:
    """One query and the facet values that it names.

    Attributes:
        id: unique in its query set; starts with the kind.
        text: what the shopper types.
        kind: `TITLE`, `FACET`, the facet if it is named alone, or `GIVEN` for a query of
            the user.
        wanted: (facet, value) pairs that the text names; judgments use these.
        title: the title that the query quotes, "" for other kinds.
    """

    id: str
    text: str
    kind: str
    wanted: Wanted = ()
    title: str = ""


def title_queries(records: CatalogueRecords) -> list[Query]:
    """One query for each product that has a title: the title."""
    return [
        Query(
            id=f"{TITLE}-{item_id}",
            text=title,
            kind=TITLE,
            wanted=named_values(title, _values(records, row), records.declaration),
            title=title,
        )
        for row, (item_id, title) in enumerate(zip(records.ids, records.texts))
        if title.strip()
    ]


def facet_queries(records: CatalogueRecords, count: int, seed: int) -> list[Query]:
    """Queries of two to five facets, the decisive one always among them.

    Args:
        records: products to make queries from; some serve more than once if `count` is
            above their number.
        count: number of queries.
        seed: of the random draw of products, facets and wording.

    Returns:
        `count` queries, or none if no product has two facets, the decisive one if there is
        any among them.
    """
    generator = random.Random(seed)
    rows = [row for row in range(len(records)) if len(_present(records, row)) > 1]
    if not rows:
        return []
    drawn: list[int] = []
    while len(drawn) < count:
        drawn += generator.sample(rows, min(len(rows), count - len(drawn)))
    return [
        _facet_query(records, row, number, generator) for number, row in enumerate(drawn)
    ]


def _facet_query(
    records: CatalogueRecords, row: int, number: int, generator: random.Random
) -> Query:
    declaration, values = records.declaration, _values(records, row)
    first = [declaration.decisive] if declaration.decisive else []
    others = [facet for facet in _present(records, row) if facet not in first]
    most = min(_MOST_FACETS - len(first), len(others))
    fewest = min(_FEWEST_FACETS - len(first), most)
    facets = [*first, *generator.sample(others, generator.randint(fewest, most))]
    named = {facet: of for facet, of in values.items() if facet in facets}
    wanted = drawn_values(named, generator)
    return Query(
        id=f"{FACET}-{number:05d}-{records.ids[row]}",
        text=facet_sentence(wanted, declaration, generator),
        kind=FACET,
        wanted=wanted,
    )


def with_misspellings(
    queries: Sequence[Query], records: CatalogueRecords, seed: int
) -> list[Query]:
    """Facet queries of which some have a typing error in one word.

    Id, kind and wanted facet values stay the same. No misspelt word is a word of the
    catalogue's facets or titles.

    Args:
        queries: from `facet_queries`.
        records: all products that are searched.
        seed: of the random draw of queries, words and typing errors.

    Returns:
        The queries in the same order, `MISSPELT_SHARE` of them misspelt, or fewer if
        fewer can be.
    """
    words = FacetLexicon.of(records).words | known_words()
    meant = corrections(words, set(plain_words(" ".join(records.texts)).split()))
    generator = random.Random(f"{seed}:misspelt")
    misspelt = list(queries)
    left = round(MISSPELT_SHARE * len(queries))
    for place in generator.sample(range(len(queries)), len(queries)):
        if not left:
            break
        text = with_typo(queries[place].text, meant, generator)
        if text != queries[place].text:
            misspelt[place] = dataclasses.replace(queries[place], text=text)
            left -= 1
    return misspelt


def single_facet_queries(records: CatalogueRecords, facet: str, seed: int) -> list[Query]:
    """One query for each value that ten products or more share: "handbags", "navy blue".

    Args:
        records: products that are searched.
        facet: one of the catalogue's.
        seed: of the random draw of the wording.
    """
    generator = random.Random(f"{seed}:{facet}")
    counts = Counter(value for of in records.facet_values[facet] for value in of)
    values = sorted(value for value, count in counts.items() if count >= _MIN_PRODUCTS)
    return [
        Query(
            id=f"{facet}-{number:03d}",
            text=facet_sentence(((facet, value),), records.declaration, generator),
            kind=facet,
            wanted=((facet, value),),
        )
        for number, value in enumerate(values)
    ]


def first_query_of_each_text(queries: Iterable[Query]) -> dict[str, Query]:
    """{text: the first query with this text}, in the order of the queries."""
    by_text: dict[str, Query] = {}
    for query in queries:
        by_text.setdefault(query.text, query)
    return by_text


def sample_of_each_kind(queries: Sequence[Query], count: int) -> list[Query]:
    """A few queries of each kind, all with different texts, for contact sheets.

    Args:
        queries: of any kinds.
        count: how many queries at most. Each kind gets the same share of them, taken at
            even distances.
    """
    worded = first_query_of_each_text(queries).values()
    kinds = list(dict.fromkeys(query.kind for query in worded))
    shown: list[Query] = []
    for number, kind in enumerate(kinds):
        of_kind = [query for query in worded if query.kind == kind]
        share = (count - len(shown)) // (len(kinds) - number)
        step = max(1, len(of_kind) // max(1, share))
        shown += of_kind[::step][:share]
    return shown


def _present(records: CatalogueRecords, row: int) -> list[str]:
    values, decisive = _values(records, row), records.declaration.decisive
    if decisive and not values[decisive]:
        return []
    # Nobody types "casual casual shoes".
    article_type = f" {plain_words(' '.join(values.get(decisive, ())))} "
    return [
        facet
        for facet, of in values.items()
        if (value := plain_words(" ".join(of)))
        and (facet == decisive or f" {value} " not in article_type)
    ]


def _values(records: CatalogueRecords, row: int) -> dict[str, tuple[str, ...]]:
    return {facet: of[row] for facet, of in records.facet_values.items()}
