"""Learning from simulated clicks: `python -m benchmarks.clicks.study --work_dir DIR`.

On the real products' training split. A shop shows the first ten of its first stage's
products, by four rankings that differ a little; shoppers click; the position bias is
estimated from the log alone; re-rankers learn from the clicks and are measured on lists of
validation products with true grades. Results are added to a file line by line, so that a
study that was stopped goes on.
"""

import argparse
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.clicks.before_live import tables
from benchmarks.clicks.learn import Learner, Material, labels_of, material
from benchmarks.clicks.shoppers import CASCADE, Shoppers, browse, shop_rankings
from fitrank_tf.cli.options.catalogue import add_catalogue_arguments, catalogue_source
from fitrank_tf.cli.options.command import add_recipe_arguments, run_config
from fitrank_tf.cli.options.work_dir import add_work_arguments, work_dir_of
from fitrank_tf.clicks.counts import ClickCounts
from fitrank_tf.clicks.propensities import (
    EM,
    HARVEST,
    Propensities,
    PropensityConfig,
    estimate_propensities,
)
from fitrank_tf.clicks.relevance import (
    BAYES,
    CLICKS,
    CTR,
    IPW,
    RelevanceConfig,
    click_grades,
)
from fitrank_tf.datasets.catalogue import open_catalogue
from fitrank_tf.training.run import Run

PAGE, RANKINGS, CHANGE = 10, 4, 0.3
QUERIES, LIST_SIZE, COMPONENTS = 1500, 20, 64
# What is measured on: lists of validation products.
MEASURED, MEASURED_SIZE = 600, 40
SEEDS = (0, 1, 2)
TRUE = "true grades"
BIAS = "bias "


@dataclasses.dataclass(frozen=True)
class Case:
    """A population, the size of its log, and how its position bias is estimated.

    Attributes:
        name: of the row.
        shoppers: the population.
        impressions: of products, ten a page.
        bias: "harvest", "em" with trust bias, or "eta X", a propensity that is assumed.
        seeds: of clicks and trainings.
        estimates: of relevance.
    """

    name: str
    shoppers: Shoppers
    impressions: int = 200_000
    bias: str = HARVEST
    seeds: tuple[int, ...] = (0, 1)
    estimates: tuple[str, ...] = (IPW, BAYES, CTR, CLICKS)


_ETA_1, _ETA_2 = Shoppers(1.0), Shoppers(2.0)
CASES = (
    Case("eta 1", _ETA_1, seeds=SEEDS),
    Case("eta 2", _ETA_2, seeds=SEEDS),
    Case("eta 1, 20,000", _ETA_1, 20_000),
    Case("eta 1, 2,000,000", _ETA_1, 2_000_000),
    Case("noise 30 %", Shoppers(1.0, noise=0.3)),
    Case("cascade shoppers", Shoppers(1.0, model=CASCADE)),
    Case("eta 2, taken for 1", _ETA_2, bias="eta 1", estimates=(IPW, BAYES)),
    Case("eta 1, taken for 2", _ETA_1, bias="eta 2", estimates=(IPW, BAYES)),
    Case("trust, not estimated", Shoppers(1.0, trust=0.4)),
    Case("trust, estimated", Shoppers(1.0, trust=0.4), bias=EM, estimates=(IPW, BAYES)),
)


def bias_of(case: Case, counts: ClickCounts, scores: np.ndarray) -> Propensities:
    """Estimates the position bias of a log, or assumes it.

    Args:
        case: how.
        counts: the log.
        scores: float [Q, L] of the first stage, for the regression of em.
    """
    if case.bias.startswith("eta"):
        assumed = Shoppers(float(case.bias.split()[1])).examination(PAGE)
        return Propensities(assumed, np.zeros(PAGE), case.bias)
    config = PropensityConfig(method=case.bias, trust_bias=case.bias == EM)
    pairs, _ = counts.pairs()
    centred = scores - scores.mean(axis=1, keepdims=True)
    values = [of[pairs[:, 0], pairs[:, 1]] for of in (scores, centred)]
    features = np.column_stack([*values, *(value**2 for value in values)])
    return estimate_propensities(counts, config, features)


def results(
    learner: Learner, lists: Material, done: set[tuple[str, str, int]]
) -> Iterator[dict[str, Any]]:
    """Yields a line for each training, and for each estimate of the position bias.

    Args:
        learner: trains.
        lists: the material.
        done: (case, estimate, seed) of the lines that there are.
    """
    grades, scores = lists.training.labels, lists.training.scores
    rankings = shop_rankings(scores, RANKINGS, PAGE, CHANGE, seed=0)
    for seed in SEEDS:
        if (TRUE, TRUE, seed) not in done:
            yield _line(TRUE, TRUE, seed, learner.learn(grades, seed))
    for case in CASES:
        for seed in case.seeds:
            pages = case.impressions // PAGE
            log = browse(case.shoppers, rankings, grades, pages, seed + 1)
            counts = log.counts(*grades.shape)
            bias = bias_of(case, counts, scores)
            true = case.shoppers.examination(PAGE)
            if (case.name, BIAS, seed) not in done:
                yield _line(case.name, BIAS, seed, np.abs(bias.relevant / true - 1))
            for estimate in case.estimates:
                if (case.name, estimate, seed) not in done:
                    graded = click_grades(counts, bias, RelevanceConfig(estimate))
                    labels = labels_of(graded, grades.shape)
                    yield _line(case.name, estimate, seed, learner.learn(labels, seed))


def _line(case: str, estimate: str, seed: int, values: np.ndarray) -> dict[str, Any]:
    rounded = np.round(values, 4).tolist()
    return {"case": case, "estimate": estimate, "seed": seed, "values": rounded}


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_catalogue_arguments(parser)
    add_recipe_arguments(parser, "tiny")
    parser.add_argument("--output_dir", default="saved_models/clicks")
    add_work_arguments(parser)
    parser.add_argument("--results", default="clicks_study.jsonl")
    options = parser.parse_args()
    catalogue = open_catalogue(catalogue_source(options), options.data_dir)
    run = Run(run_config(options), catalogue, work_dir_of(options, fresh=False))
    lists = material(run, QUERIES, LIST_SIZE, COMPONENTS, (MEASURED, MEASURED_SIZE))
    path = Path(options.results)
    done = set()
    if path.exists():
        lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
        done = {(line["case"], line["estimate"], line["seed"]) for line in lines}
    with path.open("a", encoding="utf-8") as file:
        for line in results(Learner(lists), lists, done):
            file.write(json.dumps(line) + "\n")
            file.flush()
            mean = float(np.mean(line["values"]))
            print(line["case"], line["estimate"], line["seed"], f"{mean:.4f}", flush=True)
    print(tables(lists))


if __name__ == "__main__":
    main()
