"""Approximate candidate search by ScaNN, for catalogues too large for exact search.

Guo et al., "Accelerating Large-Scale Inference with Anisotropic Vector
Quantization", ICML 2020. The package exists for Linux only and is imported when
an index is built, so this module loads everywhere.
"""

import copy
import dataclasses
import importlib
import math
from types import ModuleType
from typing import Any

import numpy as np

from fitrank_tf.core.errors import FitRankError, first_line
from fitrank_tf.core.packages import install_command
from fitrank_tf.retrieval.candidate_index import (
    CandidateIndex,
    Candidates,
    Shortlists,
    rank_shortlists,
)
from fitrank_tf.retrieval.exact_index import search_passing

# From here on ScaNN's documentation (docs/algorithms.md) advises a tree.
TREE_FROM_ITEMS = 100_000

_ITEMS_A_LEAF = 256
_MOST_LEAVES = 6124
# With a filter that passes a share s of the items, so many times k / s are fetched, from as
# many more leaves as sqrt(1 / s): of 100,000 vectors at most 2 % of the queries then lack
# items, and recall@100 is 0.983 or more for a share of 0.05 to 0.5, 0.988 without a filter.
OVERFETCH = 3
# Scoring an item exactly costs less than a fraction of fetching one: 200 queries of 10,000
# items took 0.15 s, of 3,000 fetched ones 0.58 s.
EXACT_FACTOR = 4


