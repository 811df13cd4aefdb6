"""The stages of a training run, in their order."""

import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from fitrank_tf.config import RunConfig
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.catalogue import Catalogue, CatalogueRecords
from fitrank_tf.datasets.splits import TRAIN, VALIDATION
from fitrank_tf.rerank.candidates import CandidateLists, with_positives
from fitrank_tf.towers.training.strategies import Strategy
from fitrank_tf.training.products import RunProducts
from fitrank_tf.training.stage import Stage
from fitrank_tf.training.stages.base import BaseStage
from fitrank_tf.training.stages.crops import CropsStage
from fitrank_tf.training.stages.detector import DetectorStage
from fitrank_tf.training.stages.facet_heads import FacetHeadsStage
from fitrank_tf.training.stages.features import FeaturesStage
from fitrank_tf.training.stages.lists import ListedProducts, ListsStage, as_retrieved
from fitrank_tf.training.stages.lora import LoraStage
from fitrank_tf.training.stages.reranker import RerankerLists, RerankerStage
from fitrank_tf.training.work_dir import WorkDir

logger = logging.getLogger(__name__)

# The order of a whole run. Its candidate lists are made with the re-ranker; crops are made
# when a study asks for them. What follows, the export of a bundle, is kept in no folder.
STAGES = ("base", "detector", "features", "lora", "facet_heads", "reranker")
# So many times the facet queries of others are written for a product that the towers have
# not learned: there are few of them.
_HELD_OUT_QUERIES = 4


class Run:
    """One training run over one catalogue; a stage that is read makes those it needs.

    Args:
        config: the run's.
        catalogue: products to train on.
        work: where finished stages are kept.
        strategy: spreads the towers' training over devices; None is Keras' own device.
    """

    def __init__(
        self,
        config: RunConfig,
        catalogue: Catalogue,
        work: WorkDir,
        strategy: Strategy | None = None,
    ):
        self.config, self.catalogue = config, catalogue
        self.products = RunProducts(catalogue, config.reranker.holdout_share)
        self._work = work
        self._scope = contextlib.nullcontext if strategy is None else strategy.scope

    @property
    def records(self) -> CatalogueRecords:
        """All products of the catalogue."""
        return self.products.records

    def make(self, stages: Sequence[str]) -> None:
        """Makes stages in their order, and those that they need.

        Args:
            stages: some of `STAGES`.
        """
        for name in check_stages(stages):
            started = time.monotonic()
            stage: Stage = getattr(self, name)
            logger.info("%s: %s, %.0f s", name, stage.folder, time.monotonic() - started)

    @cached_property
    def base(self) -> BaseStage:
        """The CLIP towers."""
        return BaseStage(
            self._work,
            self.config,
            self.products,
            self.features,
            self._scope,
        )

    @cached_property
    def detector(self) -> DetectorStage:
        """The garment detector."""
        return DetectorStage(self._work, self.config.detector)

    @cached_property
    def features(self) -> FeaturesStage:
        """The image features of every product."""
        heads = self.config.feature_heads
        return FeaturesStage(self._work, self.products, self.detector, heads)

    @cached_property
    def lora(self) -> LoraStage:
        """The fine-tuned towers with their fusion."""
        return LoraStage(
            self._work,
            self.config,
            self.products,
            self.base,
            self.features,
            self._scope,
        )

    @cached_property
    def crops(self) -> CropsStage:
        """Embeddings of the garment boxes alone."""
        return CropsStage(self._work, self.products, self.features, self.lora)

    @cached_property
    def facet_heads(self) -> FacetHeadsStage:
        """The facet probabilities of every product."""
        return FacetHeadsStage(
            self._work, self.config, self.products, self.features, self.lora
        )

    @cached_property
    def lists(self) -> RerankerLists:
        """Candidate lists for the re-ranker.

        What it learns from holds a positive each; what chooses its epoch stays as it was
        retrieved.
        """
        products = self.products
        return RerankerLists(
            of_all=self._lists(TRAIN, products.ranker_rows, with_positives),
            of_held_out=self._lists(
                "held_out", products.held_out_rows, with_positives, _HELD_OUT_QUERIES
            ),
            to_choose_by=self._lists(VALIDATION, products.validation_rows, as_retrieved),
        )

    def _lists(
        self,
        name: str,
        rows: np.ndarray,
        complete: Callable[..., CandidateLists],
        times: int = 1,
    ) -> ListsStage:
        listed = ListedProducts(name, rows, complete, times)
        return ListsStage(
            self._work, self.config, self.products, listed, self.lora, self.facet_heads
        )

    @cached_property
    def reranker(self) -> RerankerStage:
        """The listwise re-ranker."""
        return RerankerStage(
            self._work,
            self.config,
            self.products,
            self.facet_heads,
            self.lists,
        )


def check_stages(names: Sequence[str]) -> list[str]:
    """The stages named, in the order of a run.

    Raises:
        FitRankError: for an unknown one.
    """
    for name in names:
        if name not in STAGES:
            raise FitRankError(f"stage {name}: unknown; choose from {','.join(STAGES)}")
    return [name for name in STAGES if name in names]
