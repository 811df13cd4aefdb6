"""Which split a product belongs to: 80/10/10 by a hash, the same on every machine.

Shops list one design many times under one title (other sizes, other photos).
Were such twins split apart, the test set would ask for titles that training has
seen, so the title decides the split and the id only where there is no title.
"""

import hashlib

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SPLITS: tuple[str, ...] = (TRAIN, VALIDATION, TEST)
ALL = "all"

_TRAIN_SHARE, _VALIDATION_SHARE = 0.8, 0.1


def title_key(text: str) -> str:
    """The title as compared: case and runs of white space do not matter."""
    return " ".join(text.casefold().split())


def hash_fraction(key: str) -> float:
    """A fixed pseudo-random number in [0, 1) for `key` (SHA-256, 64 bits)."""
    digest = hashlib.sha256(key.encode("utf-8")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def split_of(item_id: str, text: str) -> str:
    """The split of a product, one of `SPLITS`."""
    fraction = hash_fraction(title_key(text) or f"id:{item_id}")
    if fraction < _TRAIN_SHARE:
        return TRAIN
    if fraction < _TRAIN_SHARE + _VALIDATION_SHARE:
        return VALIDATION
    return TEST
