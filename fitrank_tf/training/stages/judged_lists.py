"""Candidate lists of judged queries, with the judgments' grades."""

import dataclasses
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from fitrank_tf.config import RunConfig
from fitrank_tf.datasets.splits import TRAIN
from fitrank_tf.export.embedding import encode_texts
from fitrank_tf.inputs.listwise import ListArrays, empty_lists
from fitrank_tf.queries.judged import JudgedQuery, fingerprint
from fitrank_tf.rerank.candidates import informative_lists, list_arrays, retrieve
from fitrank_tf.rerank.judged_candidates import labels_and_weights, with_graded_products
from fitrank_tf.retrieval.choose_index import build_index
from fitrank_tf.training.products import RunProducts
from fitrank_tf.training.stage import Stage
from fitrank_tf.training.stages.facet_heads import FacetHeadsStage
from fitrank_tf.training.stages.known_products import ProductEmbeddings
from fitrank_tf.training.work_dir import WorkDir

_LISTS = "lists.npz"


class JudgedListsStage(Stage):
    """Candidate lists of judged queries; positions are rows of the whole catalogue.

    Lists to learn from contain the graded products, lists to choose an epoch by are as
    retrieved.

    Args:
        work: keeps the stage's folder.
        config: configuration of the run.
        products: products of the run.
        split: of the queries, one of `datasets.splits.SPLITS`.
        queries: with judgments of products of `rows` alone.
        rows: int64 [M], ascending rows of the products that are searched.
        lora: the embeddings of products and queries.
        facet_heads: their lexicon determines the facet values that a query names.
    """

    name = "judged_lists"

    def __init__(
        self,
        work: WorkDir,
        config: RunConfig,
        products: RunProducts,
        split: str,
        queries: Sequence[JudgedQuery],
        rows: np.ndarray,
        lora: ProductEmbeddings,
        facet_heads: FacetHeadsStage,
    ):
        super().__init__(work)
        self._config, self._products = config, products
        self._split, self._queries, self._rows = split, queries, rows
        self._lora, self._facet_heads = lora, facet_heads

    @property
    def inputs(self) -> tuple[Stage, ...]:
        return (self._lora,)

    @property
    def config(self) -> Mapping[str, Any]:
        return {
            "catalogue": self._products.catalogue.fingerprint,
            "split": self._split,
            "queries": fingerprint(self._queries),
            "judgments": dataclasses.asdict(self._config.judgments),
            "list_size": self._config.reranker.list_size,
            "lexicon": self._facet_heads.heads.lexicon.to_json(),
        }

    @cached_property
    def arrays(self) -> ListArrays:
        """The lists with at least two different grades."""
        with np.load(self.folder / _LISTS) as arrays:
            return ListArrays(**arrays)

    def make(self, folder: Path) -> None:
        """Retrieves candidates and gives them the judgments' grades."""
        np.savez(folder / _LISTS, **vars(self._new_lists()))

    def _new_lists(self) -> ListArrays:
        queries, rows, size = self._queries, self._rows, self._config.reranker.list_size
        embeddings, lexicon = self._lora.embeddings[rows], self._facet_heads.heads.lexicon
        if not queries:
            return empty_lists(embeddings.shape[1], lexicon.size, size)
        encode = self._lora.query_encoder(lexicon)
        encoded = encode_texts(encode, [query.text for query in queries])
        lists = retrieve(build_index(embeddings), encoded["embedding"], size)
        ids = self._products.records.select(rows).ids
        row_of = {item: row for row, item in enumerate(ids)}
        if self._split == TRAIN:
            lists = with_graded_products(lists, queries, row_of, embeddings)
        labels, weights = labels_and_weights(
            lists.candidates.positions, queries, row_of, self._config.judgments
        )
        arrays = dataclasses.replace(
            list_arrays(lists, encoded["query_facets"]), labels=labels, weights=weights
        )
        return arrays.select(informative_lists(labels)).at(rows)
