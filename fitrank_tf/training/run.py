"""A training run and the order of its stages."""

import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from fitrank_tf.config import ContrastiveConfig, RunConfig
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.catalogue import Catalogue, CatalogueRecords
from fitrank_tf.datasets.splits import TRAIN, VALIDATION
from fitrank_tf.export.loaded_bundle import LoadedBundle
from fitrank_tf.queries.judged import JudgedQuery, by_split, with_products
from fitrank_tf.rerank.candidates import CandidateLists, with_positives
from fitrank_tf.towers.training.strategies import Strategy
from fitrank_tf.training.products import RunProducts
from fitrank_tf.training.stage import Stage
from fitrank_tf.training.stages.base import BaseStage
from fitrank_tf.training.stages.bundle_products import BundleProductsStage
from fitrank_tf.training.stages.crops import CropsStage
from fitrank_tf.training.stages.detector import DetectorStage
from fitrank_tf.training.stages.facet_heads import FacetHeadsStage
from fitrank_tf.training.stages.features import FeaturesStage
from fitrank_tf.training.stages.judged_lists import JudgedListsStage
from fitrank_tf.training.stages.known_products import ProductEmbeddings, ProductFeatures
from fitrank_tf.training.stages.lists import ListedProducts, ListsStage, as_retrieved
from fitrank_tf.training.stages.lora import LoraStage
from fitrank_tf.training.stages.reranker import RerankerLists, RerankerStage
from fitrank_tf.training.work_dir import WorkDir

logger = logging.getLogger(__name__)

# The order of a whole run. Candidate lists are made with the re-ranker, crops only for a
# study. The export of a bundle, which follows, is not kept as a stage.
STAGES = ("base", "detector", "features", "lora", "facet_heads", "reranker")
# Those that a training makes that goes on from a bundle.
_CONTINUED = ("reranker",)
# Held-out products get so many times the facet queries of others, because they are few.
_HELD_OUT_QUERIES = 4


