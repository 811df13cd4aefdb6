"""Candidate search over a catalogue that changes while it is searched.

ScaNN takes changes only by docid, does not lock, and moves its last row into the hole
that a removal leaves. So products have slots of our own, which are ScaNN's docids, and
the vectors are kept here as well: scores and order come from them, as in
`CandidateIndex`. A slot is never used again until the index is rebuilt, so that slots
stand in the order in which products came.
"""

import dataclasses
import functools
import json
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.files import written_aside
from fitrank_tf.retrieval.candidate_index import (
    PADDING_POSITION,
    Shortlists,
    check_matrix,
    check_search,
    rank_shortlists,
)
from fitrank_tf.retrieval.choose_index import SCANN_FROM_ITEMS
from fitrank_tf.retrieval.exact_index import exact_shortlists
from fitrank_tf.retrieval.readers_writer_lock import ReadersWriterLock
from fitrank_tf.retrieval.scann_index import (
    ScannSettings,
    build_searcher,
    load_scann,
    scann_shortlists,
    settings_for,
)

PADDING_ID = ""

# Leaves and codes are trained for the products of that time. When this share of them has
# changed or come since, they are trained anew: the leaves have then grown by half.
_REBUILD_SHARE = 0.5
# A catalogue about as large as what ScaNN pays for does not switch to and fro.
_KEEP_SHARE = 0.5
# Vectors that ScaNN assigns to leaves at a time.
_UPSERT_BATCH = 256


@dataclasses.dataclass(frozen=True)
class LiveCandidates:
    """The best products of each query, by falling score; ties by who came first.

    Attributes:
        ids: object [Q, k] of str, "" for padding.
        scores: float32 [Q, k], inner products, -inf for padding. Padding is always at
            the end of a row.
    """

    ids: np.ndarray
    scores: np.ndarray


class _Slots:
    """Products in the order in which they came, with room to grow.

    Attributes:
        count: slots in use or left behind by removed products.
        ids: object [room] of str.
        embeddings: float32 [room, D].
        of: {id: slot} of the products that are there.
    """

    def __init__(self, dim: int):
        self.count = 0
        self.ids = np.empty(0, object)
        self.embeddings = np.empty((0, dim), np.float32)
        self.of: dict[str, int] = {}

    def put(self, ids: Sequence[str], embeddings: np.ndarray) -> list[int]:
        """Adds or replaces; returns the slots."""
        new = [one for one in ids if one not in self.of]
        self._make_room(self.count + len(new))
        for one in new:
            self.of[one] = self.count
            self.ids[self.count] = one
            self.count += 1
        slots = [self.of[one] for one in ids]
        self.embeddings[slots] = embeddings
        return slots

    def take(self, ids: Sequence[str]) -> list[int]:
        """Removes; returns the slots, which stay behind."""
        return [self.of.pop(one) for one in ids]

    def without_holes(self) -> "_Slots":
        """The same products, close together."""
        other, kept = _Slots(self.embeddings.shape[1]), list(self.of.values())
        # Slots rise, for an id's place in the dictionary is where it first came.
        other.put(list(self.of), self.embeddings[kept])
        return other

    @property
    def used(self) -> np.ndarray:
        """float32 [count, D]."""
        return self.embeddings[: self.count]

    def _make_room(self, count: int) -> None:
        room = len(self.ids)
        if count <= room:
            return
        room = max(count, 2 * room)
        ids, embeddings = self.ids, self.embeddings
        self.ids = np.empty(room, object)
        self.embeddings = np.empty((room, embeddings.shape[1]), np.float32)
        self.ids[: self.count] = ids[: self.count]
        self.embeddings[: self.count] = embeddings[: self.count]


