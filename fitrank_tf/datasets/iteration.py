"""Helpers of all tf.data pipelines: options and selection of rows."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf


def without_autotune(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """The same dataset without autotuning, so that its iterators close without delay.

    With autotuning, a thread of tf.data 2.20 wakes after 10 ms, 20 ms, 40 ms and so on,
    and closing an iterator waits for the next time: on average half as long again as the
    iterator was in use, at the end of every epoch. Without autotuning, `AUTOTUNE` stands
    for as many parallel calls as there are cores.

    Args:
        dataset: the first dataset of a pipeline; datasets derived from it inherit the
            option.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)


def chosen_rows(
    dataset: tf.data.Dataset, rows: Sequence[int] | np.ndarray
) -> tf.data.Dataset:
    """Some elements of a dataset, in the dataset's order.

    Args:
        dataset: a dataset of known cardinality.
        rows: int [M], positions of the elements to keep, in any order.
    """
    kept = np.zeros(int(dataset.cardinality()), bool)
    kept[np.asarray(rows, np.int64)] = True
    marked = tf.data.Dataset.zip(tf.data.Dataset.from_tensor_slices(kept), dataset)
    chosen = marked.filter(lambda keep, _: keep).map(lambda _, element: element)
    return chosen.apply(tf.data.experimental.assert_cardinality(int(kept.sum())))
