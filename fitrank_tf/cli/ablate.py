"""What each part of a system is worth: `python -m pipelines.ablate --study towers`.

towers     the base towers, LoRA without the features, LoRA with them
fusions    the features beside the embedding, or as tokens of the blocks
groups     each feature group left out of the fusion, and each alone
ranks      adapters of higher and lower rank, scaled alike
rerankers  the towers' own order, a linear blend, LambdaMART, a generalised additive
           model (its curves in gam_shapes.png), the neural re-ranker
looks      the additive model, with how far the palette is from the asked colour, how alike
           text and garment box are, both
facets     the re-ranker, each feature group hidden from the heads that tell facets, and
           each alone
list_sizes the re-ranker, trained and asked with fewer or more candidates of a query
losses     the re-ranker, trained with each of the listwise losses

Every variant is trained from several seeds and asked the same queries, those of the test
products. Writes a table with means, intervals and tests, and each variant's run files.
"""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fitrank_tf.cli.catalogue import add_catalogue_arguments, catalogue_source
from fitrank_tf.cli.command import (
    add_recipe_arguments,
    keras_verbosity,
    run_config,
)
from fitrank_tf.config import (
    FEATURE_GROUPS,
    RANKING_LOSSES,
    LoraConfig,
    RerankerConfig,
    RunConfig,
    override,
)
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.files import write_atomically
from fitrank_tf.datasets.catalogue import Catalogue, open_catalogue
from fitrank_tf.datasets.iteration import chosen_rows
from fitrank_tf.datasets.splits import ALL, TRAIN
from fitrank_tf.evaluation.ablation import Measured, QueryValues, Variant, ablation_table
from fitrank_tf.evaluation.metrics import evaluate_queries
from fitrank_tf.evaluation.run import QuerySet, own_queries
from fitrank_tf.evaluation.systems import Ranking, as_run
from fitrank_tf.evaluation.trec import write_qrels, write_run
from fitrank_tf.export.embedding import embed_photos, embed_texts
from fitrank_tf.export.graphs.image_encoder import PIXELS_SIGNATURE, ImageEncoder
from fitrank_tf.export.graphs.query_encoder import QueryEncoder
from fitrank_tf.export.signatures import DEFAULT_SIGNATURE
from fitrank_tf.inputs.photos import photos
from fitrank_tf.rerank.candidates import retrieve
from fitrank_tf.retrieval.choose_index import build_index
from fitrank_tf.studies.rerank import RerankStudy
from fitrank_tf.towers.towers import Towers
from fitrank_tf.training.run import TrainingRun
from fitrank_tf.training.work_dir import WorkDir, add_work_arguments, named_work_dir

logger = logging.getLogger(__name__)

_FUSION_SEES = "lora.feature_groups="
_HEADS_SEE = "facet_heads.feature_groups="
_ALL_GROUPS = ",".join(FEATURE_GROUPS)
_WITHOUT, _WITH = _FUSION_SEES, _FUSION_SEES + _ALL_GROUPS


def _each_group(sees: str) -> tuple[Variant, ...]:
    """Each feature group left out of what sees them, then each alone."""
    rest = {
        group: ",".join(other for other in FEATURE_GROUPS if other != group)
        for group in FEATURE_GROUPS
    }
    return (
        *(Variant(f"without {group}", (sees + others,)) for group, others in rest.items()),
        *(Variant(f"{group} alone", (sees + group,)) for group in FEATURE_GROUPS),
    )


_FULL = Variant("LoRA with features", (_WITH,))
# The last variant of a study is what the others are compared with.
STUDIES = {
    "towers": (
        Variant("base towers", None),
        Variant("LoRA without features", (_WITHOUT,)),
        _FULL,
    ),
    "fusions": (
        Variant("LoRA without features", (_WITHOUT,)),
        Variant("features as tokens", (_WITH, "lora.fusion=tokens")),
        Variant("features beside the embedding", (_WITH, "lora.fusion=residual")),
    ),
    "groups": (*_each_group(_FUSION_SEES), _FULL),
    "ranks": tuple(
        Variant(f"rank {rank}", (f"lora.rank={rank}", f"lora.alpha={2 * rank}"))
        for rank in (2, 32, LoraConfig.rank)
    ),
}
# The same, of the re-ranker on one fine-tuning's candidates.
RERANKED_STUDIES = {
    "facets": (
        Variant("embedding alone", (_HEADS_SEE,)),
        *_each_group(_HEADS_SEE),
        Variant("embedding and all groups", (_HEADS_SEE + _ALL_GROUPS,)),
    ),
    "list_sizes": tuple(
        Variant(f"{size} candidates", (f"reranker.list_size={size}",))
        for size in (20, 50, 200, 100)
    ),
    "losses": tuple(
        Variant(loss, (f"reranker.loss={loss}",))
        for loss in sorted(RANKING_LOSSES, key=lambda name: name == RerankerConfig.loss)
    ),
}
RERANKERS, EXTRA_FEATURES = "rerankers", "extra_features"
_ALL_STUDIES = (*STUDIES, RERANKERS, EXTRA_FEATURES, *RERANKED_STUDIES)
_MEASURES = ("nDCG@10", "R@10", "P@10", "mAP", "RR")


