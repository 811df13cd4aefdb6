"""Ablation studies: variants of a system on one catalogue, each trained from seeds."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fitrank_tf.config import RunConfig, override
from fitrank_tf.datasets.catalogue import Catalogue
from fitrank_tf.datasets.iteration import chosen_rows
from fitrank_tf.datasets.splits import ALL, TRAIN
from fitrank_tf.evaluation.ablation import (
    Measured,
    QueryValues,
    Variant,
    ablation_table,
)
from fitrank_tf.evaluation.markdown_table import markdown_table
from fitrank_tf.evaluation.run import QuerySet, measure_queries, own_queries
from fitrank_tf.evaluation.systems import Ranking, as_run
from fitrank_tf.export.embedding import embed_photos, embed_texts
from fitrank_tf.export.graphs.image_encoder import PIXELS_SIGNATURE, ImageEncoder
from fitrank_tf.export.graphs.query_encoder import QueryEncoder
from fitrank_tf.export.signatures import DEFAULT_SIGNATURE
from fitrank_tf.inputs.photos import photos
from fitrank_tf.recipes import wise_ft
from fitrank_tf.rerank.candidates import retrieve
from fitrank_tf.retrieval.choose_index import build_index
from fitrank_tf.studies.joint import JointStudy
from fitrank_tf.studies.rerank import RerankStudy
from fitrank_tf.studies.variants import (
    ADAPTATION,
    EXTRA_FEATURES,
    JOINT,
    RERANKED_STUDIES,
    RERANKERS,
    STUDIES,
)
from fitrank_tf.towers.towers import Towers
from fitrank_tf.training.run import Run
from fitrank_tf.training.work_dir import WorkDir

_MEASURES = ("nDCG@10", "R@10", "P@10", "mAP", "RR")


class Study:
    """Trains and measures the variants of a study on one catalogue.

    Args:
        config: the configuration that variants change; its seed draws the queries.
        catalogue: the products to train on and to search.
        work: keeps finished stages.
        output: folder of the run files.

    Attributes:
        query_set: the queries of the test products, with their judgments.
    """

    def __init__(
        self,
        config: RunConfig,
        catalogue: Catalogue,
        work: WorkDir,
        output: Path,
    ):
        self._config, self._catalogue = config, catalogue
        self._work, self._output = work, output
        records = catalogue.records(ALL)
        self._rows = np.flatnonzero([part != TRAIN for part in records.splits])
        self._records = records.select(self._rows)
        self.query_set = own_queries(self._records, config.evaluation, config.seed)

    def measure_rerankers(self, seeds: Sequence[int]) -> list[Measured]:
        """Measures the re-rankers on the candidates of the same fine-tuned towers."""
        return self._rerank_study(self._config).measure(seeds)

    def measure_extra_features(self, seeds: Sequence[int]) -> list[Measured]:
        """Measures the GAM with extra features of the same candidates."""
        return self._rerank_study(self._config).measure_extra_features(seeds)

    def measure_joint(
        self, seeds: Sequence[int], elsewhere: Sequence[Catalogue]
    ) -> list[str]:
        """Tables of joint scores on the catalogue, on others, and of their cost."""
        run = self._training(self._config)
        study = JointStudy(run, self._rows, self.query_set, elsewhere, self._output)
        costs = study.costs()
        tables = [
            ablation_table(measured, kinds_of(one.query_set), _MEASURES, one.name)
            for one, measured in study.measure(seeds)
        ]
        return [*tables, costs]

    def measure_reranked(self, variant: Variant, seeds: Sequence[int]) -> Measured:
        """Measures a variant of the re-ranker.

        Args:
            variant: its assignments change the configuration.
            seeds: of the re-ranker's training; all other stages have the run's seed.
        """
        study = self._rerank_study(override(self._config, variant.assignments or ()))
        name = variant.name.replace(" ", "_")
        return Measured(variant.name, [study.neural(seed, name) for seed in seeds])

    def _rerank_study(self, config: RunConfig) -> RerankStudy:
        return RerankStudy(
            self._training,
            config,
            self._rows,
            self.query_set,
            self._output,
        )

    def measure(self, variant: Variant, seeds: Sequence[int]) -> Measured:
        """Measures a variant of the towers.

        Args:
            variant: its assignments change the configuration; None stands for the base
                towers, which are not trained.
            seeds: of the trainings.
        """
        if variant.assignments is None:
            return Measured(variant.name, [self._measure_base(variant)])
        return Measured(
            variant.name, [self._measure_tuned(variant, seed) for seed in seeds]
        )

    def interpolation(self, assignments: Sequence[str], seeds: Sequence[int]) -> str:
        """A Markdown table of what WiSE-FT chose from.

        Args:
            assignments: of a variant with `lora.interpolation`.
            seeds: of its trainings.

        Returns:
            A line a share of the fine-tuned weights: RR of validation titles by seed.
        """
        of_seeds = [dict(self._tuned(assignments, n).lora.interpolation) for n in seeds]
        head = ["share of the fine-tuned weights", *(f"RR, seed {n}" for n in seeds)]
        rows = [
            [f"{share:g}", *(f"{of[share]:.4f}" for of in of_seeds)]
            for share in of_seeds[0]
        ]
        return markdown_table(head, rows, num_texts=0) + "\n"

    def _measure_base(self, variant: Variant) -> QueryValues:
        towers = self._training(self._config).base.load()
        encode = ImageEncoder(towers).signatures()[PIXELS_SIGNATURE]
        pictures = photos(self._catalogue, ALL, towers.image_size)
        embeddings = embed_photos(encode, chosen_rows(pictures, self._rows))
        return self._values(towers, embeddings, variant.name)

    def _measure_tuned(self, variant: Variant, seed: int) -> QueryValues:
        run = self._tuned(variant.assignments or (), seed)
        embeddings = run.lora.embeddings[self._rows]
        towers, _ = run.lora.load()
        return self._values(towers, embeddings, f"{variant.name}, seed {seed}")

    def _tuned(self, assignments: Sequence[str], seed: int) -> Run:
        return self._training(override(self._config, [*assignments, f"seed={seed}"]))

    def _training(self, config: RunConfig) -> Run:
        return Run(config, self._catalogue, self._work)

    def _values(self, towers: Towers, embeddings: np.ndarray, name: str) -> QueryValues:
        run = self._rank(towers, embeddings)
        path = self._output / f"{name.replace(', ', '.').replace(' ', '_')}.run"
        return measure_queries(self.query_set, run, path, name.replace(" ", "_"))

    def _rank(self, towers: Towers, embeddings: np.ndarray) -> dict[str, Ranking]:
        texts = self.query_set.texts()
        encode = QueryEncoder(towers).signatures()[DEFAULT_SIGNATURE]
        queries = embed_texts(encode, list(texts.values()))
        depth = self._config.reranker.list_size
        lists = retrieve(build_index(embeddings), queries, depth)
        return as_run(texts, self._records.ids, lists, lists.candidates.scores)


def kinds_of(query_set: QuerySet) -> dict[str, list[str]]:
    """{kind of query: ids of the judged queries of the kind}."""
    kinds: dict[str, list[str]] = {}
    for query in query_set.queries:
        if query.id in query_set.qrels:
            kinds.setdefault(query.kind, []).append(query.id)
    return kinds


def study_tables(
    study: Study, name: str, seeds: Sequence[int], elsewhere: Sequence[Catalogue]
) -> list[str]:
    """Measures every variant of a study; Markdown tables.

    Args:
        study: trains and measures the variants.
        name: one of `variants.ALL_STUDIES`.
        seeds: of the trainings of each variant.
        elsewhere: other catalogues that `variants.JOINT` is measured on.
    """
    if name == JOINT:
        return study.measure_joint(seeds, elsewhere)
    if name == RERANKERS:
        measured = study.measure_rerankers(seeds)
    elif name == EXTRA_FEATURES:
        measured = study.measure_extra_features(seeds)
    elif name in RERANKED_STUDIES:
        measured = [study.measure_reranked(v, seeds) for v in RERANKED_STUDIES[name]]
    else:
        measured = [study.measure(variant, seeds) for variant in STUDIES[name]]
    tables = [ablation_table(measured, kinds_of(study.query_set), _MEASURES)]
    if name == ADAPTATION:
        tables.append(study.interpolation(wise_ft.ASSIGNMENTS, seeds))
    return tables
