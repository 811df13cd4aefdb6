"""A click log of simulated shoppers: `python -m benchmarks.clicks.simulate_log`.

Shoppers search a bundle's catalogue for what products of it are. They like what their
attributes say, but products out of fashion less, which the bundle cannot know yet; on a
share of the pages the first product and another change places, as a shop would do to learn
its position bias. Writes OUTPUT/clicks.csv, and OUTPUT/queries.tsv and
OUTPUT/judgments.qrels of other queries, to compare bundles with.
"""

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.clicks.shoppers import CASCADE, POSITION, Shoppers
from fitrank_tf.cli.options.catalogue import add_catalogue_arguments, catalogue_source
from fitrank_tf.cli.options.command import DEFAULT_BUNDLE, run_command
from fitrank_tf.datasets.catalogue import CatalogueRecords, open_catalogue
from fitrank_tf.datasets.splits import ALL
from fitrank_tf.evaluation.trec import write_qrels, write_queries
from fitrank_tf.export.graphs.served_catalogue import read_catalogue
from fitrank_tf.export.loaded_bundle import LoadedBundle
from fitrank_tf.queries.judgments import Judge
from fitrank_tf.queries.query_sets import facet_queries, first_query_of_each_text

_COLUMNS = ("session", "time", "query", "product", "position", "clicked", "swapped")
_PAGE, _SECONDS = 10, 40
# Grades that a product out of fashion loses: a perfect match is clicked a quarter as often.
_OUT_OF_FASHION = 2


def in_fashion(records: CatalogueRecords, seed: int) -> np.ndarray:
    """The half of the products whose attributes are in fashion, all in all.

    Each value of each attribute has a part in it that is drawn from a normal distribution.

    Returns:
        bool [N].
    """
    rng = np.random.default_rng(seed)
    total = np.zeros(len(records))
    for of_products in records.facet_values.values():
        values = sorted({value for of_one in of_products for value in of_one})
        parts = dict(zip(values, rng.standard_normal(len(values))))
        total += [sum(parts[value] for value in of_one) for of_one in of_products]
    return total >= np.median(total)


def liked(grades: np.ndarray, fashionable: np.ndarray) -> np.ndarray:
    """Grades by shoppers of products with these grades by their attributes, int [N]."""
    return np.where(fashionable, grades, np.maximum(grades - _OUT_OF_FASHION, 0))


def sessions(
    hits: Sequence[Sequence[str]],
    grades: Sequence[np.ndarray],
    texts: Sequence[str],
    shoppers: Shoppers,
    count: int,
    swaps: float,
    seed: int,
) -> list[tuple[object, ...]]:
    """Rows of a log of shoppers who look at two to four pages each.

    Args:
        hits: ids of each query's results, the best first.
        grades: of these.
        texts: of the queries.
        shoppers: the population.
        count: sessions.
        swaps: share of the pages on which position 1 and another change places.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    rows: list[tuple[object, ...]] = []
    for session in range(count):
        for page in range(rng.integers(2, 5)):
            query = int(rng.integers(len(texts)))
            order = np.arange(len(hits[query]))
            moved: set[int] = set()
            if len(order) > 1 and rng.random() < swaps:
                place = int(rng.integers(1, len(order)))
                order[[0, place]] = order[[place, 0]]
                moved = {0, place}
            clicked = shoppers.click(grades[query][order][None], rng)[0]
            about = (f"s{session}", 3600 * session + _SECONDS * page, texts[query])
            rows += [
                (*about, hits[query][item], k + 1, int(clicked[k]), int(k in moved))
                for k, item in enumerate(order.tolist())
            ]
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_catalogue_arguments(parser)
    parser.add_argument("--bundle", default=DEFAULT_BUNDLE)
    parser.add_argument("--output", default="clicks", help="folder to write")
    parser.add_argument("--sessions", type=int, default=20000)
    parser.add_argument("--queries", type=int, default=1600, help="half to click on")
    parser.add_argument("--eta", type=float, default=1.0)
    parser.add_argument("--noise", type=float, default=0.1)
    parser.add_argument("--swaps", type=float, default=0.3)
    parser.add_argument("--shoppers", default=POSITION, choices=(POSITION, CASCADE))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    bundle, output = LoadedBundle(Path(options.bundle)), Path(options.output)
    records = open_catalogue(catalogue_source(options), options.data_dir).records(ALL)
    served = set(read_catalogue(bundle.model("search")).ids)
    records = records.select(np.flatnonzero([item in served for item in records.ids]))
    drawn = facet_queries(records, options.queries, options.seed)
    queries = list(first_query_of_each_text(drawn).values())
    clicked, kept = queries[::2], queries[1::2]
    judge = Judge(records)
    row_of = {item: row for row, item in enumerate(records.ids)}
    texts = [query.text for query in clicked]
    found = bundle.search(texts, _PAGE)
    hits = [[hit.id for hit in of_query] for of_query in found]
    fashionable = in_fashion(records, options.seed)
    likings = [liked(judge.grades(query), fashionable) for query in queries]
    grades = [
        of_query[[row_of[item] for item in items]]
        for of_query, items in zip(likings[::2], hits)
    ]
    kept_grades = {
        query.id: {item: int(grade) for item, grade in zip(records.ids, of_query) if grade}
        for query, of_query in zip(kept, likings[1::2])
    }
    population = Shoppers(options.eta, options.noise, options.shoppers)
    rows = sessions(
        hits, grades, texts, population, options.sessions, options.swaps, options.seed
    )
    output.mkdir(parents=True, exist_ok=True)
    with (output / "clicks.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([_COLUMNS, *rows])
    write_queries(output / "queries.tsv", {query.id: query.text for query in kept})
    write_qrels(output / "judgments.qrels", kept_grades)
    print(f"{output}/clicks.csv: {len(rows):,} impressions of {len(texts)} queries")


if __name__ == "__main__":
    run_command(main)
