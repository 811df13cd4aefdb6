"""Splits of a catalogue: 80/10/10 by a hash, the same on every machine.

Shops list one design many times under one title (other sizes, other photos). If such
products were in different splits, test queries would quote titles of the training data.
So the hash is of the title, or of the id where there is no title.
"""

import hashlib

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SPLITS: tuple[str, ...] = (TRAIN, VALIDATION, TEST)
ALL = "all"

_TRAIN_SHARE, _VALIDATION_SHARE = 0.8, 0.1


def title_key(text: str) -> str:
    """The title with case folded and runs of white space collapsed, for comparison."""
    return " ".join(text.casefold().split())


def hash_fraction(key: str) -> float:
    """A fixed pseudo-random number in [0, 1) for `key` (SHA-256, 64 bits)."""
    digest = hashlib.sha256(key.encode("utf-8")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def split_of(item_id: str, text: str) -> str:
    """The split of a product.

    Args:
        item_id: id of the product, which counts only without a title.
        text: title of the product.

    Returns:
        One of `SPLITS`.
    """
    fraction = hash_fraction(title_key(text) or f"id:{item_id}")
    if fraction < _TRAIN_SHARE:
        return TRAIN
    if fraction < _TRAIN_SHARE + _VALIDATION_SHARE:
        return VALIDATION
    return TEST