class LiveIndex:
    """Products by id: put in, replaced, removed and searched, from any thread.

    A search sees all of a change or nothing of it. Below `scann_from` products, or where
    scann cannot be imported, all are scored; from there on ScaNN finds the candidates.
    Writers take turns. Training ScaNN anew happens in the writer's call, and searches go
    on meanwhile.

    Example:
        >>> index = LiveIndex(dim=2)
        >>> index.upsert(["a", "b"], np.eye(2, dtype=np.float32))
        >>> index.remove(["a"])
        >>> index.search(np.array([[0.6, 0.8]], np.float32), k=1).ids
        array([['b']], dtype=object)
    """

    def __init__(self, dim: int, scann_from: int = SCANN_FROM_ITEMS):
        """Of no product.

        Args:
            dim: width of the embeddings.
            scann_from: the fewest products for which ScaNN pays.

        Raises:
            ValueError: if a number is below 1.
        """
        if dim < 1 or scann_from < 1:
            raise ValueError(f"dim {dim} and scann_from {scann_from} must be at least 1")
        self._dim, self._scann_from = dim, scann_from
        self._slots = _Slots(dim)
        self._searcher: Any = None
        self._settings = ScannSettings()
        self._trained, self._changed = 0, 0
        self._change = ReadersWriterLock()
        self._writers = threading.Lock()

    def __len__(self) -> int:
        """How many products there are."""
        return len(self._slots.of)

    def __contains__(self, product_id: str) -> bool:
        return product_id in self._slots.of

    def describe(self) -> str:
        """The index in one line, for logs."""
        with self._change.reading():
            if self._searcher is None:
                return f"exact search of {len(self)} items"
            return (
                f"ScaNN search of {len(self)} items, trained on {self._trained}, "
                f"{self._changed} changes since"
            )

    def upsert(self, ids: Sequence[str], embeddings: np.ndarray) -> None:
        """Puts products in; one that is there already gets the new embedding.

        Args:
            ids: N different texts, none empty.
            embeddings: float32 [N, D], L2-normalised rows.

        Raises:
            FitRankError: if an id is empty or comes twice.
            ValueError: if the array is not float32 [N, D] or has NaN or infinity.
        """
        self._check(ids, embeddings)
        if not len(ids):
            return
        with self._writers:
            with self._change.writing():
                slots = self._slots.put(ids, embeddings)
                self._changed += len(slots)
                self._tell_scann(
                    lambda scann: scann.upsert(slots, embeddings, _UPSERT_BATCH)
                )
            self._rebuild_if_due()

    def remove(self, ids: Sequence[str]) -> None:
        """Takes products out.

        Args:
            ids: N different texts.

        Raises:
            FitRankError: if an id comes twice or is no product's; nothing is removed.
        """
        _check_ids(ids)
        with self._writers:
            unknown = [one for one in ids if one not in self]
            if unknown:
                raise FitRankError(
                    f"product {unknown[0]!r} is not in the index ({len(unknown)} such), "
                    "nothing was removed; leave it out"
                )
            with self._change.writing():
                slots = self._slots.take(ids)
                self._changed += len(slots)
                self._tell_scann(lambda scann: scann.delete(slots))
                if self._searcher is None:
                    self._slots = self._slots.without_holes()
            self._rebuild_if_due()

    def search(self, queries: np.ndarray, k: int) -> LiveCandidates:
        """The k best products of each query.

        Args:
            queries: float32 [Q, D], L2-normalised rows.
            k: how many products a query gets. Rows are padded where there are, or
                ScaNN reaches, fewer.

        Raises:
            ValueError: if `queries` is not float32 [Q, D], holds NaN or infinity, or k
                is below 1.
        """
        check_search(queries, k, self._dim)
        with self._change.reading():
            found = rank_shortlists(
                self._slots.embeddings, queries, self._shortlists(queries, k), k
            )
            ids = np.full(found.positions.shape, PADDING_ID, object)
            real = found.positions != PADDING_POSITION
            ids[real] = self._slots.ids[found.positions[real]]
        return LiveCandidates(ids, found.scores)

    def rebalance(self) -> None:
        """Trains ScaNN anew for the products that are there now, where it pays.

        Happens by itself when enough has changed; for after a night of updates.
        """
        with self._writers:
            self._rebuild()

    def save(self, path: Path) -> None:
        """Writes ids and embeddings as one NPZ file without pickles, whole or not at all.

        Raises:
            FitRankError: if the file cannot be written.
        """
        with self._writers:
            slots = self._slots.without_holes()
        ids = json.dumps(list(slots.of)).encode()
        with written_aside(path) as unfinished, unfinished.open("wb") as file:
            ids = np.frombuffer(ids, np.uint8)
            np.savez(file, ids=ids, embeddings=slots.used)

    @classmethod
    def load(cls, path: Path, scann_from: int = SCANN_FROM_ITEMS) -> "LiveIndex":
        """The index that `save` wrote; ScaNN is trained anew.

        Args:
            path: of the file.
            scann_from: see `__init__`.

        Raises:
            FitRankError: if the file cannot be read or is no index.
        """
        try:
            with np.load(path, allow_pickle=False) as arrays:
                ids = json.loads(arrays["ids"].tobytes())
                embeddings = arrays["embeddings"]
            index = cls(embeddings.shape[1], scann_from)
            index.upsert(ids, embeddings)
        except Exception as error:
            # Damage shows in whatever numpy, zipfile and json come across first.
            raise FitRankError(
                f"{path} cannot be read as an index ({error}); save it again"
            ) from error
        return index

    def _check(self, ids: Sequence[str], embeddings: np.ndarray) -> None:
        _check_ids(ids)
        check_matrix(embeddings, "embeddings")
        if embeddings.shape != (len(ids), self._dim):
            raise ValueError(
                f"embeddings of {len(ids)} products must have the shape "
                f"{[len(ids), self._dim]}, got {list(embeddings.shape)}"
            )

    def _shortlists(self, queries: np.ndarray, k: int) -> Iterable[Shortlists]:
        count = min(k, len(self))
        if not count:
            return []
        if self._searcher is None:
            return exact_shortlists(self._slots.used, queries, count)
        return scann_shortlists(self._searcher, self._settings, queries, count)

    def _tell_scann(self, change: Callable[[Any], None]) -> None:
        if self._searcher is None:
            return
        try:
            change(self._searcher)
        except Exception:
            # Who knows how far it came: until it is trained anew, all are scored.
            self._searcher = None
            self._slots = self._slots.without_holes()
            raise

    def _rebuild_if_due(self) -> None:
        has_scann = self._searcher is not None
        grown = has_scann and self._changed >= _REBUILD_SHARE * self._trained
        if grown or self._pays() != has_scann:
            self._rebuild()

    def _pays(self) -> bool:
        """Whether ScaNN is to search what is there."""
        least = self._scann_from * (1.0 if self._searcher is None else _KEEP_SHARE)
        return len(self) >= least and self._has_scann

    @functools.cached_property
    def _has_scann(self) -> bool:
        try:
            load_scann()
        except FitRankError:
            return False
        return True

    def _rebuild(self) -> None:
        """The caller holds `_writers`, so that nothing changes while ScaNN trains."""
        slots, settings, searcher = self._slots.without_holes(), self._settings, None
        if self._pays():
            settings = settings_for(len(self))
            searcher = build_searcher(
                load_scann(), slots.used, settings, list(range(slots.count))
            )
        with self._change.writing():
            self._slots, self._settings, self._searcher = slots, settings, searcher
            self._trained, self._changed = len(self), 0


def _check_ids(ids: Sequence[str]) -> None:
    if isinstance(ids, str):
        raise FitRankError(f"ids {ids!r}: give a list of texts, not one text")
    seen: set[str] = set()
    for one in ids:
        if not isinstance(one, str) or not one:
            raise FitRankError(f"product id {one!r}: an id is a text that is not empty")
        if one in seen:
            raise FitRankError(f"product id {one!r} comes twice in one call; send it once")
        seen.add(one)
