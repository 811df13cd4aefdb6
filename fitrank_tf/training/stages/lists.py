"""Graded candidate lists that the fine-tuned towers retrieve for products' queries."""

import dataclasses
import json
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from fitrank_tf.config import RunConfig
from fitrank_tf.export.embedding import encode_texts
from fitrank_tf.inputs.listwise import ListArrays, empty_lists
from fitrank_tf.queries.judgments import Judge
from fitrank_tf.queries.query_sets import facet_queries, title_queries
from fitrank_tf.rerank.candidates import (
    CandidateLists,
    informative_lists,
    list_arrays,
    retrieve,
    with_labels,
)
from fitrank_tf.retrieval.choose_index import build_index
from fitrank_tf.training.products import RunProducts
from fitrank_tf.training.stage import Stage
from fitrank_tf.training.stages.facet_heads import FacetHeadsStage
from fitrank_tf.training.stages.known_products import ProductEmbeddings
from fitrank_tf.training.work_dir import WorkDir

_LISTS, _TEXTS = "lists.npz", "queries.json"


@dataclasses.dataclass(frozen=True)
class ListedProducts:
    """Products from which queries are made, and which these queries retrieve.

    Attributes:
        name: name of the set of products, part of the stage's key.
        rows: int64 [M], ascending rows of the products.
        complete: function that is applied to the graded lists:
            `rerank.candidates.with_positives` or `as_retrieved`.
        times: factor of the configured number of facet queries for each product.
    """

    name: str
    rows: np.ndarray
    complete: Callable[..., CandidateLists]
    times: int = 1


def as_retrieved(lists: CandidateLists, *_: object) -> CandidateLists:
    """The lists unchanged, without added positives."""
    return lists


class ListsStage(Stage):
    """Graded candidate lists, the same for re-rankers of any seed, loss and facet heads.

    Args:
        work: keeps the stage's folder.
        config: configuration of the run.
        products: products of the run.
        listed: the products that queries are made from and that are retrieved.
        lora: the embeddings of products and queries.
        facet_heads: their lexicon determines the facet values that a query names.
    """

    name = "lists"

    def __init__(
        self,
        work: WorkDir,
        config: RunConfig,
        products: RunProducts,
        listed: ListedProducts,
        lora: ProductEmbeddings,
        facet_heads: FacetHeadsStage,
    ):
        super().__init__(work)
        self._config, self._products, self._listed = config, products, listed
        self._lora, self._facet_heads = lora, facet_heads

    @property
    def inputs(self) -> tuple[Stage, ...]:
        return (self._lora,)

    @property
    def config(self) -> Mapping[str, Any]:
        return {
            "catalogue": self._products.catalogue.fingerprint,
            "products": self._listed.name,
            "completed": self._listed.complete.__name__,
            "queries_per_product": self._queries_per_product,
            "list_size": self._config.reranker.list_size,
            # Only the lexicon: the weights of the heads change no list.
            "lexicon": self._facet_heads.heads.lexicon.to_json(),
            "seed": self._config.seed,
        }

    @property
    def _queries_per_product(self) -> int:
        return self._listed.times * self._config.reranker.queries_per_product

    @cached_property
    def arrays(self) -> ListArrays:
        """The lists with at least two different grades."""
        with np.load(self.folder / _LISTS) as arrays:
            return ListArrays(**arrays)

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The texts of the lists' queries."""
        return tuple(json.loads((self.folder / _TEXTS).read_text(encoding="utf-8")))

    def make(self, folder: Path) -> None:
        """Makes queries, retrieves candidates and grades them."""
        lists, texts = self._new_lists()
        np.savez(folder / _LISTS, **vars(lists))
        (folder / _TEXTS).write_text(json.dumps(texts), encoding="utf-8")

    def _new_lists(self) -> tuple[ListArrays, list[str]]:
        config, rows = self._config.reranker, self._listed.rows
        records = self._products.records.select(rows)
        count = self._queries_per_product * len(rows)
        queries = title_queries(records) + facet_queries(records, count, self._config.seed)
        embeddings, judge = self._lora.embeddings[rows], Judge(records)
        lexicon = self._facet_heads.heads.lexicon
        if not queries:
            return empty_lists(embeddings.shape[1], lexicon.size, config.list_size), []
        encode = self._lora.query_encoder(lexicon)
        encoded = encode_texts(encode, [query.text for query in queries])
        lists = retrieve(build_index(embeddings), encoded["embedding"], config.list_size)
        lists = with_labels(lists, queries, judge)
        lists = self._listed.complete(lists, queries, judge, embeddings)
        arrays = list_arrays(lists, encoded["query_facets"])
        kept = informative_lists(arrays.labels)
        return arrays.select(kept), [queries[row].text for row in kept]