class Study:
    """Variants of the towers on one catalogue.

    Args:
        config: what the variants have in common; its seed draws the queries.
        catalogue: to train on and to search.
        work: where finished stages are kept.
        output: folder of the run files.
        verbose: Keras' progress.
    """

    def __init__(
        self,
        config: RunConfig,
        catalogue: Catalogue,
        work: WorkDir,
        output: Path,
        verbose: int,
    ):
        self._config, self._catalogue = config, catalogue
        self._work, self._output, self._verbose = work, output, verbose
        records = catalogue.records(ALL)
        self._rows = np.flatnonzero([part != TRAIN for part in records.splits])
        self._records = records.select(self._rows)
        self.query_set = own_queries(self._records, config.evaluation, config.seed)

    def measure_rerankers(self, seeds: Sequence[int]) -> list[Measured]:
        """Re-rankers of one fine-tuning's candidates."""
        return self._rerank_study(self._config).measure(seeds)

    def measure_looks(self, seeds: Sequence[int]) -> list[Measured]:
        """What closer looks at the same candidates are worth."""
        return self._rerank_study(self._config).measure_looks(seeds)

    def measure_reranked(self, variant: Variant, seeds: Sequence[int]) -> Measured:
        """A variant's re-ranked values; the seeds are the re-ranker's own."""
        study = self._rerank_study(override(self._config, variant.assignments))
        name = variant.name.replace(" ", "_")
        return Measured(variant.name, [study.neural(seed, name) for seed in seeds])

    def _rerank_study(self, config: RunConfig) -> RerankStudy:
        return RerankStudy(
            self._training,
            config,
            self._rows,
            self.query_set,
            self._output,
            self._verbose,
        )

    def measure(self, variant: Variant, seeds: Sequence[int]) -> Measured:
        """The variant's values, trained from each of the seeds."""
        if variant.assignments is None:
            return Measured(variant.name, [self._measure_base(variant)])
        return Measured(
            variant.name, [self._measure_tuned(variant, seed) for seed in seeds]
        )

    def _measure_base(self, variant: Variant) -> QueryValues:
        towers = self._training(self._config).load_base()
        encode = ImageEncoder(towers).signatures()[PIXELS_SIGNATURE]
        pictures = photos(self._catalogue, ALL, towers.image_size)
        embeddings = embed_photos(encode, chosen_rows(pictures, self._rows))
        return self._values(towers, embeddings, variant.name)

    def _measure_tuned(self, variant: Variant, seed: int) -> QueryValues:
        config = override(self._config, [*variant.assignments, f"seed={seed}"])
        run = self._training(config)
        embeddings = run.embeddings[self._rows]
        towers, _ = run.load_tuned()
        return self._values(towers, embeddings, f"{variant.name}, seed {seed}")

    def _training(self, config: RunConfig) -> TrainingRun:
        return TrainingRun(config, self._catalogue, self._work, self._verbose)

    def _values(self, towers: Towers, embeddings: np.ndarray, name: str) -> QueryValues:
        run = self._rank(towers, embeddings)
        path = self._output / f"{name.replace(', ', '.').replace(' ', '_')}.run"
        write_run(path, run, name.replace(" ", "_"))
        logger.info("wrote %s", path)
        return evaluate_queries(run, self.query_set.qrels, self.query_set.binary_grade)

    def _rank(self, towers: Towers, embeddings: np.ndarray) -> dict[str, Ranking]:
        texts = self.query_set.texts()
        encode = QueryEncoder(towers).signatures()[DEFAULT_SIGNATURE]
        asked = embed_texts(encode, list(texts.values()))
        depth = self._config.reranker.list_size
        lists = retrieve(build_index(embeddings), asked, depth)
        return as_run(texts, self._records.ids, lists, lists.candidates.scores)


def kinds_of(query_set: QuerySet) -> dict[str, list[str]]:
    """{kind: ids of its judged queries}."""
    kinds: dict[str, list[str]] = {}
    for query in query_set.queries:
        if query.id in query_set.qrels:
            kinds.setdefault(query.kind, []).append(query.id)
    return kinds


def check_seeds(text: str) -> list[int]:
    """The seeds named.

    Raises:
        FitRankError: if one is no whole number, or there is none.
    """
    try:
        seeds = [int(part) for part in text.split(",") if part]
    except ValueError as error:
        raise FitRankError(f"--seeds {text}: write whole numbers, e.g. 0,1,2") from error
    if not seeds:
        raise FitRankError("--seeds names none; write whole numbers, e.g. 0,1,2")
    return seeds


def _measure(study: Study, name: str, seeds: Sequence[int]) -> list[Measured]:
    if name == RERANKERS:
        return study.measure_rerankers(seeds)
    if name == EXTRA_FEATURES:
        return study.measure_looks(seeds)
    if name in RERANKED_STUDIES:
        return [study.measure_reranked(v, seeds) for v in RERANKED_STUDIES[name]]
    return [study.measure(variant, seeds) for variant in STUDIES[name]]


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m pipelines.ablate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_catalogue_arguments(parser)
    add_recipe_arguments(parser, "tiny")
    parser.add_argument("--study", required=True, choices=_ALL_STUDIES)
    parser.add_argument("--seeds", default="0,1,2", help="a training of each")
    parser.add_argument("--output_dir", required=True, help="table and run files")
    add_work_arguments(parser)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None) -> None:
    """See the module."""
    options = parse(arguments)
    source, config = catalogue_source(options), run_config(options)
    seeds, output = check_seeds(options.seeds), Path(options.output_dir)
    catalogue = open_catalogue(source, options.data_dir)
    work = named_work_dir(options)
    output.mkdir(parents=True, exist_ok=True)
    study = Study(config, catalogue, work, output, keras_verbosity())
    write_qrels(output / "judgments.qrels", study.query_set.qrels)
    measured = _measure(study, options.study, seeds)
    table = ablation_table(measured, kinds_of(study.query_set), _MEASURES)
    write_atomically(output / f"{options.study}.md", table.encode())
    print(f"\nseeds {', '.join(map(str, seeds))}; mean ± half of the 95 % interval\n")
    print(table)
    print(f"table, runs, qrels    {output}")
