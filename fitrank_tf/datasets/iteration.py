"""How the project's tf.data pipelines are run."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf


def without_autotune(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """The same dataset, whose iterators close as soon as they are done with.

    With autotuning on, tf.data 2.20 keeps a thread that looks at an iterator after
    10 ms, 20 ms, 40 ms and so on, and closing the iterator waits for its next look:
    on average half as long again as the iterator was in use, at the end of every
    epoch. Without it `AUTOTUNE` stands for as many calls at once as there are cores.

    Args:
        dataset: where a pipeline begins; what is derived from it inherits this.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)


def chosen_rows(
    dataset: tf.data.Dataset, rows: Sequence[int] | np.ndarray
) -> tf.data.Dataset:
    """Some of a dataset's elements, in its order.

    Args:
        dataset: of known length.
        rows: which to keep; their order does not matter.
    """
    kept = np.zeros(int(dataset.cardinality()), bool)
    kept[np.asarray(rows, np.int64)] = True
    marked = tf.data.Dataset.zip(tf.data.Dataset.from_tensor_slices(kept), dataset)
    chosen = marked.filter(lambda keep, _: keep).map(lambda _, element: element)
    return chosen.apply(tf.data.experimental.assert_cardinality(int(kept.sum())))
