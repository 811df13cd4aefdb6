"""Are the answers around an engine right: `python -m benchmarks.engines.soak --bundle B`.

Compares them with those of the search in one graph on the same products, with filters and
without, and then searches in threads while products are written again, added and removed.
"""

import argparse
import dataclasses
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.engines.sample import common_filter, grown
from benchmarks.engines.systems import InGraph, MilvusFlat, linked_bundle
from fitrank_tf.cli.options.command import DEFAULT_BUNDLE, run_command
from fitrank_tf.client import Hit, SearchClient
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.export.graphs.served_catalogue import SearchableCatalogue, read_catalogue
from fitrank_tf.export.loaded_bundle import LoadedBundle

_HITS = 100
_TOLERANCE = 1e-4
_ASKED_AT_ONCE = 10
_REQUESTS = (
    *("red check shirt", "shirt, not red", "women blue kurta not printed", "shoes"),
    *("navy", "black dress without logo", "not men not women shirt", "striped tshirt"),
    *("tshirt since 2012", "anything but black or blue shoes", "unheard-of xyzzy", ""),
)


class Changes:
    """Searches in threads, each compared with the answer that is right."""

    def __init__(self, client: SearchClient, expected: Mapping[str, Sequence[Hit]]):
        self._client, self._expected = client, expected
        self._stop = threading.Event()
        self.searches, self.wrong, self.failed = 0, 0, 0
        self._lock = threading.Lock()

    def search(self, number: int) -> None:
        """Searches until `stop`; a thread's work."""
        queries = list(self._expected)
        while not self._stop.is_set():
            query = queries[number % len(queries)]
            number += 1
            try:
                [answer] = self._client.search([query], _HITS)
            except FitRankError:
                right, failed = True, 1
            else:
                right, failed = agrees(answer, self._expected[query]), 0
            with self._lock:
                self.searches += 1
                self.wrong += not right
                self.failed += failed

    def stop(self) -> None:
        """Ends the searches."""
        self._stop.set()


def agrees(answer: Sequence[Hit], expected: Sequence[Hit]) -> bool:
    """Whether two answers have the same scores, place by place, and the same products but
    where scores are equal up to rounding."""
    scores = {hit.id: hit.score for hit in expected}
    return len(answer) == len(expected) and all(
        hit.id in scores
        and abs(hit.score - scores[hit.id]) < _TOLERANCE
        and abs(hit.score - other.score) < _TOLERANCE
        for hit, other in zip(answer, expected)
    )


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.engines.soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--bundle", default=DEFAULT_BUNDLE)
    parser.add_argument("--products", type=int, default=10_000)
    parser.add_argument("--queries", type=int, default=100, help="titles to ask for")
    parser.add_argument("--changes", type=int, default=500)
    parser.add_argument("--threads", type=int, default=3)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None) -> None:
    """Prints how many answers were wrong."""
    options = parse(arguments)
    bundle = Path(options.bundle)
    catalogue = grown(
        read_catalogue(LoadedBundle(bundle).model("search")), options.products
    )
    rows = np.linspace(0, len(catalogue) - 1, options.queries).astype(int).tolist()
    queries = [*_REQUESTS, *(catalogue.titles[row] for row in rows)]
    # Words that no title has: of equal titles those that were written last come last.
    plain = [f"qx{number}zw" for number in range(20)]
    with (
        tempfile.TemporaryDirectory() as folder,
        linked_bundle(bundle, Path(folder)) as copy,
    ):
        InGraph(copy, catalogue, Path(folder)).build()
        system = MilvusFlat(copy, catalogue, Path(folder))
        system.build()
        whole = LoadedBundle(copy)
        expected = dict(zip(plain, whole.search(plain, _HITS)))
        with system.serve() as client:
            for filters in ({}, common_filter(catalogue)):
                print(_compared(client, whole, queries, filters), flush=True)
            changes = Changes(client, expected)
            _change(system, changes, options)
    print(
        f"{options.changes} changes, {changes.searches} searches meanwhile: "
        f"{changes.wrong} wrong, {changes.failed} failed"
    )


def _compared(
    client: SearchClient,
    whole: LoadedBundle,
    queries: Sequence[str],
    filters: Mapping[str, str],
) -> str:
    right = 0
    for start in range(0, len(queries), _ASKED_AT_ONCE):
        some = queries[start : start + _ASKED_AT_ONCE]
        answers = client.search(some, _HITS, filters)
        right += sum(map(agrees, answers, whole.search(some, _HITS, filters)))
    return f"{right} of {len(queries)} answers are the same, with the filters {filters}"


def _change(system: MilvusFlat, changes: Changes, options: argparse.Namespace) -> None:
    """Writes products again, and adds and removes some that no query is near to."""
    catalogue = system.catalogue
    threads = [
        threading.Thread(target=changes.search, args=(n,)) for n in range(options.threads)
    ]
    for thread in threads:
        thread.start()
    for number in range(options.changes):
        some = catalogue.select([number * 7 % len(catalogue)])
        if number % 3 == 0:
            system.upsert(some)
        elif number % 3 == 1:
            system.upsert(_far(some))
        else:
            system.delete(_far(catalogue.select([(number - 1) * 7 % len(catalogue)])).ids)
    changes.stop()
    for thread in threads:
        thread.join()


def _far(products: SearchableCatalogue) -> SearchableCatalogue:
    """Other products, on the other side of the sphere."""
    tables = dataclasses.replace(products.tables, embeddings=-products.tables.embeddings)
    ids = tuple(f"far {item}" for item in products.ids)
    return dataclasses.replace(products, ids=ids, tables=tables)


if __name__ == "__main__":
    run_command(main, None)
