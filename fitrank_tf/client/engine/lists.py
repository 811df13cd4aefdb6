"""Candidate lists from an engine: the same products as a search in one graph takes.

The first `list_size` places of a list have the nearest products, of those that have no
unwanted value and are within the bounds of the request, where that leaves enough for a
list. The places behind them have the products whose titles match best, half as many.
"""

import dataclasses
import functools
from collections.abc import Mapping, Sequence

import numpy as np

from fitrank_tf.client.engine.layout import (
    EMBEDDING,
    LIKELY,
    TITLE_TERMS,
    all_of,
    attribute_field,
    lacks,
    titled_places,
    within,
)
from fitrank_tf.client.engine.milvus import Collection, Deadline, Found, Milvus

# Lists that are fetched at most, where only the products themselves tell whether they have
# unwanted values: of several that are each a little likely.
_MOST_LISTS = 16
# Titles that match equally well; which of more are candidates, the engine decides.
_MOST_EQUAL = 2048
_BOUNDS = "bounds_"


@dataclasses.dataclass(frozen=True)
class Request:
    """One request as the model read it; see `export.graphs.engine_search`.

    Attributes:
        embedding: float32 [D].
        unwanted: float32 [V], above 0 for the facet values that are not wanted.
        terms: {term: 1.0} of its words.
        unwanted_terms: of the words that it does not want.
        bounds: {attribute: (least, greatest number)}.
    """

    embedding: np.ndarray
    unwanted: np.ndarray
    terms: Mapping[int, float]
    unwanted_terms: Mapping[int, float]
    bounds: Mapping[str, tuple[float, float]]

    @functools.cached_property
    def restriction(self) -> str:
        """The expression of what is wanted, "" for everything."""
        bounds = (within(attribute_field(of), *ends) for of, ends in self.bounds.items())
        return all_of([*bounds, lacks(np.flatnonzero(self.unwanted >= 1.0).tolist())])

    def wants(self, product: Found) -> bool:
        """Whether a product is unlikely to have unwanted values."""
        size = len(self.unwanted)
        return float(self.unwanted @ product.product[:size]) < LIKELY

    def excludes(self, product: Found) -> bool:
        """Whether a number of a product is outside the bounds."""
        return not all(
            low <= product.numbers[name] <= high
            for name, (low, high) in self.bounds.items()
            if np.isfinite([low, high]).any()
        )


def read_requests(read: Mapping[str, np.ndarray]) -> list[Request]:
    """The requests of a model's outputs, [batch, ...] each."""
    bounds = {
        name.removeprefix(_BOUNDS): values
        for name, values in read.items()
        if name.startswith(_BOUNDS)
    }
    return [
        Request(
            read["embedding"][row],
            np.maximum(-read["query_facets"][row], 0.0),
            _once(read["terms"][row]),
            _once(read["unwanted_terms"][row]),
            {
                name: (float(ends[row, 0]), float(ends[row, 1]))
                for name, ends in bounds.items()
            },
        )
        for row in range(len(read["embedding"]))
    ]


@dataclasses.dataclass(frozen=True)
class CandidateList:
    """The candidates of one request.

    Attributes:
        nearest: the products of the first places, at most `list_size`.
        titled: those behind them, at most half as many; None for one that is nearest too.
        best_match: BM25 of the best title in the catalogue; 0 without a match.
        best_unwanted: as `best_match`, of the words that are not wanted.
    """

    nearest: Sequence[Found]
    titled: Sequence[Found | None]
    best_match: float
    best_unwanted: float