class Run:
    """A training run on a catalogue. Stages are made when their files are first read.

    Args:
        config: configuration of the run.
        catalogue: the catalogue to train on.
        work: keeps finished stages.
        strategy: distributes the towers' training over devices; None uses Keras' default
            device.
        judged: judged queries, of which the re-ranker learns besides.
        start: bundle that the re-ranker's training goes on from; its models stand for the
            stages before, where `work` does not keep these.

    Attributes:
        config: configuration of the run.
        catalogue: the catalogue to train on.
        products: the training products of each model.
        start: the bundle that the training goes on from, None if there is none.
    """

    def __init__(
        self,
        config: RunConfig,
        catalogue: Catalogue,
        work: WorkDir,
        strategy: Strategy | None = None,
        judged: Sequence[JudgedQuery] = (),
        start: LoadedBundle | None = None,
    ):
        self.config, self.catalogue = config, catalogue
        self.products = RunProducts(catalogue, config.reranker.holdout_share)
        self._work = work
        self._judged_queries, self.start = judged, start
        self._scope = contextlib.nullcontext if strategy is None else strategy.scope

    @property
    def records(self) -> CatalogueRecords:
        """All products of the catalogue."""
        return self.products.records

    def make(self, stages: Sequence[str]) -> None:
        """Makes stages, and those that they read, in the order of a run.

        Args:
            stages: some of `STAGES`.

        Raises:
            FitRankError: before any is made, if the catalogue is too small, or not the one
                that the bundle was trained on from which the training goes on.
        """
        self._check()
        if self.start and self.start.info.fingerprint != self.catalogue.fingerprint:
            raise FitRankError(
                f"{self.start.path} was trained on another catalogue; name that one, or "
                "train from the start"
            )
        made = STAGES if self.start is None else _CONTINUED
        for name in [name for name in made if name in stages]:
            started = time.monotonic()
            stage: Stage = getattr(self, name)
            logger.info("%s: %s, %.0f s", name, stage.folder, time.monotonic() - started)

    def _check(self) -> None:
        """Refuses a catalogue of which the towers cannot learn."""
        count, config = len(self.products.tower_rows), self.config
        if not self.catalogue.declaration.filters:
            logger.warning(
                "the catalogue has no attributes: its products cannot be filtered, and "
                "searches are learned and measured by titles alone"
            )
        if count < 2:
            raise FitRankError(
                f"training needs 2 products or more, the catalogue has "
                f"{len(self.records)}; give a larger catalogue"
            )
        for name in ("base", "lora_training"):
            training: ContrastiveConfig = getattr(config, name)
            if training.accumulation > 1 and count < training.batch_size:
                raise FitRankError(
                    f"batches of {training.batch_size} in {training.accumulation} parts "
                    f"need as many products, the towers have {count} to learn from; set "
                    f"a smaller {name}.batch_size"
                )
        if not config.towers.preset and not any(self.base.texts):
            raise FitRankError(
                "no product has a title or an attribute, so new towers have no text to "
                "learn from; set towers.preset to trained ones"
            )

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
            self._judged_texts,
        )

    @property
    def _judged_texts(self) -> Sequence[JudgedQuery]:
        """The judged queries that the towers learn."""
        learned = self.config.judgments.text_share and self.start is None
        return self.judged[TRAIN] if learned else ()

    @cached_property
    def crops(self) -> CropsStage:
        """Embeddings of the garment boxes alone."""
        return CropsStage(self._work, self.products, self.features, self.lora)

    @cached_property
    def facet_heads(self) -> FacetHeadsStage:
        """The facet probabilities of every product."""
        return FacetHeadsStage(
            self._work, self.config, self.products, self.known_features, self.encoded
        )

    @cached_property
    def known_features(self) -> ProductFeatures:
        """`features`, or those by the bundle that the training goes on from."""
        if self.start is None or self.features.is_kept:
            return self.features
        return self._bundle_products(self.start)

    @cached_property
    def encoded(self) -> ProductEmbeddings:
        """`lora`, or embeddings by the bundle that the training goes on from."""
        if self.start is None or self.lora.is_kept:
            return self.lora
        return self._bundle_products(self.start)

    def _bundle_products(self, start: LoadedBundle) -> BundleProductsStage:
        return BundleProductsStage(self._work, self.products, start)

    @cached_property
    def lists(self) -> RerankerLists:
        """Candidate lists for the re-ranker.

        Each training list contains an exact product; validation lists are as retrieved.
        """
        products = self.products
        return RerankerLists(
            of_all=self._lists(TRAIN, products.ranker_rows, with_positives),
            of_held_out=self._lists(
                "held_out", products.held_out_rows, with_positives, _HELD_OUT_QUERIES
            ),
            of_validation=self._lists(VALIDATION, products.validation_rows, as_retrieved),
            judged=self._judged_lists(TRAIN),
            judged_validation=self._judged_lists(VALIDATION),
        )

    @cached_property
    def judged(self) -> dict[str, list[JudgedQuery]]:
        """The judged queries by split, with the judgments that count."""
        config = self.config.judgments
        known = with_products(
            self._judged_queries, self.records.ids, "of products that are not there"
        )
        searched = self.records.select(self._searched_rows).ids
        counted = with_products(
            known, searched, f"of products outside of judgments.searched={config.searched}"
        )
        return by_split(counted, config.validation_share, config.test_share)

    @property
    def _searched_rows(self) -> np.ndarray:
        """int64 [M], ascending rows of the products that judged queries search."""
        splits = np.array(self.records.splits)
        searched = self.config.judgments.searched
        held_out = splits != TRAIN
        of = {"train": ~held_out, "held_out": held_out, "all": splits != ""}
        return np.flatnonzero(of[searched])

    def _judged_lists(self, split: str) -> JudgedListsStage | None:
        if not self._judged_queries:
            return None
        return JudgedListsStage(
            self._work,
            self.config,
            self.products,
            split,
            self.judged[split],
            self._searched_rows,
            self.encoded,
            self.facet_heads,
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
            self._work, self.config, self.products, listed, self.encoded, self.facet_heads
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
            self.start,
        )
