"""Collections of an engine: made, filled, changed, and exchanged."""

import itertools
import logging
import re
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from pymilvus import DataType, MilvusClient
from pymilvus.exceptions import MilvusException

from fitrank_tf.client.engine.layout import (
    EMBEDDING,
    ID,
    KINDS,
    LIKELY_VALUES,
    MOST_BYTES,
    MOST_VALUES,
    POSITION,
    PRODUCT,
    TITLE,
    TITLE_TERMS,
    alias_of,
    attribute_field,
)
from fitrank_tf.client.engine.milvus import Deadline, Milvus, index_params
from fitrank_tf.core.attribute_names import input_name
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.progress import tracked
from fitrank_tf.export.engine.products import engine_rows
from fitrank_tf.export.graphs.engine_search import product_side
from fitrank_tf.export.graphs.served_catalogue import SearchableCatalogue
from fitrank_tf.retrieval.title_terms import TitleTerms

# From so many products on an index is approximate, if none is chosen.
APPROXIMATE_FROM = 20_000
_NOT_EMBEDDED = ("SCANN",)
# Rows of one call: some 5 MB, below every limit of a message.
_ROWS_AT_ONCE = 500
# Seconds for one call that writes, builds an index, or loads a collection into memory.
_WRITE_SECONDS = 600.0
# Seconds for an index to be built, and between two looks at it.
_INDEX_SECONDS, _POLL_SECONDS = 12 * 3600.0, 0.5

logger = logging.getLogger(__name__)


