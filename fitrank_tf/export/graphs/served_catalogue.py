"""A catalogue inside a served graph: the tables for searching and for its results."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf

from fitrank_tf.core.attribute_names import input_name
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.filters import join_values, split_values
from fitrank_tf.datasets.attributes import CATEGORIES, Attribute
from fitrank_tf.datasets.tables import shown_spellings
from fitrank_tf.export.graphs.attribute_filter import AttributeFilter


@dataclasses.dataclass(frozen=True)
class SearchTables:
    """Projected features and probabilities of N products, row by row.

    Attributes:
        embeddings: float32 [N, D], unit image embeddings.
        feature_projection: float32 [N, 64], by `Reranker.feature_projection`: a fraction
            of the features' size.
        facet_probs: float32 [N, V], how likely each facet value is, by `FacetHeads` and
            the products' titles.
        palette: float32 [N, P, 4], by `palette_table`: CIE L, a, b of dominant colours, and
            their shares.
    """

    embeddings: np.ndarray
    feature_projection: np.ndarray
    facet_probs: np.ndarray
    palette: np.ndarray

    def select(self, rows: np.ndarray) -> "SearchTables":
        """Some of the products."""
        return SearchTables(*(table[rows] for table in self._arrays()))

    def joined(self, *others: "SearchTables") -> "SearchTables":
        """Concatenates these products and the others."""
        columns = zip(self._arrays(), *(each._arrays() for each in others), strict=True)
        return SearchTables(*map(np.concatenate, columns))

    def _arrays(self) -> tuple[np.ndarray, ...]:
        return self.embeddings, self.feature_projection, self.facet_probs, self.palette


@dataclasses.dataclass(frozen=True)
class SearchableCatalogue:
    """All data of N products in a search, row by row.

    Attributes:
        ids: N product ids, each once.
        titles: N titles.
        attributes: name -> N texts, for each of `filters`; they filter and never score.
        tables: what the models know of the products.
        filters: the attributes that products can be filtered by.
    """

    ids: tuple[str, ...]
    titles: tuple[str, ...]
    attributes: Mapping[str, tuple[str, ...]]
    tables: SearchTables
    filters: tuple[Attribute, ...]

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
            self.filters,
        )

    def with_products(self, others: "SearchableCatalogue") -> "SearchableCatalogue":
        """The products of both; where an id is in both, the other's product.

        They have the attributes of both; of one name, as these products have it.
        """
        replaced = set(others.ids)
        kept = self.select([i for i, item in enumerate(self.ids) if item not in replaced])
        names = {each.name for each in self.filters}
        filters = self.filters + tuple(f for f in others.filters if f.name not in names)
        return SearchableCatalogue(
            kept.ids + tuple(others.ids),
            kept.titles + tuple(others.titles),
            {f.name: kept.column(f) + others.column(f) for f in filters},
            kept.tables.joined(others.tables),
            filters,
        )

    def column(self, attribute: Attribute) -> tuple[str, ...]:
        """The products' texts of an attribute, of the attribute's kind; "" for none.

        Args:
            attribute: one of `filters` or not, or of the same name but another kind.
        """
        own = next((f for f in self.filters if f.name == attribute.name), None)
        if own is None:
            return ("",) * len(self)
        texts = self.attributes[own.name]
        if own.kind == attribute.kind:
            return tuple(texts)
        return tuple(
            attribute.cell(split_values(text) if own.kind == CATEGORIES else text)
            for text in texts
        )

    def spelled_as(self, other: "SearchableCatalogue") -> "SearchableCatalogue":
        """The same products, with values spelled as in another catalogue that has them."""

        def spelled(attribute: Attribute) -> tuple[str, ...]:
            parts = split_values if attribute.kind == CATEGORIES else _whole
            values = [parts(text) for text in self.attributes[attribute.name]]
            known = [v for text in other.column(attribute) for v in parts(text)]
            shown = shown_spellings((v for of in values for v in of), known=known)
            join = join_values if attribute.kind == CATEGORIES else "".join
            return tuple(join([shown[value] for value in of]) for of in values)

        attributes = {each.name: spelled(each) for each in self.filters}
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
        columns = [catalogue.attributes[each.name] for each in catalogue.filters]
        self.attributes = fixed(_texts(columns, len(catalogue)), tf.string)
        # [filters, 2], name and kind.
        declared = [(each.name, each.kind) for each in catalogue.filters]
        self.declared = fixed(_texts(declared, 2), tf.string)
        self.embeddings = fixed(tables.embeddings, tf.float32)
        self.feature_projection = fixed(tables.feature_projection, tf.float32)
        self.facet_probs = fixed(tables.facet_probs, tf.float32)
        self.palette = fixed(tables.palette, tf.float32)
        self.filter = AttributeFilter(catalogue.attributes, catalogue.filters)
        self.filter_names = tuple(each.name for each in catalogue.filters)
        self.size = len(catalogue)

    def filter_specs(self) -> list[tf.TensorSpec]:
        """Of the inputs that filter, one for each of `filter_names`: string [batch]."""
        return [
            tf.TensorSpec([None], tf.string, name=input_name(name))
            for name in self.filter_names
        ]

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
            facet_probs=rows_of(self.facet_probs, rows),
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


def rows_of(table: tf.Variable, rows: tf.Tensor) -> tf.Tensor:
    """`tf.gather` of a table that is also read as a whole.

    From a variable that `tf.gather` has seen TensorFlow copies all at every other read.
    """
    return tf.gather(tf.convert_to_tensor(table), rows)


def _whole(text: str) -> tuple[str, ...]:
    return (text,)


def _texts(rows: Sequence[Sequence[str]], width: int) -> np.ndarray:
    """[rows, width] of strings, also without rows."""
    return np.array([list(row) for row in rows], object).reshape(len(rows), width)


def read_filters(loaded: tf.Module) -> tuple[Attribute, ...]:
    """The attributes that a loaded SavedModel filters by."""
    declared = loaded.catalogue.declared.numpy()
    return tuple(Attribute(name.decode(), kind.decode()) for name, kind in declared)


def read_catalogue(loaded: tf.Module) -> SearchableCatalogue:
    """The catalogue of a loaded SavedModel that searches one."""
    held, filters = loaded.catalogue, read_filters(loaded)

    def texts(values: np.ndarray) -> tuple[str, ...]:
        return tuple(value.decode(errors="replace") for value in values)

    return SearchableCatalogue(
        texts(held.ids.numpy()),
        texts(held.titles.numpy()),
        {f.name: texts(row) for f, row in zip(filters, held.attributes.numpy())},
        SearchTables(
            held.embeddings.numpy(),
            held.feature_projection.numpy(),
            held.facet_probs.numpy(),
            held.palette.numpy(),
        ),
        filters,
    )
