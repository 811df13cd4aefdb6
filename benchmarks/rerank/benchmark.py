"""Latency of the served re-ranker, compared with the text encoder of the same bundle.

Both are SavedModels, called in turns in one process with one query at a time, as from a
search box. As in a search, the re-ranker gets the products' stored feature projections.
"""

import dataclasses
import functools
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from fitrank_tf.export.loaded_bundle import LoadedBundle
from fitrank_tf.export.signatures import DEFAULT_SIGNATURE, KEPT_SIGNATURE

LENGTHS = (10, 100, 300, 1000)
_QUERY = "women navy blue kurta three quarter sleeves"


@dataclasses.dataclass(frozen=True)
class RerankTimes:
    """Median latencies in seconds, for one query.

    Attributes:
        encoding: latency of encoding the text.
        scoring: {number of candidates: latency of scoring them}.
    """

    encoding: float
    scoring: dict[int, float]


def time_reranker(bundle: LoadedBundle, lengths: Sequence[int], rounds: int) -> RerankTimes:
    """Times the text encoder and the re-ranker in turns.

    Args:
        bundle: the bundle with both models.
        lengths: numbers of candidates.
        rounds: timed calls of each, after one that is not counted.
    """
    encode = bundle.model("query_encoder").signatures[DEFAULT_SIGNATURE]
    score = bundle.model("reranker").signatures[KEPT_SIGNATURE]
    query = tf.constant([_QUERY])
    calls: dict[int, Callable[[], Any]] = {0: lambda: encode(query=query)}
    for length in lengths:
        inputs = _inputs(score, length)
        calls[length] = functools.partial(score, **inputs)
    taken: dict[int, list[float]] = {length: [] for length in calls}
    for _ in tqdm(range(rounds + 1), desc="re-ranking", disable=None):
        for length, call in calls.items():
            started = time.perf_counter()
            for result in call().values():
                result.numpy()
            taken[length].append(time.perf_counter() - started)
    medians = {length: statistics.median(times[1:]) for length, times in taken.items()}
    return RerankTimes(medians.pop(0), medians)


def _inputs(score: Any, length: int) -> dict[str, tf.Tensor]:
    """Random inputs for one list, with the shapes and dtypes of the signature."""
    draw, inputs = np.random.default_rng(0), {}
    for name, spec in score.structured_input_signature[1].items():
        shape = [1, length, *spec.shape[2:]] if len(spec.shape) > 1 else [1]
        if name in ("query", "query_facets"):
            shape = [1, spec.shape[1]]
        inputs[name] = tf.cast(draw.random(shape) + (spec.dtype == tf.bool), spec.dtype)
    return inputs


def rerank_table(times: RerankTimes) -> str:
    """A Markdown table of milliseconds, and of the cost relative to encoding the text."""
    first, last = min(times.scoring), max(times.scoring)
    lines = [
        "| one query | ms | of encoding its text | µs a candidate |",
        "| --- | ---: | ---: | ---: |",
        f"| encoding its text | {1e3 * times.encoding:.2f} | 1.00 x | |",
    ]
    for length, seconds in times.scoring.items():
        lines.append(
            f"| scoring {length} candidates | {1e3 * seconds:.2f} | "
            f"{seconds / times.encoding:.2f} x | {1e6 * seconds / length:.1f} |"
        )
    growth = times.scoring[last] / times.scoring[first]
    lines += ["", f"{last // first} x the candidates take {growth:.1f} x the time."]
    return "\n".join(lines)
