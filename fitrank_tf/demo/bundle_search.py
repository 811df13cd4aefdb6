"""The page's search in this process, on a bundle."""

import asyncio
import functools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import tensorflow as tf

from fitrank_tf.client.hits import Hit, check_top_k
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.attributes import CATEGORY, Declaration
from fitrank_tf.demo.filter_counts import CatalogueFilter, FilterCounts
from fitrank_tf.demo.reading import split_label, wants, without
from fitrank_tf.demo.search import Description, System, Want
from fitrank_tf.evaluation.systems import CLIP, CLIP_LORA, RERANKED
from fitrank_tf.export.graphs.number_bounds import NumberBounds
from fitrank_tf.export.graphs.served_catalogue import SearchableCatalogue
from fitrank_tf.export.loaded_bundle import LoadedBundle
from fitrank_tf.export.signatures import UNDERSTOOD_SIGNATURE

_MEANINGS = {
    RERANKED: "the served search: re-ranked by what the photo shows, with titles",
    CLIP_LORA: "fine-tuned towers with image features",
    CLIP: "the towers before fine-tuning",
}
_EXAMPLES = 5
_T = TypeVar("_T")


class BundleSearch:
    """Implements `DemoSearch`. One call runs at a time, in a thread beside the event loop;
    a call that is cancelled while it waits for its turn never runs.

    Args:
        bundle: to search.
        catalogue: its N products.
        clip: float32 [N, D], the base tower's embeddings of the bundle's products, NaN for
            one without a photo; None leaves the system `clip` out.
    """

    def __init__(
        self,
        bundle: LoadedBundle,
        catalogue: SearchableCatalogue,
        clip: np.ndarray | None = None,
    ):
        self._bundle, self._catalogue = bundle, catalogue
        self._filter = CatalogueFilter(
            catalogue.attributes, catalogue.filters, len(catalogue)
        )
        self._counts = functools.lru_cache(256)(
            lambda some: self._filter.counts(dict(some))
        )
        self._bounds = NumberBounds(self._catalogue.filters)
        self._values = _facet_values(bundle)
        self._embeddings = {CLIP_LORA: self._catalogue.tables.embeddings}
        if clip is not None:
            self._embeddings[CLIP] = clip
        names = [name for name in _MEANINGS if name == RERANKED or name in self._embeddings]
        self._described = Description(
            len(catalogue),
            tuple(System(name, _MEANINGS[name]) for name in names),
            catalogue.filters,
            _examples(catalogue, bundle.info.declaration),
        )
        self._turn = ThreadPoolExecutor(1, "search")

    async def describe(self) -> Description:
        """See `DemoSearch`."""
        return self._described

    async def understand(self, text: str) -> list[Want]:
        """See `DemoSearch`."""
        return (await self._run(lambda: self._read([text])))[0]

    async def without(self, text: str, want: Want) -> str:
        """See `DemoSearch`."""
        return await self._run(lambda: without(text, want, self._read))

    async def search(
        self, text: str, filters: Mapping[str, str], top_k: int, system: str
    ) -> list[Hit]:
        """See `DemoSearch`; without a text, products in the catalogue's order."""
        check_top_k(top_k)
        if system not in (RERANKED, *self._embeddings):
            raise FitRankError(
                f"system '{system}': choose from {', '.join((RERANKED, *self._embeddings))}"
            )
        if not text.strip():
            admitted = self._filter.admitted(filters)
            return self._hits(np.flatnonzero(admitted)[:top_k], np.zeros(top_k))
        if system == RERANKED:
            return await self._run(lambda: self._bundle.search(text, top_k, filters))
        return await self._run(lambda: self._nearest(text, filters, top_k, system))

    async def similar(
        self, photo: bytes, text: str, filters: Mapping[str, str], top_k: int
    ) -> list[Hit]:
        """See `DemoSearch`."""
        return await self._run(
            lambda: self._bundle.search_by_photo(photo, text, top_k, filters)
        )

    async def count(self, filters: Mapping[str, str]) -> FilterCounts:
        """See `DemoSearch`."""
        return self._counts(tuple(sorted(filters.items())))

    async def _run(self, call: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._turn, call)

    def _read(self, texts: Sequence[str]) -> list[list[Want]]:
        bounds, rest = self._bounds(tf.constant(list(texts)))
        facets = self._bundle.read_facets([text.decode() for text in rest.numpy()])
        found = [wants(row, self._values) for row in facets]
        for name, said in bounds.items():
            for read, text in zip(found, said.numpy(), strict=True):
                if text:
                    read.append(Want(name, (text.decode(),)))
        return found

    def _nearest(
        self, text: str, filters: Mapping[str, str], top_k: int, system: str
    ) -> list[Hit]:
        """The products of the highest cosine similarity with a text."""
        encoded = self._bundle.encode_queries([text], baseline=system == CLIP)
        scores = self._embeddings[system] @ encoded["embedding"][0]
        scores[~self._filter.admitted(filters) | np.isnan(scores)] = -np.inf
        order = np.argsort(-scores, kind="stable")[:top_k]
        rows = order[np.isfinite(scores[order])]
        return self._hits(rows, scores[rows])

    def _hits(self, rows: np.ndarray, scores: np.ndarray) -> list[Hit]:
        ids, titles = self._catalogue.ids, self._catalogue.titles
        return [
            Hit(rank, ids[row], titles[row], float(score))
            for rank, (row, score) in enumerate(zip(rows, scores), start=1)
        ]


def _facet_values(bundle: LoadedBundle) -> list[tuple[str, str]]:
    """(facet, value) of each place of `query_facets`, as the query encoder names them."""
    size = bundle.read_facets([""]).shape[1]
    say = bundle.model("query_encoder").signatures[UNDERSTOOD_SIGNATURE]
    labels = say(query_facets=tf.eye(size))["understood"].numpy()
    return [split_label(label.decode(), bundle.info.facets) for label in labels]


def _examples(catalogue: SearchableCatalogue, declaration: Declaration) -> tuple[str, ...]:
    """Requests for frequent values of facets together; each value is in one of them."""
    columns = [
        catalogue.attributes[name]
        for name in sorted(declaration.alone, key=lambda name: name == declaration.decisive)
        if name in catalogue.attributes and declaration.attribute(name).kind == CATEGORY
    ]
    pairs = Counter(pair for pair in zip(*columns) if all(pair))
    examples: list[str] = []
    said: set[str] = set()
    for pair, _ in pairs.most_common():
        if not said & set(pair):
            said |= set(pair)
            examples.append(" ".join(pair).lower())
    return tuple(examples[:_EXAMPLES])
