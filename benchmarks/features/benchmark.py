"""Speed of feature extraction, compared with a common script for dominant colours.

The script shrinks a photo to a fifth of its size and clusters the pixels with
scikit-learn's `KMeans`. Both process the same photos in turns, in one process pinned to one
core.
"""

import contextlib
import dataclasses
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

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
    """The speed of one operation.

    Attributes:
        name: the operation, as in the tables.
        photos_per_second: median of the rounds, of all workers together.
    """

    name: str
    photos_per_second: float


def compare_on_one_core(
    photos: Sequence[np.ndarray], models: FeatureModels
) -> tuple[Speed, list[Speed]]:
    """Times colour and texture of this project against the dominant-colour script.

    Garment boxes are detected beforehand, because the script has no detector either.

    Args:
        photos: decoded photos, uint8 [H, W, 3] each.
        models: the feature models.

    Returns:
        The speed of this project, and two speeds of the script: with scikit-learn's
        present default of one k-means start, and with ten, the default up to version 1.3.

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
    operations = {
        "colour and texture": lambda: _read_all(photos, garments, evidence, models),
        "KMeans script, 1 start": script(1),
        "KMeans script, 10 starts": script(10),
    }
    with one_core(), threadpool_limits(1):
        ours, *theirs = _in_turns(operations, len(photos))
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


def _in_turns(operations: dict[str, Callable[[], None]], count: int) -> list[Speed]:
    """Runs each operation once to warm up, then all in turns; speeds are medians."""
    taken: dict[str, list[float]] = {name: [] for name in operations}
    for number in range(_ROUNDS + 1):
        for name, run in operations.items():
            start = time.perf_counter()
            run()
            if number:
                taken[name].append(time.perf_counter() - start)
    return [Speed(name, count / statistics.median(times)) for name, times in taken.items()]


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """Pins this process to one core and OpenCV to one thread."""
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
    """Times feature extraction in worker processes, each pinned to a core of its own.

    Args:
        photos: uint8 [H, W, 3] each; every worker processes all of them.
        detector: directory of the garment detector.
        heads: directory of the feature heads.
        workers: number of processes.

    Returns:
        The speeds of the detector, of colour and texture, and of all features.
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
    times = [results.get() for _ in processes]
    for process in processes:
        process.join()
    return [
        Speed(name, len(photos) * workers / max(one[name] for one in times))
        for name in times[0]
    ]


def _work(
    photos: Sequence[np.ndarray],
    detector: Path,
    heads: Path,
    core: int,
    gate: Any,
    results: Any,
) -> None:
    """Runs in a worker: times each operation once all workers are ready for it."""
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

    operations = {
        "detector": detect,
        "colour and texture": lambda: _read_all(photos, garments, evidence, models),
        "all features": together,
    }
    taken = {}
    for name, run in operations.items():
        run()
        gate.wait()
        start = time.perf_counter()
        run()
        taken[name] = time.perf_counter() - start
    results.put(taken)
