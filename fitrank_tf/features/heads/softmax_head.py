"""A small classifier of feature vectors.

It runs in NumPy: a head takes microseconds, less than a call into another library.
`features/heads/training.py` trains it.
"""

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np
from scipy.linalg import block_diag

from fitrank_tf.features.standardise import standardise


@dataclasses.dataclass(frozen=True)
class SoftmaxHead:
    """A multilayer perceptron: standardised inputs, dense layers with ReLU, a softmax.

    Attributes:
        labels: names of the K classes.
        mean: float32 [F], of the inputs.
        scale: float32 [F], standard deviation of the inputs.
        kernels: of the layers, float32 [F, H1], [H1, H2] ... [Hn, K].
        biases: of the layers, float32 [H1], [H2] ... [K].
    """

    labels: tuple[str, ...]
    mean: np.ndarray
    scale: np.ndarray
    kernels: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]

    def __post_init__(self) -> None:
        widths = [len(self.mean), *(len(bias) for bias in self.biases)]
        expected = list(itertools.pairwise(widths))
        if [kernel.shape for kernel in self.kernels] != expected:
            raise ValueError(f"kernels of a head must have the shapes {expected}")
        if not self.kernels or len(self.mean) != len(self.scale):
            raise ValueError("a head needs a layer, and mean and scale of one length")
        if widths[-1] != len(self.labels):
            raise ValueError(f"{len(self.labels)} labels, but {widths[-1]} outputs")

    def probabilities(self, inputs: np.ndarray) -> np.ndarray:
        """Returns class probabilities float32 [B, K] of inputs float32 [B, F]."""
        hidden = standardised(inputs, self.mean, self.scale)
        for kernel, bias in zip(self.kernels[:-1], self.biases[:-1]):
            hidden = np.maximum(hidden @ kernel + bias, 0.0)
        logits = hidden @ self.kernels[-1] + self.biases[-1]
        raised = np.exp(logits - logits.max(axis=1, keepdims=True))
        return raised / raised.sum(axis=1, keepdims=True)


def uniform_head(labels: Sequence[str], inputs: int) -> SoftmaxHead:
    """A head that has learned nothing: all of its K classes are equally probable.

    Args:
        labels: names of the classes.
        inputs: F, how many numbers it takes.
    """
    count = len(labels)
    return SoftmaxHead(
        labels=tuple(labels),
        mean=np.zeros(inputs, np.float32),
        scale=np.ones(inputs, np.float32),
        kernels=(np.zeros((inputs, count), np.float32),),
        biases=(np.zeros(count, np.float32),),
    )


def merge_heads(heads: Sequence[SoftmaxHead]) -> SoftmaxHead:
    """Merges several heads into one whose logits are the mean of theirs.

    Their layers are put side by side, so one wide matrix product replaces several.

    Args:
        heads: trained on the same inputs: of equal labels, depth, mean and scale.

    Raises:
        ValueError: if the heads differ in these.
    """
    first = heads[0]
    for other in heads[1:]:
        same = other.labels == first.labels and len(other.kernels) == len(first.kernels)
        same &= np.array_equal(other.mean, first.mean)
        if not same or not np.array_equal(other.scale, first.scale):
            raise ValueError("heads that differ in labels, depth or inputs do not merge")
    layers = list(zip(*(head.kernels for head in heads)))
    if len(layers) == 1:
        kernels = [np.mean(layers[0], axis=0)]
    else:
        kernels = [
            np.concatenate(layers[0], axis=1),
            *(block_diag(*kernels) for kernels in layers[1:-1]),
            np.concatenate(layers[-1]) / np.float32(len(heads)),
        ]
    *inner, last = zip(*(head.biases for head in heads))
    return SoftmaxHead(
        labels=first.labels,
        mean=first.mean,
        scale=first.scale,
        kernels=tuple(kernels),
        biases=(*map(np.concatenate, inner), np.mean(last, axis=0)),
    )


def standardised(inputs: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Returns the inputs of a head's first layer, float32 [B, F].

    Args:
        inputs: float32 [B, F].
        mean: float32 [F].
        scale: float32 [F], standard deviation.
    """
    return standardise(inputs, mean, scale).astype(np.float32)


def head_arrays(head: SoftmaxHead, prefix: str) -> dict[str, np.ndarray]:
    """Returns the head as named arrays, for `numpy.savez`.

    Args:
        head: to save.
        prefix: of the names, which are "<prefix>/mean" and so on.
    """
    arrays = {
        "labels": np.array(head.labels),
        "mean": head.mean,
        "scale": head.scale,
    }
    for number, (kernel, bias) in enumerate(zip(head.kernels, head.biases)):
        arrays |= {f"kernel_{number}": kernel, f"bias_{number}": bias}
    return {f"{prefix}/{name}": value for name, value in arrays.items()}


def head_from_arrays(arrays: dict[str, np.ndarray], prefix: str) -> SoftmaxHead:
    """Returns the head of `head_arrays`.

    Args:
        arrays: may hold other arrays too.
        prefix: as for `head_arrays`.

    Raises:
        KeyError: if there is no such head among the arrays.
    """
    count = sum(name.startswith(f"{prefix}/kernel_") for name in arrays)
    return SoftmaxHead(
        labels=tuple(arrays[f"{prefix}/labels"].tolist()),
        mean=arrays[f"{prefix}/mean"],
        scale=arrays[f"{prefix}/scale"],
        kernels=tuple(arrays[f"{prefix}/kernel_{i}"] for i in range(count)),
        biases=tuple(arrays[f"{prefix}/bias_{i}"] for i in range(count)),
    )
