"""Compares re-rankers on the candidates of the same fine-tuned towers."""

import dataclasses
import logging
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from fitrank_tf.config import RunConfig, override
from fitrank_tf.core.packages import missing_packages
from fitrank_tf.evaluation.ablation import Measured, QueryValues
from fitrank_tf.evaluation.run import QuerySet, measure_queries
from fitrank_tf.evaluation.sheets.shape_plots import draw_shapes
from fitrank_tf.evaluation.systems import as_run
from fitrank_tf.export.embedding import encode_texts
from fitrank_tf.inputs.listwise import ListArrays, ProductTables
from fitrank_tf.rerank.baselines import LambdaMart, LinearBlend
from fitrank_tf.rerank.candidates import CandidateLists, list_arrays, retrieve
from fitrank_tf.rerank.crop_similarity import CropSimilarity
from fitrank_tf.rerank.gam import (
    TRAINING,
    GamItem,
    Shape,
    build_gam_ranker,
    gam_columns,
    train_gam_ranker,
)
from fitrank_tf.rerank.match_features import match_columns, match_features
from fitrank_tf.rerank.palette_distance import PaletteDistance
from fitrank_tf.retrieval.choose_index import build_index
from fitrank_tf.training.run import Run

logger = logging.getLogger(__name__)

_BATCH = 64
# Initial weights of the linear blend, of a cosine and of log-probabilities.
_SCORE_WEIGHT, _MATCH_WEIGHT = 20.0, 3.0
_PALETTE, _CROP = "palette distance", "crop similarity"
# {variant: extra features of the GAM besides facets, expected grade and first stage}.
GAM_VARIANTS = {
    "GAM": (),
    "with palette distance": (_PALETTE,),
    "with crop similarity": (_CROP,),
    "with both": (_PALETTE, _CROP),
}


@dataclasses.dataclass(frozen=True)
class _ListFeatures:
    """Candidate lists with the features of their candidates, [Q, L, K]."""

    lists: ListArrays
    features: np.ndarray

    def followed_by(self, columns: np.ndarray) -> "_ListFeatures":
        """The same lists with more features, [Q, L, K], appended."""
        both = np.concatenate([self.features, columns], axis=-1, dtype=np.float32)
        return _ListFeatures(self.lists, both)

    @property
    def labels(self) -> np.ndarray:
        return self.lists.labels

    @property
    def mask(self) -> np.ndarray:
        return self.lists.positions >= 0