class EngineCatalogue:
    """The products of one fingerprint in an engine.

    Writes of one object happen one after the other.

    Args:
        engine: where.
        name: of the catalogue in the engine, letters, digits and "_".
        fingerprint: of the models and title terms.
        terms: the title terms.

    Raises:
        FitRankError: for another name.
    """

    def __init__(self, engine: Milvus, name: str, fingerprint: str, terms: TitleTerms):
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
            raise FitRankError(f"name '{name}' of a catalogue: write letters, digits and _")
        self._engine, self._name, self._terms = engine, name, terms
        self._fingerprint = fingerprint
        self.alias = alias_of(name, fingerprint)
        self._lock = threading.Lock()

    def load(
        self, batches: Iterable[SearchableCatalogue], index_type: str, num_products: int
    ) -> int:
        """Fills a new collection, and puts it in the place of what the alias had.

        Searches see the old products until all new ones are there. After an error the old
        ones stay, and what was written is removed.

        Args:
            batches: the products, in order.
            index_type: one of `layout.INDEX_TYPES`.
            num_products: about how many there are.

        Returns:
            How many products there are.

        Raises:
            FitRankError: the engine fails or does not have the index, or there is no
                product.
        """
        if index_type in _NOT_EMBEDDED and self._engine.is_embedded:
            raise FitRankError(
                f"index type {index_type}: the embedded engine has none; choose another, "
                "or give a cluster's address"
            )
        target = f"{self.alias}_{time.time_ns():x}"
        if index_type == "auto":
            index_type = "FLAT" if num_products < APPROXIMATE_FROM else "HNSW"
        try:
            count = self._fill(target, batches, index_type, num_products)
            if not count:
                raise FitRankError(
                    "the catalogue is empty: a search needs one product at least"
                )
            self._switch(target)
        except BaseException:
            self._call(lambda client: _dropped(client, target))
            raise
        logger.info("%s has %d products, index %s", self.alias, count, index_type)
        return count

    def upsert(self, products: SearchableCatalogue) -> None:
        """Adds products, or replaces those of equal ids.

        Titles are weighed by the terms that the collection was loaded with; words that no
        title had then find nothing.

        Raises:
            FitRankError: the engine fails.
        """
        # Behind those of the catalogue, as in one that is written anew.
        rows = engine_rows(products, self._terms, time.time_ns())
        self._write(self.alias, rows, "upsert")

    def delete(self, ids: Sequence[str]) -> None:
        """Removes products; ids that are not there are passed over.

        Raises:
            FitRankError: the engine fails.
        """
        self._write(self.alias, ids, "delete")

    def sweep(self, fingerprints: Sequence[str]) -> list[str]:
        """Removes this catalogue's collections but those of some fingerprints.

        Returns:
            Names of what was removed.

        Raises:
            FitRankError: the engine fails.
        """
        kept = [alias_of(self._name, each) for each in (*fingerprints, self._fingerprint)]

        def run(client: MilvusClient) -> list[str]:
            pattern = rf"({self._name}_[0-9a-f]+)_[0-9a-f]+"
            old = [
                name
                for name in client.list_collections()
                if (found := re.fullmatch(pattern, name)) and found[1] not in kept
            ]
            for name in old:
                _dropped(client, name)
            return old

        return self._call(run)

    def _fill(
        self,
        target: str,
        batches: Iterable[SearchableCatalogue],
        index_type: str,
        num_products: int,
    ) -> int:
        count = 0
        for products in tracked(batches, "loading", "batches"):
            if not count:
                self._create(target, products, index_type, num_products)
            self._write(target, engine_rows(products, self._terms, count), "insert")
            count += len(products)
        if count:
            # The engine builds the indexes of what lies in files.
            self._call(lambda client: client.flush(target, timeout=_WRITE_SECONDS))
            self._wait_for_index(target)
        return count

    def _wait_for_index(self, target: str) -> None:
        """Until then searches would read every product."""
        until = time.monotonic() + _INDEX_SECONDS
        while (rows := self._call(lambda client: _rows_to_index(client, target))) > 0:
            if time.monotonic() > until:
                raise FitRankError(
                    f"the engine has not indexed {rows} products within "
                    f"{_INDEX_SECONDS / 3600:g} hours: see its log"
                )
            time.sleep(_POLL_SECONDS)

    def _create(
        self,
        target: str,
        products: SearchableCatalogue,
        index_type: str,
        num_products: int,
    ) -> None:
        schema = MilvusClient.create_schema(
            auto_id=False, description=f"models {self._fingerprint}"
        )
        schema.add_field(ID, DataType.VARCHAR, max_length=MOST_BYTES, is_primary=True)
        schema.add_field(POSITION, DataType.INT64)
        for field in (TITLE, LIKELY_VALUES):
            schema.add_field(field, DataType.VARCHAR, max_length=MOST_BYTES)
        for each in products.filters:
            _add_attribute(schema, attribute_field(input_name(each.name)), each.kind)
        dim = products.tables.embeddings.shape[1]
        width = product_side(products.tables.select(np.arange(1))).shape[1]
        schema.add_field(EMBEDDING, DataType.FLOAT_VECTOR, dim=dim)
        schema.add_field(PRODUCT, DataType.FLOAT_VECTOR, dim=width)
        schema.add_field(TITLE_TERMS, DataType.SPARSE_FLOAT_VECTOR)
        indexes = MilvusClient.prepare_index_params()
        for field, kind, params in (
            (EMBEDDING, index_type, index_params(index_type, num_products)),
            # A cluster loads no vector without an index; of these none is ever searched.
            (PRODUCT, "FLAT", {}),
            (TITLE_TERMS, "SPARSE_INVERTED_INDEX", {}),
        ):
            indexes.add_index(field, index_type=kind, metric_type="IP", params=params)
        self._call(
            lambda client: client.create_collection(
                target, schema=schema, index_params=indexes, timeout=_WRITE_SECONDS
            )
        )

    def _write(self, target: str, values: Iterable[Any], how: str) -> None:
        """Calls a method of pymilvus's client that writes, with some values at once."""
        remaining = iter(values)
        while some := list(itertools.islice(remaining, _ROWS_AT_ONCE)):
            self._send(target, how, some)

    def _send(self, target: str, how: str, values: list[Any]) -> None:
        with self._lock:
            self._call(
                lambda client: getattr(client, how)(target, values, timeout=_WRITE_SECONDS)
            )

    def _switch(self, target: str) -> None:
        """Makes the alias mean another collection, in one step."""

        def run(client: MilvusClient) -> None:
            try:
                old = client.describe_alias(self.alias)["collection_name"]
            except MilvusException:
                client.create_alias(target, self.alias)
                return
            client.alter_alias(target, self.alias)
            _dropped(client, old)

        self._call(run)

    def _call(self, run: Any) -> Any:
        return self._engine.call(run, Deadline(_WRITE_SECONDS))


def _add_attribute(schema: Any, field: str, kind: str) -> None:
    extra: dict[str, Any] = {}
    if KINDS[kind] != "DOUBLE":
        extra["max_length"] = MOST_BYTES
    if KINDS[kind] == "ARRAY":
        extra |= {"element_type": DataType.VARCHAR, "max_capacity": MOST_VALUES}
    schema.add_field(field, DataType[KINDS[kind]], nullable=True, **extra)


def _dropped(client: MilvusClient, name: str) -> None:
    if not client.has_collection(name):
        return
    # A cluster drops no collection that has one.
    for alias in client.list_aliases(name)["aliases"]:
        client.drop_alias(alias)
    client.drop_collection(name)


def _rows_to_index(client: MilvusClient, name: str) -> int:
    index = client.describe_index(name, EMBEDDING) or {}
    return int(index.get("pending_index_rows", 0))
