"""How much of what a request does not want is returned.

    python -m benchmarks.denials.benchmark --bundle saved_models/real \
        --dataset fashion_product_images --manual_dir ../shared/data

Pairs of requests are made from the attributes of the products that no training saw: an
article type, and the same without one of its values ("casual shoes but not black"). Of each
system the share of that value in the first ten is printed, with the denial and without.
"""

import argparse
import dataclasses
import itertools
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from fitrank_tf.api import prepare_evaluation
from fitrank_tf.cli.options.catalogue import add_catalogue_arguments, catalogue_source
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.catalogue import CatalogueRecords, open_catalogue
from fitrank_tf.datasets.splits import ALL, TRAIN
from fitrank_tf.evaluation.run import QuerySet
from fitrank_tf.evaluation.systems import ALL_SYSTEMS, Ranking, check_systems
from fitrank_tf.export.loaded_bundle import LoadedBundle
from fitrank_tf.queries.query_sets import GIVEN, Query
from fitrank_tf.queries.words import article_words, written_forms

FORMS = (
    "{kind} but not {value}",
    "{kind} without {value}",
    "{kind}, no {value}",
    "{kind} other than {value}",
    "not {value} {kind}",
    "{kind} anything but {value}",
)
TOP = 10


@dataclasses.dataclass(frozen=True)
class Pair:
    """A request, and the same with a denial.

    Attributes:
        plain: the request.
        denied: the same without a value.
        facet: the value's facet.
        value: what is not wanted.
    """

    plain: str
    denied: str
    facet: str
    value: str


def draw_pairs(
    records: CatalogueRecords, facets: Sequence[str], count: int, seed: int
) -> list[Pair]:
    """Pairs of kinds that have ten products or more with a value, and ten without it.

    Args:
        records: the products that are searched.
        facets: whose values are denied.
        count: the most pairs.
        seed: of the draws.

    Raises:
        FitRankError: if the catalogue has no decisive attribute or no such kind.
    """
    values, decisive = records.facet_values, records.declaration.decisive
    pairs = []
    for kind in sorted({one for of in values.get(decisive, ()) for one in of}):
        rows = [n for n, of in enumerate(values[decisive]) if kind in of]
        for facet in values:
            attribute = records.declaration.attribute(facet)
            if facet == decisive or facet not in facets or attribute.ranges:
                continue
            counts = Counter(one for row in rows for one in values[facet][row])
            known = sum(bool(values[facet][row]) for row in rows)
            for value, number in sorted(counts.items()):
                if number >= TOP and known - number >= TOP:
                    forms = written_forms(attribute, value)
                    of_all_forms = zip(FORMS, itertools.cycle(forms))
                    for form, said in of_all_forms:
                        words = {"kind": article_words(kind)[0], "value": said}
                        plain, denied = words["kind"], form.format(**words)
                        pairs.append(Pair(plain, denied, facet, value))
    if not pairs:
        raise FitRankError(
            "no kind of product has ten products with a value of an attribute and ten "
            "without it; give a larger catalogue"
        )
    random.Random(seed).shuffle(pairs)
    return pairs[:count]


def unwanted_shares(
    pairs: Sequence[Pair],
    records: CatalogueRecords,
    run: Mapping[str, Ranking],
) -> np.ndarray:
    """The share of the unwanted value in the first ten: [pairs, 2], plain and denied."""
    rows = {item: row for row, item in enumerate(records.ids)}

    def share(query: str, pair: Pair) -> float:
        found = [rows[item] for item, _ in run[query][:TOP]]
        has = [pair.value in records.facet_values[pair.facet][row] for row in found]
        return sum(has) / max(len(has), 1)

    return np.array([[share(pair.plain, pair), share(pair.denied, pair)] for pair in pairs])


def table(shares: Mapping[str, np.ndarray]) -> str:
    """Markdown: of each system the mean shares, and in how many pairs the denial lowers it.

    Args:
        shares: {system: [pairs, 2]}; pairs whose plain request finds none do not count.
    """
    lines = [
        "| system | share, plain | share, denied | lower | pairs |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for system, of in shares.items():
        of = of[of[:, 0] > 0]
        lower = int((of[:, 1] < of[:, 0]).sum())
        plain, denied = of.mean(axis=0) if len(of) else (0.0, 0.0)
        lines.append(f"| {system} | {plain:.3f} | {denied:.3f} | {lower} | {len(of)} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_catalogue_arguments(parser)
    parser.add_argument("--bundle", required=True)
    parser.add_argument("--systems", default=",".join(ALL_SYSTEMS))
    parser.add_argument(
        "--facets",
        default="",
        help="attributes whose values are denied, joined by commas; all if empty. What "
        "neither photo nor title shows, such as a season, no search can leave out",
    )
    parser.add_argument("--pairs", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    systems = check_systems(options.systems.split(","))
    catalogue = open_catalogue(catalogue_source(options), options.data_dir)
    records = catalogue.records(ALL)
    records = records.select(np.flatnonzero([part != TRAIN for part in records.splits]))
    facets = options.facets.split(",") if options.facets else list(records.facet_values)
    pairs = draw_pairs(records, facets, options.pairs, options.seed)
    texts = dict.fromkeys(text for pair in pairs for text in (pair.plain, pair.denied))
    query_set = QuerySet([Query(id=text, text=text, kind=GIVEN) for text in texts], {}, 1)
    bundle = LoadedBundle(Path(options.bundle))
    run, query_set = prepare_evaluation(bundle, catalogue, query_set, held_out=True)
    found = run.run(query_set, systems).rankings
    print(table({name: unwanted_shares(pairs, records, found[name]) for name in found}))


if __name__ == "__main__":
    main()