class CandidateLists:
    """Finds the candidates of requests.

    Args:
        engine: has the products.
        collection: of the models that read the requests.
        list_size: places for the nearest products.
        deadline: for the engine's answers.
    """

    def __init__(
        self, engine: Milvus, collection: Collection, list_size: int, deadline: Deadline
    ):
        self._engine, self._collection = engine, collection
        self._size, self._deadline = list_size, deadline
        self.titled_size = titled_places(list_size)

    def find(self, requests: Sequence[Request], admitted: str) -> list[CandidateList]:
        """The candidates of each request.

        Args:
            requests: at least one.
            admitted: the expression of the user's filters, "" for all products.

        Raises:
            EngineError: the engine fails.
        """
        nearest = self._nearest(requests, admitted)
        titled = self._titled(requests, admitted)
        if admitted:
            best = self._best([each.terms for each in requests])
        else:
            best = [of[0].score if of else 0.0 for of in titled]
        unwanted = self._best([each.unwanted_terms for each in requests])
        lists = []
        for near, by_title, match, refused in zip(nearest, titled, best, unwanted):
            known = {product.id for product in near}
            more = [None if each.id in known else each for each in by_title]
            lists.append(CandidateList(near, more, match, refused))
        return lists

    def _nearest(self, requests: Sequence[Request], admitted: str) -> list[list[Found]]:
        """The nearest products of each request, those of one expression in one call."""
        rows_of: dict[str, list[int]] = {}
        for row, request in enumerate(requests):
            rows_of.setdefault(request.restriction, []).append(row)
        found: dict[int, list[Found]] = {}
        for restriction, rows in rows_of.items():
            vectors = [requests[row].embedding for row in rows]
            expression = all_of([restriction, admitted])
            hits = self._search(vectors, self._size, expression)
            found |= dict(zip(rows, hits))
        return [
            self._wanted(request, found[row], admitted)
            for row, request in enumerate(requests)
        ]

    def _wanted(self, request: Request, found: list[Found], admitted: str) -> list[Found]:
        """Of what was found what is wanted, or all that is admitted where that is too
        little for a list."""
        expression = all_of([request.restriction, admitted])
        limit = self._size
        while True:
            wanted = [product for product in found if request.wants(product)]
            if len(wanted) >= self._size:
                return wanted[: self._size]
            if len(found) < limit or limit >= _MOST_LISTS * self._size:
                break
            limit *= 4
            [found] = self._search([request.embedding], limit, expression)
        if not request.restriction and len(wanted) == len(found):
            return wanted
        [found] = self._search([request.embedding], self._size, admitted)
        return found

    def _titled(self, requests: Sequence[Request], admitted: str) -> list[list[Found]]:
        """The products whose titles match best."""
        asked = [row for row, request in enumerate(requests) if request.terms]
        found: list[list[Found]] = [[] for _ in requests]
        if not asked:
            return found
        terms = [requests[row].terms for row in asked]
        # One more, to see whether the last place is shared.
        hits = self._engine.search(
            self._collection,
            TITLE_TERMS,
            terms,
            self.titled_size + 1,
            admitted,
            self._deadline,
        )
        for row, of_row in zip(asked, hits):
            best, behind = of_row[: self.titled_size], of_row[self.titled_size :]
            if behind and behind[0].score == best[-1].score:
                best = self._first_of_equal(requests[row].terms, of_row, admitted)
            found[row] = best
        return found

    def _first_of_equal(
        self, terms: Mapping[int, float], found: Sequence[Found], admitted: str
    ) -> list[Found]:
        """The best titles where many are equal: those of the first products."""
        [hits] = self._engine.best(
            self._collection, [terms], _MOST_EQUAL, admitted, self._deadline
        )
        ids = [product for _, _, product in hits[: self.titled_size]]
        known = {product.id: product for product in found}
        lacking = [product for product in ids if product not in known]
        if lacking:
            more = self._engine.products(self._collection, lacking, self._deadline)
            known |= more
        return [known[product] for product in ids if product in known]

    def _best(self, terms: Sequence[Mapping[int, float]]) -> list[float]:
        """BM25 of the best title for each."""
        asked = [row for row, of in enumerate(terms) if of]
        best = [0.0] * len(terms)
        if asked:
            hits = self._engine.best(
                self._collection, [terms[row] for row in asked], 1, "", self._deadline
            )
            for row, of_row in zip(asked, hits):
                best[row] = of_row[0][0] if of_row else 0.0
        return best

    def _search(
        self, vectors: Sequence[np.ndarray], limit: int, admitted: str
    ) -> list[list[Found]]:
        return self._engine.search(
            self._collection, EMBEDDING, vectors, limit, admitted, self._deadline
        )


def rerank_inputs(
    requests: Sequence[Request],
    lists: Sequence[CandidateList],
    sizes: tuple[int, int],
) -> dict[str, np.ndarray]:
    """The candidates as the signature `rerank` takes them: [batch, L, ...].

    Args:
        requests: at least one.
        lists: of each request; one has a candidate at least.
        sizes: places for the nearest products and for those behind them; L in all, so that
            a server can batch the lists of several clients.
    """
    places = sum(sizes)
    shape = (len(requests), places)
    width = next(len(each.product) for of in lists for _, each in placed(of, sizes[0]))
    embedding = np.zeros((*shape, len(requests[0].embedding)), np.float32)
    product = np.zeros((*shape, width), np.float32)
    match, unwanted = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    outside, mask = np.zeros(shape, bool), np.zeros(shape, bool)
    for row, (request, of) in enumerate(zip(requests, lists)):
        for place, each in placed(of, sizes[0]):
            embedding[row, place], product[row, place] = each.embedding, each.product
            match[row, place] = _share(request.terms, each, of.best_match)
            refused = _share(request.unwanted_terms, each, of.best_unwanted)
            unwanted[row, place] = refused
            outside[row, place], mask[row, place] = request.excludes(each), True
    return {
        "embedding": embedding,
        "product": product,
        "title_match": match,
        "unwanted_title_match": unwanted,
        "outside": outside,
        "mask": mask,
    }


def placed(of: CandidateList, list_size: int) -> list[tuple[int, Found]]:
    """The candidates and their places in a list."""
    places = [*enumerate(of.nearest), *enumerate(of.titled, list_size)]
    return [(place, product) for place, product in places if product is not None]


def _share(terms: Mapping[int, float], product: Found, best: float) -> float:
    """BM25 of a title as a share of the best title's."""
    if not best:
        return 0.0
    weights = product.title_terms
    return sum(weights.get(term, 0.0) * of for term, of in terms.items()) / best


def _once(terms: np.ndarray) -> dict[int, float]:
    """Terms, each once; -1 is none."""
    return {int(term): 1.0 for term in terms if term >= 0}
