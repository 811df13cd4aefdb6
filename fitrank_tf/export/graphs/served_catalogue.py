"""A catalogue inside a served graph: the tables for searching and for its results."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.tables import shown_spellings
from fitrank_tf.export.graphs.attribute_filter import FILTERS, AttributeFilter


@dataclasses.dataclass(frozen=True)
class SearchTables:
    """Projected features and probabilities of N products, row by row.

    Attributes:
        embeddings: float32 [N, D], unit image embeddings.
        feature_projection: float32 [N, 64], by `Reranker.feature_projection`: a fraction
            of the features' size.
        facet_probs: float32 [N, V], how likely each facet value is, by `FacetHeads`.
    """

    embeddings: np.ndarray
    feature_projection: np.ndarray
    facet_probs: np.ndarray

    def select(self, rows: np.ndarray) -> "SearchTables":
        """Some of the products."""
        return SearchTables(*(table[rows] for table in self._arrays()))

    def joined(self, others: "SearchTables") -> "SearchTables":
        """Concatenates these products and the others."""
        pairs = zip(self._arrays(), others._arrays(), strict=True)
        return SearchTables(*(np.concatenate(pair) for pair in pairs))

    def _arrays(self) -> tuple[np.ndarray, ...]:
        return self.embeddings, self.feature_projection, self.facet_probs


@dataclasses.dataclass(frozen=True)
class SearchableCatalogue:
    """All data of N products in a search, row by row.

    Attributes:
        ids: N product ids, each once.
        titles: N titles.
        attributes: name -> N values, for each of `FILTERS`; they filter and never score.
        tables: what the models know of the products.
    """

    ids: tuple[str, ...]
    titles: tuple[str, ...]
    attributes: Mapping[str, tuple[str, ...]]
    tables: SearchTables

    def __len__(self) -> int:
        return len(self.ids)

    def select(self, rows: Sequence[int]) -> "SearchableCatalogue":
        """Some of the products, in the order of `rows`."""

        def pick(column: Sequence[str]) -> tuple[str, ...]:
            return tuple(column[row] for row in rows)

        return SearchableCatalogue(
            pick(self.ids),
            pick(self.titles),
            {name: pick(column) for name, column in self.attributes.items()},
            self.tables.select(np.asarray(rows, np.int64)),
        )

    def with_products(self, others: "SearchableCatalogue") -> "SearchableCatalogue":
        """The products of both; where an id is in both, the other's product."""
        replaced = set(others.ids)
        kept = self.select([i for i, item in enumerate(self.ids) if item not in replaced])
        return SearchableCatalogue(
            kept.ids + tuple(others.ids),
            kept.titles + tuple(others.titles),
            {
                name: column + tuple(others.attributes[name])
                for name, column in kept.attributes.items()
            },
            kept.tables.joined(others.tables),
        )

    def spelled_as(self, other: "SearchableCatalogue") -> "SearchableCatalogue":
        """The same products, with values spelled as in another catalogue that has them."""

        def spelled(name: str, column: Sequence[str]) -> tuple[str, ...]:
            shown = shown_spellings(column, known=other.attributes.get(name, ()))
            return tuple(shown[value] for value in column)

        attributes = {
            name: spelled(name, column) for name, column in self.attributes.items()
        }
        return dataclasses.replace(self, attributes=attributes)

    def without(self, ids: Sequence[str]) -> "SearchableCatalogue":
        """All but some products.

        Raises:
            FitRankError: if an id is not here, or no product is left.
        """
        removed = set(ids)
        unknown = sorted(removed - set(self.ids))
        if unknown:
            raise FitRankError(
                f"no product '{unknown[0]}' in the catalogue "
                f"({len(unknown)} of {len(removed)} ids are unknown): nothing was removed"
            )
        if len(removed) == len(self.ids):
            raise FitRankError(
                "that would remove every product: a search needs one at least"
            )
        return self.select([i for i, item in enumerate(self.ids) if item not in removed])


class ServedCatalogue(tf.Module):
    """The catalogue's tables as variables, so that a SavedModel holds each once.

    Args:
        catalogue: at least one product.
    """

    def __init__(self, catalogue: SearchableCatalogue):
        super().__init__(name="catalogue")
        if not len(catalogue):
            raise FitRankError(
                "the catalogue is empty: a search needs one product at least"
            )

        def fixed(values: Sequence[object] | np.ndarray, dtype: tf.DType) -> tf.Variable:
            return tf.Variable(values, dtype=dtype, trainable=False)

        tables = catalogue.tables
        self.ids = fixed(list(catalogue.ids), tf.string)
        self.titles = fixed(list(catalogue.titles), tf.string)
        # [filters, N], the catalogue's own spelling: what `read_catalogue` gives back.
        self.attributes = fixed(
            [list(catalogue.attributes[name]) for name in FILTERS], tf.string
        )
        self.embeddings = fixed(tables.embeddings, tf.float32)
        self.feature_projection = fixed(tables.feature_projection, tf.float32)
        self.facet_probs = fixed(tables.facet_probs, tf.float32)
        self.filter = AttributeFilter(catalogue.attributes)
        self.size = len(catalogue)

    def rerank(
        self,
        score: Callable[..., dict[str, tf.Tensor]],
        encoded: Mapping[str, tf.Tensor],
        rows: tf.Tensor,
        first_stage: tf.Tensor,
        found: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        """Scores of candidates.

        Args:
            score: `kept` or `kept_explained` of a re-ranker (`served_reranker`).
            encoded: `embedding` [batch, D] and `query_facets` [batch, V] of the queries.
            rows: int32 [batch, k], of the catalogue.
            first_stage: float32 [batch, k], the candidates' scores.
            found: bool [batch, k], False for padding.
        """
        return score(
            query=encoded["embedding"],
            query_facets=encoded["query_facets"],
            feature_projection=tf.gather(self.feature_projection, rows),
            facet_probs=tf.gather(self.facet_probs, rows),
            first_stage=first_stage,
            mask=found,
        )

    def results(
        self, rows: tf.Tensor, scores: tf.Tensor, ranks: tf.Tensor, found: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Returns a search's results, best first; all arguments are [batch, k].

        Args:
            rows: int32, of the catalogue.
            scores: float32.
            ranks: int32, in the first stage, from 1.
            found: bool, False for padding, whose id and title are "".
        """
        return {
            "ids": tf.where(found, tf.gather(self.ids, rows), ""),
            "titles": tf.where(found, tf.gather(self.titles, rows), ""),
            "scores": scores,
            "first_stage_ranks": ranks,
        }


def read_catalogue(loaded: tf.Module) -> SearchableCatalogue:
    """The catalogue of a loaded SavedModel that searches one."""
    held = loaded.catalogue

    def texts(values: np.ndarray) -> tuple[str, ...]:
        return tuple(value.decode(errors="replace") for value in values)

    return SearchableCatalogue(
        texts(held.ids.numpy()),
        texts(held.titles.numpy()),
        {name: texts(row) for name, row in zip(FILTERS, held.attributes.numpy())},
        SearchTables(
            held.embeddings.numpy(),
            held.feature_projection.numpy(),
            held.facet_probs.numpy(),
        ),
    )