class RerankStudy:
    """Measures re-rankers that are trained on the same lists.

    Args:
        train: function from a configuration to a run, whose stages are kept.
        config: configuration of the run.
        rows: int [N], ascending rows of the products that are searched.
        query_set: the queries, with their judgments.
        output: folder of the run files.
    """

    def __init__(
        self,
        train: Callable[[RunConfig], Run],
        config: RunConfig,
        rows: np.ndarray,
        query_set: QuerySet,
        output: Path,
    ):
        self._train, self._config = train, config
        self._run, self._rows = train(config), rows
        self._query_set, self._output = query_set, output
        self._facets = self._run.facet_heads.heads.lexicon.facet_sizes
        # The curves of the GAMs trained so far.
        self._shapes: list[list[Shape]] = []

    def measure(self, seeds: Sequence[int]) -> list[Measured]:
        """Measures the towers' order, the baselines, and last the neural re-ranker.

        Draws the GAM's curve of each feature, one for each seed, into `gam_shapes.png`.

        Args:
            seeds: of the trainings of each ranker.
        """
        rankers = {
            "linear blend": self._blend,
            "GAM": self._gam,
            "re-ranker": self.neural,
        }
        if missing := missing_packages("LambdaMART", ("lightgbm",)):
            logger.warning(missing)
        else:
            rankers = {"LambdaMART": self._lambda_mart, **rankers}
        towers = self._values("towers", self._measured_lists.scores)
        measured = [Measured("fine-tuned towers", [towers])] + [
            Measured(name, [rank(seed) for seed in seeds]) for name, rank in rankers.items()
        ]
        self._draw_shapes()
        return measured

    def measure_extra_features(self, seeds: Sequence[int]) -> list[Measured]:
        """Measures the GAM with each set of extra features.

        Draws the curves of the last one, with all of them, into `gam_shapes.png`.

        Args:
            seeds: of the trainings of each GAM.
        """
        measured = []
        for name, extra_features in GAM_VARIANTS.items():
            self._shapes.clear()
            file = name.replace(" ", "_")
            runs = [self._gam(seed, file, extra_features) for seed in seeds]
            measured.append(Measured(name, runs))
        self._draw_shapes()
        return measured

    def _draw_shapes(self) -> None:
        picture = self._output / "gam_shapes.png"
        draw_shapes(self._shapes, picture)
        logger.info("wrote %s", picture)

    @cached_property
    def _tables(self) -> ProductTables:
        return self._run.facet_heads.tables.select(self._rows)

    @cached_property
    def _candidates(self) -> tuple[CandidateLists, np.ndarray]:
        encode = self._run.lora.query_encoder(self._run.facet_heads.heads.lexicon)
        encoded = encode_texts(encode, list(self._query_set.texts().values()))
        index = build_index(self._tables.embeddings)
        depth = self._config.reranker.list_size
        return retrieve(index, encoded["embedding"], depth), encoded["query_facets"]

    @cached_property
    def _measured_lists(self) -> ListArrays:
        """The lists that are measured, without labels."""
        return list_arrays(*self._candidates)

    @cached_property
    def _measured_features(self) -> _ListFeatures:
        return self._with_features(self._measured_lists, self._tables)

    @cached_property
    def _training_features(self) -> _ListFeatures:
        run = self._run
        return self._with_features(
            run.reranker.training_lists(), run.facet_heads.ranker_tables
        )

    @cached_property
    def _validation_features(self) -> _ListFeatures:
        run = self._run
        tables = run.facet_heads.tables.select(run.products.validation_rows)
        return self._with_features(run.reranker.validation_lists(), tables)

    def _with_features(self, lists: ListArrays, tables: ProductTables) -> _ListFeatures:
        decisive = self._run.records.declaration.decisive
        matches = match_features(lists, tables.facet_probs, self._facets, decisive)
        return _ListFeatures(lists, matches)

    def _blend(self, seed: int) -> QueryValues:
        names = match_columns(self._run.facet_heads.heads.lexicon.facets)
        start = {names.index("score"): _SCORE_WEIGHT}
        start |= {
            i: _MATCH_WEIGHT for i, name in enumerate(names) if name.startswith("matches ")
        }
        blend = LinearBlend(start)
        blend.fit(self._training_features.features, self._training_features.labels, seed)
        logger.info(
            "linear blend: %s",
            {names[i]: round(weight, 2) for i, weight in blend.weights.items()},
        )
        return self._values(
            f"blend.seed_{seed}", blend.score(self._measured_features.features)
        )

    def _lambda_mart(self, seed: int) -> QueryValues:
        trees = LambdaMart(seed)
        learned, chosen = self._training_features, self._validation_features
        trees.fit(learned.features, learned.labels, (chosen.features, chosen.labels))
        return self._values(
            f"lambda_mart.seed_{seed}", trees.score(self._measured_features.features)
        )

    def _gam(
        self, seed: int, file: str = "gam", extra_features: Sequence[str] = ()
    ) -> QueryValues:
        run, name = self._run, f"{file}.seed_{seed}"
        learned = self._with_extra_features(
            self._training_features, run.products.ranker_rows, extra_features
        )
        chosen = self._with_extra_features(
            self._validation_features, run.products.validation_rows, extra_features
        )
        measured = self._with_extra_features(
            self._measured_features, self._rows, extra_features
        )
        items, context = self._gam_items(extra_features)
        model = build_gam_ranker(items, context, learned.features, learned.mask, seed)
        log_dir = self._output / name
        log_dir.mkdir(exist_ok=True)
        train_gam_ranker(
            model,
            (learned.features, learned.labels),
            (chosen.features, chosen.labels),
            dataclasses.replace(TRAINING, loss=self._config.reranker.loss),
            seed,
            log_dir,
        )
        self._shapes.append(model.shapes(learned.features, learned.mask))
        return self._values(name, model.score(measured.features, measured.mask))

    def _gam_items(
        self, extra_features: Sequence[str]
    ) -> tuple[tuple[GamItem, ...], tuple[int, ...]]:
        facets = self._run.facet_heads.heads.lexicon.facets
        items, context = gam_columns(facets)
        names = match_columns(facets)
        masks = dict(zip(facets, context))
        more, column = [], len(names)
        for extra in (self._extra_features[name] for name in extra_features):
            of_facet = masks.get(extra.of_facet or "")
            more += [
                GamItem(name, column + place, of_facet)
                for place, name in enumerate(extra.names)
            ]
            column += len(extra.names)
        return (*items, *more), context

    @cached_property
    def _extra_features(self) -> dict[str, PaletteDistance | CropSimilarity]:
        run = self._run
        prototypes = run.features.models.heads.namer.prototypes
        values = dict(run.facet_heads.heads.lexicon.values)
        return {
            _PALETTE: PaletteDistance(
                run.features.values, run.features.schema, prototypes, values
            ),
            _CROP: CropSimilarity(run.crops.embeddings),
        }

    def _with_extra_features(
        self,
        lists_with_features: _ListFeatures,
        rows: np.ndarray,
        extra_features: Sequence[str],
    ) -> _ListFeatures:
        """The features of lists of some products, with extra features appended."""
        lists = lists_with_features.lists.at(rows)
        for name in extra_features:
            lists_with_features = lists_with_features.followed_by(
                self._extra_features[name].columns(lists)
            )
        return lists_with_features

    def neural(self, seed: int, name: str = "reranker") -> QueryValues:
        """The measures of the neural re-ranker, trained from a seed.

        Args:
            seed: of the initial weights and of the order of the lists.
            name: beginning of the run file's name.
        """
        run = self._train(override(self._config, [f"reranker.seed={seed}"]))
        model = run.reranker.load()
        batches = self._measured_lists.batches(self._tables, _BATCH)
        scores = np.concatenate([model(inputs).numpy() for inputs, _ in batches])
        return self._values(f"{name}.seed_{seed}", scores)

    def _values(self, name: str, scores: np.ndarray) -> QueryValues:
        lists, _ = self._candidates
        ids = self._run.records.select(self._rows).ids
        ranking = as_run(self._query_set.texts(), ids, lists, scores)
        path = self._output / f"{name}.run"
        return measure_queries(self._query_set, ranking, path, name)