@dataclasses.dataclass(frozen=True)
class ScannSettings:
    """How ScaNN partitions, compresses and re-scores the catalogue.

    Attributes:
        num_leaves: leaves (partitions) of the tree; 1 builds no tree.
        leaves_to_search: leaves that a query searches.
        dimensions_per_block: dimensions that share one code of asymmetric
            hashing (AH); ScaNN's advice is 2.
        anisotropic_threshold: T of the score-aware quantisation loss; 0.2 is the
            paper's choice for unit vectors. ScaNN's own default is off.
        reorder: number of AH hits that are re-scored exactly; a search for more
            items re-scores as many as it returns. ScaNN's autopilot
            takes 100 * sqrt(k), which is 1000 for our 100 candidates.
    """

    num_leaves: int = 1
    leaves_to_search: int = 1
    dimensions_per_block: int = 2
    anisotropic_threshold: float = 0.2
    reorder: int = 1000

    def __post_init__(self) -> None:
        for name in ("num_leaves", "leaves_to_search", "dimensions_per_block", "reorder"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.leaves_to_search > self.num_leaves:
            raise ValueError(
                f"leaves_to_search must be at most num_leaves = {self.num_leaves}, "
                f"got {self.leaves_to_search}"
            )
        if not -1.0 < self.anisotropic_threshold < 1.0:
            raise ValueError(
                "anisotropic_threshold must lie between -1 and 1, "
                f"got {self.anisotropic_threshold}"
            )


def settings_for(num_items: int) -> ScannSettings:
    """Returns settings for a catalogue of `num_items` items.

    Below `TREE_FROM_ITEMS` all codes are scanned. Above, the tree is the one that
    `autopilot()` of scann 1.4.2 chooses: one leaf for 256 items, at most 6124;
    its leaves to search (83 of 390, 109 of 976, 165 of 3906, 189 of 6124) grow
    as the number of leaves to the power 0.3.

    Raises:
        ValueError: if `num_items` is below 1.
    """
    if num_items < 1:
        raise ValueError(f"num_items must be at least 1, got {num_items}")
    if num_items < TREE_FROM_ITEMS:
        return ScannSettings()
    num_leaves = min(num_items // _ITEMS_A_LEAF, _MOST_LEAVES)
    leaves_to_search = round(83 * (num_leaves / 390) ** 0.3)
    return ScannSettings(num_leaves=num_leaves, leaves_to_search=leaves_to_search)


def load_scann(binding: str = "scann_ops_pybind") -> ModuleType:
    """Imports ScaNN's Python binding, or `scann_ops`, which registers TensorFlow ops.

    Raises:
        FitRankError: if scann cannot be imported on this machine.
    """
    try:
        return importlib.import_module(f"scann.scann_ops.py.{binding}")
    # Not ImportError alone: beside another TensorFlow than it was built for,
    # scann fails with TensorFlow's own errors as it loads its library.
    except Exception as error:
        raise FitRankError(
            f"scann cannot be imported ({first_line(error)}); it exists for Linux only, "
            f"with the TensorFlow it was built for: `{install_command('scann')}`, or "
            "search exactly (method=exact, `search`)"
        ) from error


class ScannIndex(CandidateIndex):
    """ScaNN behind the interface of `CandidateIndex`.

    Which of several equal items stand at the last place of a row, and which
    items are missed, may differ between two builds: k-means starts at random.

    Example:
        >>> index = ScannIndex(embeddings)
        >>> candidates = index.search(queries, k=100)
    """

    def __init__(
        self, embeddings: np.ndarray, settings: ScannSettings | None = None
    ) -> None:
        """Trains the index.

        Args:
            embeddings: float32 [N, D], one L2-normalised row an item.
            settings: by default `settings_for` this many items.

        Raises:
            FitRankError: if the catalogue is empty or scann cannot be imported.
            ValueError: if the array is not float32 [N, D] or has NaN or infinity.
        """
        super().__init__(embeddings)
        self.settings = settings or settings_for(self.num_items)
        self._searcher = build_searcher(load_scann(), self._embeddings, self.settings)

    @property
    def is_exact(self) -> bool:
        return False

    def describe(self) -> str:
        values = ", ".join(
            f"{name}={value}" for name, value in dataclasses.asdict(self.settings).items()
        )
        return f"ScaNN search of {self.num_items} items ({values})"

    def with_effort(self, leaves_to_search: int, reorder: int) -> "ScannIndex":
        """Returns the same trained index with another trade-off of speed and recall.

        Args:
            leaves_to_search: at most `settings.num_leaves`.
            reorder: see `ScannSettings`.

        Raises:
            ValueError: if a number is out of range.
        """
        other = copy.copy(self)
        other.settings = dataclasses.replace(
            self.settings, leaves_to_search=leaves_to_search, reorder=reorder
        )
        return other

    def _shortlists(self, queries: np.ndarray, k: int) -> list[Shortlists]:
        return scann_shortlists(self._searcher, self.settings, queries, k)

    def _search_passing(
        self, queries: np.ndarray, k: int, passing: np.ndarray
    ) -> Candidates:
        count = int(np.count_nonzero(passing))
        most, share = min(k, count), count / self.num_items
        fetched = min(math.ceil(OVERFETCH * most / share), self.num_items)
        if count <= EXACT_FACTOR * max(fetched, self.settings.reorder):
            return search_passing(self._embeddings, queries, k, passing)
        leaves = math.ceil(self.settings.leaves_to_search / math.sqrt(share))
        settings = dataclasses.replace(
            self.settings, leaves_to_search=min(leaves, self.settings.num_leaves)
        )
        lists = scann_shortlists(self._searcher, settings, queries, fetched, passing)
        found = rank_shortlists(self._embeddings, queries, lists, k)
        short = np.flatnonzero(found.positions[:, most - 1] < 0)
        exact = search_passing(self._embeddings, queries[short], k, passing)
        found.positions[short], found.scores[short] = exact.positions, exact.scores
        return found


def scann_shortlists(
    searcher: Any,
    settings: ScannSettings,
    queries: np.ndarray,
    k: int,
    passing: np.ndarray | None = None,
) -> list[Shortlists]:
    """Searches; positions are the searcher's docids if it has some, else rows.

    Args:
        searcher: from `build_searcher`.
        settings: leaves to search and hits to re-score.
        queries: float32 [Q, D].
        k: 1 to the number of vectors.
        passing: bool [N], of rows; the others are left out. None for all.
    """
    if not len(queries):
        return []
    positions, scores = searcher.search_batched_parallel(
        np.ascontiguousarray(queries),
        final_num_neighbors=k,
        pre_reorder_num_neighbors=max(k, settings.reorder),
        leaves_to_search=settings.leaves_to_search,
    )
    # Rows with fewer than k reachable items are padded with item 0 and score NaN, which
    # must not count as hits.
    positions, found = np.asarray(positions), ~np.isnan(scores)
    if passing is not None:
        found &= passing[positions]
    return [Shortlists.where(found, positions)]


def build_searcher(
    binding: ModuleType,
    embeddings: np.ndarray,
    settings: ScannSettings,
    docids: list[int] | None = None,
) -> Any:
    """Builds a ScaNN searcher: tree (if more than one leaf), AH, exact reordering.

    Args:
        binding: ScaNN's Python or TensorFlow binding.
        embeddings: float32 [N, D], one L2-normalised row per item.
        settings: of the tree, AH and reordering.
        docids: N ids; only a searcher with docids can be updated, and only the Python
            binding supports them.
    """
    builder = binding.builder(embeddings, num_neighbors=100, distance_measure="dot_product")
    if settings.num_leaves > 1:
        builder = builder.tree(
            num_leaves=settings.num_leaves,
            num_leaves_to_search=settings.leaves_to_search,
            training_sample_size=min(len(embeddings), 250_000),
        )
    builder = builder.score_ah(
        settings.dimensions_per_block,
        anisotropic_quantization_threshold=settings.anisotropic_threshold,
    )
    return builder.reorder(settings.reorder).build(docids=docids)
