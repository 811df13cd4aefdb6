"""InfoNCE in plain numpy, one pair at a time, and a batch to try losses on."""

import math

import numpy as np

from fitrank_tf.config import ContrastiveConfig


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype("float32")


def info_nce_formula(
    image: np.ndarray, text: np.ndarray, scale: float, hidden: np.ndarray
) -> float:
    """The formula, one pair at a time."""
    total, count = 0.0, len(image)
    for i in range(count):
        kept = [j for j in range(count) if j == i or not hidden[i, j]]
        to_text = sum(math.exp(scale * float(image[i] @ text[j])) for j in kept)
        kept = [j for j in range(count) if j == i or not hidden[j, i]]
        to_image = sum(math.exp(scale * float(image[j] @ text[i])) for j in kept)
        own = scale * float(image[i] @ text[i])
        total += (math.log(to_text) - own + math.log(to_image) - own) / 2
    return total / count


def small_batch(count: int, seed: int = 0) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    return {
        "images": generator.uniform(0, 255, (count, 32, 32, 3)).astype("float32"),
        "token_ids": generator.integers(1, 500, (count, 10)).astype("int32"),
        "groups": np.arange(count, dtype="int32"),
        "product_codes": np.arange(count, dtype="int32")[:, None],
        "text_codes": np.zeros((count, 1), "int32"),
        "features": generator.normal(size=(count, 5)).astype("float32"),
    }


def small_config(**fields) -> ContrastiveConfig:
    return ContrastiveConfig(**{"epochs": 4, "batch_size": 4, **fields})
