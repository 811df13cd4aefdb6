"""How fast features are read, beside the script that shops use for dominant colours.

That script shrinks a photo to a fifth and clusters its pixels with scikit-learn's
`KMeans`. Both sides see the same photos, in one process, pinned to one core, in turns.
"""

import contextlib
import dataclasses
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import tensorflow as tf
from threadpoolctl import threadpool_limits

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.features.colour.names import box_evidence
from fitrank_tf.features.extract import FeatureExtractor, colours_and_texture
from fitrank_tf.features.feature_models import FeatureModels
from fitrank_tf.features.garment.boxes import best_garment_boxes
from fitrank_tf.features.garment.crop import cut_out
from fitrank_tf.features.garment.views import detect_in_photos, photo_squares

_BATCH = 64
_CLUSTERS, _SHRUNK = 5, 5
_ROUNDS = 5


@dataclasses.dataclass(frozen=True)
class Speed:
    """Photos a second of one way, the median of some rounds.

    Attributes:
        name: what was done.
        photos_per_second: of all workers together.
    """

    name: str
    photos_per_second: float


def compare_on_one_core(
    photos: Sequence[np.ndarray], models: FeatureModels
) -> tuple[Speed, list[Speed]]:
    """Colour and texture by this project, and dominant colours by the script.

    Boxes are found beforehand; the script has none either.

    Args:
        photos: uint8 [H, W, 3] each, decoded.
        models: what was learned.

    Returns:
        Ours, and the script's: with scikit-learn's present default of one start, and
        with ten, the default up to version 1.3 that most of these scripts were
        written for.

    Raises:
        FitRankError: if scikit-learn is not installed.
    """
    try:
        from sklearn.cluster import KMeans
    except ImportError as error:
        raise FitRankError(
            f"{error.name} is not installed; `pip install scikit-learn`"
        ) from error

    def script(starts: int) -> Callable[[], None]:
        def run() -> None:
            for photo in photos:
                height, width = photo.shape[:2]
                small = (max(1, width // _SHRUNK), max(1, height // _SHRUNK))
                pixels = cv2.resize(photo, small).reshape(-1, 3)
                clusters = KMeans(_CLUSTERS, n_init=starts, random_state=0).fit(pixels)
                np.bincount(clusters.labels_)

        return run

    garments, evidence = _boxes(photos, models)
    ways = {
        "colour and texture": lambda: _read_all(photos, garments, evidence, models),
        "KMeans script, 1 start": script(1),
        "KMeans script, 10 starts": script(10),
    }
    with one_core(), threadpool_limits(1):
        ours, *theirs = _in_turns(ways, len(photos))
    return ours, theirs


def _boxes(
    photos: Sequence[np.ndarray], models: FeatureModels
) -> tuple[np.ndarray, np.ndarray]:
    seen = FeatureExtractor(models).extract_photos(photos)
    boxes, classes, scores = (
        np.stack([getattr(photo, name) for photo in seen])
        for name in ("boxes", "classes", "scores")
    )
    garments = best_garment_boxes(boxes, classes, scores).boxes
    return garments, box_evidence(classes, scores, garments)


def _read_all(
    photos: Sequence[np.ndarray],
    garments: np.ndarray,
    evidence: np.ndarray,
    models: FeatureModels,
) -> None:
    for start in range(0, len(photos), _BATCH):
        rows = slice(start, start + _BATCH)
        crops = [cut_out(*pair) for pair in zip(photos[rows], garments[rows])]
        colours_and_texture(crops, evidence[rows], models)


def _in_turns(ways: dict[str, Callable[[], None]], count: int) -> list[Speed]:
    """Each way once to warm up, then all of them in turns; the median round counts."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(_ROUNDS + 1):
        for name, run in ways.items():
            start = time.perf_counter()
            run()
            if number:
                taken[name].append(time.perf_counter() - start)
    return [Speed(name, count / statistics.median(times)) for name, times in taken.items()]


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """Pins this process to one core, OpenCV to one thread."""
    cores, threads = os.sched_getaffinity(0), cv2.getNumThreads()
    os.sched_setaffinity(0, {min(cores)})
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
        cv2.setNumThreads(threads)


def measure_workers(
    photos: Sequence[np.ndarray], detector: Path, heads: Path, workers: int
) -> list[Speed]:
    """Photos a second of some worker processes, each pinned to a core of its own.

    Args:
        photos: uint8 [H, W, 3] each; every worker sees all of them.
        detector, heads: folders of the models.
        workers: how many processes.

    Returns:
        The detector apart, all else apart, all together.
    """
    context = multiprocessing.get_context("spawn")
    cores = sorted(os.sched_getaffinity(0))
    gate = context.Barrier(workers)
    results = context.Queue()
    processes = [
        context.Process(
            target=_work,
            args=(photos, detector, heads, cores[number % len(cores)], gate, results),
        )
        for number in range(workers)
    ]
    for process in processes:
        process.start()
    answers = [results.get() for _ in processes]
    for process in processes:
        process.join()
    return [
        Speed(name, len(photos) * workers / max(answer[name] for answer in answers))
        for name in answers[0]
    ]


def _work(photos, detector, heads, core, gate, results) -> None:
    """One worker: times each way after all workers are ready for it."""
    os.sched_setaffinity(0, {core})
    cv2.setNumThreads(1)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    # On one core a second BLAS thread only waits for the first.
    threadpool_limits(1)
    models = FeatureModels.load(detector, heads)
    extractor = FeatureExtractor(models)
    garments, evidence = _boxes(photos, models)
    size = models.detector.image_size
    squares = [photo_squares(tf.constant(photo), size) for photo in photos]

    def detect() -> None:
        for start in range(0, len(photos), _BATCH):
            small, _, sizes = map(tf.stack, zip(*squares[start : start + _BATCH]))
            detect_in_photos(models.detector, small, sizes)

    def together() -> None:
        for start in range(0, len(photos), _BATCH):
            extractor.extract_photos(photos[start : start + _BATCH])

    ways = {
        "detector": detect,
        "colour and texture": lambda: _read_all(photos, garments, evidence, models),
        "all features": together,
    }
    taken = {}
    for name, run in ways.items():
        run()
        gate.wait()
        start = time.perf_counter()
        run()
        taken[name] = time.perf_counter() - start
    results.put(taken)
