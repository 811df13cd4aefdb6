"""The listwise re-ranker of the fine-tuned towers' candidates."""

import dataclasses
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fitrank_tf._legacy import tf_keras
from fitrank_tf.config import RunConfig
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.export.loaded_bundle import LoadedBundle
from fitrank_tf.inputs.listwise import ListArrays
from fitrank_tf.rerank.model import Reranker, build_reranker, train_reranker
from fitrank_tf.training.products import RunProducts
from fitrank_tf.training.stage import Stage
from fitrank_tf.training.stages.facet_heads import FacetHeadsStage
from fitrank_tf.training.stages.judged_lists import JudgedListsStage
from fitrank_tf.training.stages.lists import ListsStage
from fitrank_tf.training.work_dir import WorkDir

logger = logging.getLogger(__name__)

_WEIGHTS = "reranker.weights.h5"


@dataclasses.dataclass(frozen=True)
class RerankerLists:
    """The candidate lists of a re-ranker.

    Attributes:
        of_all: lists of all training products.
        of_held_out: lists of the training products that are held out from the towers.
        of_validation: lists of the validation products, which select the epoch.
        judged: lists of judged queries, to learn from.
        judged_validation: lists of other judged queries, which select the epoch too.
    """

    of_all: ListsStage
    of_held_out: ListsStage
    of_validation: ListsStage
    judged: JudgedListsStage | None = None
    judged_validation: JudgedListsStage | None = None


class RerankerStage(Stage):
    """A trained re-ranker.

    Args:
        work: keeps the stage's folder.
        config: configuration of the run.
        products: products of the run.
        facet_heads: embeddings, features and facet probabilities of the products.
        lists: candidate lists for training and validation.
        start: bundle whose re-ranker's weights the training starts from; None starts anew.
    """

    name = "reranker"

    def __init__(
        self,
        work: WorkDir,
        config: RunConfig,
        products: RunProducts,
        facet_heads: FacetHeadsStage,
        lists: RerankerLists,
        start: LoadedBundle | None = None,
    ):
        super().__init__(work)
        self._config, self._products = config, products
        self._facet_heads, self._lists, self._start = facet_heads, lists, start

    @property
    def inputs(self) -> tuple[Stage, ...]:
        lists = vars(self._lists).values()
        return self._facet_heads, *filter(None, lists)

    @property
    def config(self) -> Mapping[str, Any]:
        config = {"reranker": dataclasses.asdict(self._config.reranker)}
        if self._lists.judged:
            config["judgments"] = dataclasses.asdict(self._config.judgments)
        if self._start:
            config["start"] = {"bundle": self._start.fingerprint}
        return {**config, "seed": self._config.seed}

    def load(self) -> Reranker:
        """The trained re-ranker."""
        model = self._new()
        model.load_weights(self.folder / _WEIGHTS)
        return model

    def training_lists(self) -> ListArrays:
        """The training lists, of `ranker_rows`.

        The first stage scores the towers' training products with more confidence than it
        will new products. So the few held-out products have further lists, of candidates
        among themselves, with more queries for each. There may be none, if the candidates
        of each query are of one grade.
        """
        products = self._products
        rows = np.searchsorted(products.ranker_rows, products.held_out_rows)
        held_out = self._lists.of_held_out.arrays.at(rows)
        return self._lists.of_all.arrays.followed_by(held_out)

    def validation_lists(self) -> ListArrays:
        """The validation lists, of `validation_rows`."""
        return self._lists.of_validation.arrays

    def lists_to_learn_from(self) -> ListArrays:
        """`training_lists` and judged ones, of rows of the whole catalogue.

        The judged ones come so often that they have their share with weights near 1.
        """
        own = self.training_lists().at(self._products.ranker_rows)
        if self._lists.judged is None:
            return own
        judged, config = self._lists.judged.arrays, self._config.judgments
        logger.info("lists of judged queries: %d", len(judged))
        room = (1.0 - config.share) / config.share
        copies = config.passes
        if self._start:
            kept = min(round(room * copies * len(judged)), len(own))
            own = own.shuffled(self._seed).select(np.arange(kept))
        elif room and len(judged):
            copies = max(1, round(len(own) / room / len(judged)))
        return self._beside(own, judged.repeated(copies))

    def lists_to_choose_by(self) -> ListArrays:
        """`validation_lists` and judged ones, of rows of the whole catalogue."""
        own = self.validation_lists().at(self._products.validation_rows)
        judged = self._lists.judged_validation
        return own if judged is None else self._beside(own, judged.arrays)

    def make(self, folder: Path) -> None:
        """Trains the re-ranker and keeps the weights of its best epoch.

        Without training lists it stays as it starts: a blend of first stage and match.
        """
        learned, chosen = self.lists_to_learn_from(), self.lists_to_choose_by()
        logger.info(
            "re-ranker: %d training lists, %d for validation", len(learned), len(chosen)
        )
        model = self._new()
        if self._start:
            _set_weights(model, self._start)
        if len(learned):
            self._train(model, learned, chosen, folder)
        else:
            logger.warning(
                "the re-ranker learns nothing: no query has candidates of two grades"
            )
        model.save_weights(folder / _WEIGHTS)

    def _train(
        self, model: Reranker, learned: ListArrays, chosen: ListArrays, folder: Path
    ) -> None:
        config, tables = self._config.reranker, self._facet_heads.learned_tables
        train_reranker(
            model,
            learned.shuffled(self._seed).training_batches(tables, config.batch_size),
            chosen.training_batches(tables, config.batch_size) if len(chosen) else None,
            config,
            folder,
        )

    def _beside(self, self_made: ListArrays, lists: ListArrays) -> ListArrays:
        """Self-made lists and judged ones, whose weights give them their share."""
        share = self._config.judgments.share
        if not len(lists):
            return self_made
        if share == 1.0 or not len(self_made):
            return lists
        factor = np.float32(share / (1.0 - share) * len(self_made) / len(lists))
        weights = lists.weights * factor
        return self_made.followed_by(dataclasses.replace(lists, weights=weights))

    @property
    def _seed(self) -> int:
        return self._config.seed + self._config.reranker.seed

    def _new(self) -> Reranker:
        tf_keras.utils.set_random_seed(self._seed)
        tables = self._facet_heads.tables
        return build_reranker(
            self._config.reranker,
            tables.features[self._products.tower_rows],
            tables.embeddings.shape[1],
            self._facet_heads.heads.lexicon.facet_sizes,
            self._products.records.declaration.decisive,
        )


def _set_weights(model: Reranker, bundle: LoadedBundle) -> None:
    """Gives a model the weights of a bundle's re-ranker.

    Raises:
        FitRankError: if it is of other sizes.
    """
    # As `ServedReranker` keeps them, in the model's order.
    weights = [one.numpy() for one in bundle.model("reranker")._variables]
    try:
        model.set_weights(weights)
    except ValueError as error:
        raise FitRankError(
            f"the re-ranker of {bundle.path} has other sizes than the configuration's; "
            "leave reranker.hidden and reranker.attention_heads as they are"
        ) from error
