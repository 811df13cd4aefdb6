"""Soak test: results stay correct while versions are swapped and the catalogue changes."""

import dataclasses
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import grpc
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from benchmarks.soak.clients import (
    SearchResult,
    SoakClients,
    expected_results,
    served_versions,
)
from benchmarks.soak.server import bundle_server
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.export.bundle import model_path
from fitrank_tf.export.graphs.served_catalogue import SearchableCatalogue, read_catalogue
from fitrank_tf.export.live_catalogue import Change, change_catalogue
from fitrank_tf.export.signatures import copy_version

_SWAPPED = "query_encoder"
_AVAILABLE_SECONDS = 120.0
_POLL_SECONDS = 0.05
_MAX_QUERIES = 16


@dataclasses.dataclass(frozen=True)
class SwapWorkload:
    """How many clients and changes there are.

    Attributes:
        clients: number of clients that search continuously.
        updates: changes of the catalogue, each a new version of `search`.
        swaps: new versions of the query encoder, at most `updates`.

    Raises:
        FitRankError: a number is out of range.
    """

    clients: int = 16
    updates: int = 200
    swaps: int = 20

    def __post_init__(self) -> None:
        for name in ("clients", "updates"):
            if getattr(self, name) < 1:
                raise FitRankError(f"--{name} {getattr(self, name)}: write 1 or more")
        if not 0 <= self.swaps <= self.updates:
            raise FitRankError(f"--swaps {self.swaps}: write 0 to {self.updates}")


@dataclasses.dataclass(frozen=True)
class SwapReport:
    """The result of the soak test.

    Attributes:
        requests: number of successful requests.
        versions: number of versions of `search` that responded.
        swaps: number of new versions of the query encoder that were served.
        failed: messages about requests that failed or got an outdated version.
        wrong: messages about results that differ from those of their version.
    """

    requests: int
    versions: int
    swaps: int
    failed: Sequence[str]
    wrong: Sequence[str]


def soak_swaps(bundle: Path, workload: SwapWorkload) -> SwapReport:
    """Changes a copy of a bundle while clients search it on a server.

    Args:
        bundle: directory of the bundle; only a copy is changed.
        workload: how many clients and changes there are.

    Raises:
        FitRankError: if the bundle cannot be used, the server does not start, or a
            version is never served.
    """
    with tempfile.TemporaryDirectory(dir=bundle.parent) as name:
        folder = Path(name)
        copy = shutil.copytree(bundle, folder / "bundle")
        catalogue = read_catalogue(tf.saved_model.load(str(model_path(copy, "search"))))
        queries = _queries(catalogue)
        models = ("search", _SWAPPED)
        with (
            bundle_server(copy, models, folder, ["--enable_batching=true"]) as (address, _),
            SoakClients(address, queries, workload.clients) as clients,
        ):
            expected, swaps = _change_all(copy, catalogue, clients, address, workload)
    wrong = [
        f"version {version} on '{query}': {len(results)} distinct results"
        for (version, query), results in clients.results.items()
        if any(not result.agrees(expected[version][query]) for result in results)
    ]
    return SwapReport(
        requests=sum(clients.responses.values()),
        versions=len(clients.responses),
        swaps=swaps,
        failed=clients.failures,
        wrong=wrong,
    )


def _queries(catalogue: SearchableCatalogue) -> list[str]:
    """Titles spread evenly over the catalogue."""
    rows = np.linspace(0, len(catalogue) - 1, min(_MAX_QUERIES, len(catalogue)))
    return [catalogue.titles[int(row)] for row in rows]


def _change_all(
    bundle: Path,
    catalogue: SearchableCatalogue,
    clients: SoakClients,
    address: str,
    workload: SwapWorkload,
) -> tuple[dict[int, dict[str, SearchResult]], int]:
    """Makes all changes; ({version of `search`: {query: result}}, number of swaps)."""
    queries = _queries(catalogue)
    first = int(model_path(bundle, "search").name)
    expected, swaps = {first: expected_results(model_path(bundle, "search"), queries)}, 0
    with grpc.insecure_channel(address) as channel:
        for number in tqdm(range(workload.updates), desc="updates", disable=None):
            best = next(
                iter(expected[max(expected)][queries[number % len(queries)]].titles)
            )
            version = change_catalogue(bundle, _change(catalogue, number, best), models=())
            expected[version] = expected_results(model_path(bundle, "search"), queries)
            _wait_until_served(channel, "search", version)
            clients.min_version = version
            if (number + 1) * workload.swaps // workload.updates > swaps:
                newest = model_path(bundle, _SWAPPED)
                swapped = int(newest.name) + 1
                copy_version(newest, newest.with_name(str(swapped)))
                _wait_until_served(channel, _SWAPPED, swapped)
                swaps += 1
    return expected, swaps


def _change(catalogue: SearchableCatalogue, number: int, best: str) -> Change:
    """Removes the best product of a query; every second change brings it back retitled."""
    if number % 2 == 0:
        return lambda old: old.without([best])

    def bring_back(old: SearchableCatalogue) -> SearchableCatalogue:
        there = set(old.ids)
        missing = [row for row, item in enumerate(catalogue.ids) if item not in there]
        back = catalogue.select(missing)
        titles = tuple(f"{title} (change {number})" for title in back.titles)
        return old.with_products(dataclasses.replace(back, titles=titles))

    return bring_back


def _wait_until_served(channel: grpc.Channel, model: str, version: int) -> None:
    until = time.monotonic() + _AVAILABLE_SECONDS
    while version not in served_versions(channel, model):
        if time.monotonic() > until:
            raise FitRankError(
                f"version {version} of {model} was not served in "
                f"{_AVAILABLE_SECONDS:.0f} s: see the server's log"
            )
        time.sleep(_POLL_SECONDS)
