"""What the judged set's first half in training gains on its second half.

    python -m benchmarks.judged.learn --bundle saved_models/real \
        --work_dir saved_models/real.work --dataset fashion_product_images \
        --manual_dir ../shared/data --output_dir out

The training of a bundle's re-ranker goes on with the first half, from several seeds, as
`fitrank train --from` does. Of these re-rankers, and of the bundle as it is, the second
half is measured as `benchmarks.judged.measure` does. The judged products are those of the
validation and the test split, so a bundle of these re-rankers must not be shipped: what its
report says of test products would no longer be of products that it never saw.
"""

import argparse
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from scipy import stats

from benchmarks.judged.measure import EXACT, USEFUL, by_query
from fitrank_tf.cli.options.catalogue import add_catalogue_arguments, catalogue_source
from fitrank_tf.cli.options.command import run_command
from fitrank_tf.config import RunConfig, override
from fitrank_tf.datasets.catalogue import open_catalogue
from fitrank_tf.datasets.splits import TRAIN
from fitrank_tf.evaluation.significance import paired_randomisation
from fitrank_tf.evaluation.systems import (
    RERANKED,
    TITLED,
    EvaluatedCatalogue,
    Ranking,
    run_systems,
)
from fitrank_tf.evaluation.trec import read_qrels, read_requests, write_run
from fitrank_tf.export.graphs.served_reranker import ServedReranker
from fitrank_tf.export.loaded_bundle import LoadedBundle
from fitrank_tf.export.signatures import save_served
from fitrank_tf.training.judgments import read_trec_judgments
from fitrank_tf.training.run import Run
from fitrank_tf.training.work_dir import WorkDir

logger = logging.getLogger(__name__)

_HERE = Path(__file__).parent
_SYSTEMS = (RERANKED, TITLED)
# All of the first half is learned from; the second measures.
_JUDGMENTS = ("judgments.searched=held_out", "judgments.test_share=0")
Rankings = Mapping[str, Ranking]


class EmbeddedBundle(LoadedBundle):
    """A bundle of products whose embeddings are known.

    Args:
        bundle: its directory.
        embeddings: float32 [N, D], of what is searched.
    """

    def __init__(self, bundle: Path, embeddings: np.ndarray):
        super().__init__(bundle)
        self._embeddings = embeddings

    def embed_photos(
        self, photos: tf.data.Dataset, features: np.ndarray | None = None
    ) -> np.ndarray:
        """float32 [N, D]; the photos are not read."""
        return self._embeddings


def with_reranker(bundle: Path, run: Run, folder: Path) -> Path:
    """Writes a bundle that links to another one but for the run's re-ranker."""
    folder.mkdir(parents=True)
    for part in bundle.resolve().iterdir():
        if part.name != "reranker":
            (folder / part.name).symlink_to(part)
    tables, lexicon = run.facet_heads.tables, run.facet_heads.heads.lexicon
    sizes = (tables.embeddings.shape[1], tables.features.shape[1], lexicon.size)
    save_served(ServedReranker(run.reranker.load(), *sizes), folder / "reranker", 1)
    return folder


def rankings(bundle: Path, run: Run, queries: Mapping[str, str]) -> dict[str, Rankings]:
    """{system: run} of the held-out products by the models of a bundle."""
    rows = np.flatnonzero([part != TRAIN for part in run.records.splits])
    records, tables = run.records.select(rows), run.facet_heads.tables.select(rows)
    searched = EvaluatedCatalogue(records.ids, None, tables.features, records.texts)
    models = EmbeddedBundle(bundle, tables.embeddings)
    found = run_systems(models, searched, queries, _SYSTEMS, models.info.list_size)
    return dict(found.rankings)


def table(
    measured: Mapping[str, Sequence[Rankings]], qrels: Mapping[str, Mapping[str, int]]
) -> str:
    """Markdown: a row for each variant, compared with the first one.

    Args:
        measured: {variant: its run of each seed}.
        qrels: {query: {product: grade 0 to 3}}.
    """
    lines = [
        "| variant | P@10 useful | exact | nDCG@10 | no grade | gain in useful | p "
        "| gain in nDCG | p |",
        "| --- " + "| ---: " * 8 + "|",
    ]
    first: dict[str, np.ndarray] = {}
    for name, runs in measured.items():
        values = _means(runs, qrels)
        first = first or values
        cells = [f"{values[one].mean():.3f}" for one in ("useful", "exact", "ndcg", "none")]
        for one in ("useful", "ndcg"):
            gains = values[one] - first[one]
            if not gains.any():
                cells += ["", ""]
                continue
            interval = stats.bootstrap(
                (gains,), np.mean, rng=np.random.default_rng(0)
            ).confidence_interval
            chance = paired_randomisation(values[one], first[one])
            cells.append(
                f"{gains.mean():+.3f} ({interval.low:+.3f} to {interval.high:+.3f})"
            )
            cells.append(f"{chance:.4f}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _means(
    runs: Sequence[Rankings], qrels: Mapping[str, Mapping[str, int]]
) -> dict[str, np.ndarray]:
    """{measure: float64 [queries], the mean over the seeds}."""
    found: dict[str, list[np.ndarray]] = {}
    for run in runs:
        useful = by_query(run, qrels, USEFUL)
        none = [
            np.mean([item not in grades for item, _ in run[query][:10]])
            for query, grades in qrels.items()
        ]
        for name, values in (
            ("useful", useful["P@10"]),
            ("ndcg", useful["nDCG@10"]),
            ("exact", by_query(run, qrels, EXACT)["P@10"]),
            ("none", np.array(none)),
        ):
            found.setdefault(name, []).append(values)
    return {name: np.mean(of_seeds, axis=0) for name, of_seeds in found.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_catalogue_arguments(parser)
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.FIELD=VALUE")
    parser.add_argument("--bundle", required=True)
    parser.add_argument("--work_dir", required=True)
    parser.add_argument("--output_dir", required=True)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--learned", default="first", help="the half to learn from")
    parser.add_argument("--measured", default="second", help="the half to measure")
    options = parser.parse_args(arguments)
    judged = read_trec_judgments(*_files(options.learned))
    catalogue = open_catalogue(catalogue_source(options), options.data_dir)
    work, output = WorkDir(Path(options.work_dir)), Path(options.output_dir)
    requests, qrels_file = _files(options.measured)
    texts = {key: request.text for key, request in read_requests(requests).items()}

    start = LoadedBundle(Path(options.bundle))
    config = override(RunConfig.from_json(start.info.config), [*_JUDGMENTS, *options.set])
    measured: dict[str, dict[str, list[Rankings]]] = {name: {} for name in _SYSTEMS}
    for seed in map(int, options.seeds.split(",")):
        seeded = override(config, [f"reranker.seed={seed}"])
        run = Run(seeded, catalogue, work, None, judged, start)
        if not measured[TITLED]:
            for system, found in rankings(start.path, run, texts).items():
                measured[system]["bundle"] = [found]
        folder = with_reranker(start.path, run, output / f"seed_{seed}")
        for system, found in rankings(folder, run, texts).items():
            measured[system].setdefault("with judgments", []).append(found)
            write_run(output / f"{system}.seed_{seed}.run", found, system)
    qrels = read_qrels(qrels_file)
    for system, of_system in measured.items():
        print(f"{system}\n\n{table(of_system, qrels)}\n")


def _files(half: str) -> tuple[Path, Path]:
    return _HERE / f"{half}.tsv", _HERE / f"{half}.qrels"


if __name__ == "__main__":
    run_command(main)
