"""What people who merchandise want of the features: a row a product, in words."""

import csv
import dataclasses
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from fitrank_tf.atomic_file import write_atomically
from fitrank_tf.datasets.annotations.label_file import PATTERNS
from fitrank_tf.datasets.item import OBJECT_CLASSES
from fitrank_tf.features.attributes import NECKLINE_ANSWERS, SLEEVE_ANSWERS
from fitrank_tf.features.colour import PALETTE
from fitrank_tf.features.colour_names import COLOUR_NAMES, Prototypes, named_palette
from fitrank_tf.features.extract import Seen, feature_schema

_LAB_SCALE = np.float32([100, 128, 128])


@dataclasses.dataclass(frozen=True)
class ProductWords:
    """One product in words.

    Attributes:
        colours: (name, share of the product) of up to three; the first is the one
            that the shop would name, with its confidence in `colour_confidence`.
        colour_confidence: 0..1.
        pattern, sleeve, neckline: (answer, confidence 0..1).
        objects: (label, score, [x1, y1, x2, y2] in 0..1 of the photo).
    """

    colours: tuple[tuple[str, float], ...]
    colour_confidence: float
    pattern: tuple[str, float]
    sleeve: tuple[str, float]
    neckline: tuple[str, float]
    objects: tuple[tuple[str, float, list[float]], ...]


COLUMNS: tuple[str, ...] = (
    "id",
    "colour",
    "colour_confidence",
    "colour_share",
    *("colour2", "colour2_share", "colour3", "colour3_share"),
    *("pattern", "pattern_confidence", "sleeve", "sleeve_confidence"),
    *("neckline", "neckline_confidence", "objects"),
)


def in_words(seen: Seen, prototypes: Prototypes) -> ProductWords:
    """One product's features in words.

    Args:
        seen: of its photo.
        prototypes: name its further colours.
    """
    colour, confidence = _answer(seen.features, "colour_names", COLOUR_NAMES)
    real = np.flatnonzero(seen.classes >= 0)
    return ProductWords(
        colours=_colours(seen.features, colour, prototypes),
        colour_confidence=confidence,
        pattern=_answer(seen.features, "pattern", PATTERNS),
        sleeve=_answer(seen.features, "sleeve", SLEEVE_ANSWERS),
        neckline=_answer(seen.features, "neckline", NECKLINE_ANSWERS),
        objects=tuple(
            (
                OBJECT_CLASSES[seen.classes[k]],
                float(seen.scores[k]),
                seen.boxes[k][[1, 0, 3, 2]].tolist(),
            )
            for k in real
        ),
    )


def _answer(features: np.ndarray, name: str, answers: Sequence[str]) -> tuple[str, float]:
    probabilities = features[feature_schema().slice(name)]
    best = int(probabilities.argmax())
    return answers[best], float(probabilities[best])


def _colours(
    features: np.ndarray, first: str, prototypes: Prototypes
) -> tuple[tuple[str, float], ...]:
    """The product's name first, then what else there is of the palette, by share."""
    schema = feature_schema()
    palette = features[schema.slice("palette")].reshape(PALETTE, 3) * _LAB_SCALE
    named = named_palette(
        prototypes,
        palette,
        features[schema.slice("palette_shares")],
        features[schema.slice("colour_names")],
    )
    shares = dict(named)
    if first not in shares and named:
        # The network saw more than the palette: its name is of the largest colour.
        shares = {first: named[0][1], **dict(named[1:])}
    rest = sorted(
        ((name, share) for name, share in shares.items() if name != first),
        key=lambda pair: -pair[1],
    )
    return ((first, shares.get(first, 0.0)), *rest[:2])


def write_merchandise_csv(
    path: Path, products: Iterable[tuple[str, Seen]], prototypes: Prototypes
) -> int:
    """Writes a row a product, whole or not at all; returns how many."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    count = 0
    for item_id, seen in products:
        writer.writerow(_row(item_id, in_words(seen, prototypes)))
        count += 1
    write_atomically(path, text.getvalue().encode())
    return count


def _row(item_id: str, words: ProductWords) -> list[str]:
    (first, share), *rest = words.colours
    cells = [item_id, first, _short(words.colour_confidence), _short(share)]
    for name, further in (*rest, ("", None), ("", None))[:2]:
        cells += [name, "" if further is None else _short(further)]
    for answer, confidence in (words.pattern, words.sleeve, words.neckline):
        cells += [answer, _short(confidence)]
    objects = [
        {"label": label, "score": round(score, 3), "box": [round(x, 4) for x in box]}
        for label, score, box in words.objects
    ]
    return [*cells, json.dumps(objects)]


def _short(number: float) -> str:
    return f"{number:.3f}"
