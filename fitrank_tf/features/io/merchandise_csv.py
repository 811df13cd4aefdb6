"""What people who merchandise want of the features: a row a product, in words."""

import csv
import dataclasses
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np

from fitrank_tf.core.files import write_atomically
from fitrank_tf.datasets.annotations.label_file import PATTERNS
from fitrank_tf.datasets.item import OBJECT_CLASSES
from fitrank_tf.features.attributes.columns import NECKLINE_ANSWERS, SLEEVE_ANSWERS
from fitrank_tf.features.colour.names import COLOUR_NAMES, Prototypes, palette_names
from fitrank_tf.features.colour.palette import dominant_colours
from fitrank_tf.features.extract import Seen, feature_schema

_NAMES = 3
# What a name that covers all of a product gains over its probability. On the validation
# split the shop's name is among the three for 0.877 of the products (0.880 by the
# probability alone, 0.856 with a weight of 1).
_SHARE_WEIGHT = 0.1


@dataclasses.dataclass(frozen=True)
class ProductWords:
    """One product in words.

    Attributes:
        colours: (name, share of the product) of the three names that fit best; the
            first is what the shop would say. The share is 0 for another name of a
            colour that is there already.
        colour_confidence: of the first, 0..1.
        palette: (name, share, "#rrggbb") of the dominant colours, by falling share.
        pattern, sleeve, neckline: (answer, confidence 0..1).
        objects: (label, score, [x1, y1, x2, y2] in 0..1 of the photo).
    """

    colours: tuple[tuple[str, float], ...]
    colour_confidence: float
    palette: tuple[tuple[str, float, str], ...]
    pattern: tuple[str, float]
    sleeve: tuple[str, float]
    neckline: tuple[str, float]
    objects: tuple[tuple[str, float, list[float]], ...]


COLUMNS: tuple[str, ...] = (
    "id",
    "colour",
    "colour_confidence",
    "colour_share",
    *("colour2", "colour2_share", "colour3", "colour3_share", "palette"),
    *("pattern", "pattern_confidence", "sleeve", "sleeve_confidence"),
    *("neckline", "neckline_confidence", "objects"),
)


def in_words(seen: Seen, prototypes: Prototypes) -> ProductWords:
    """One product's features in words.

    Args:
        seen: of its photo.
        prototypes: name its further colours.
    """
    palette = _palette(seen.features, prototypes)
    _, confidence = _answer(seen.features, "colour_names", COLOUR_NAMES)
    real = np.flatnonzero(seen.classes >= 0)
    return ProductWords(
        colours=_colours(seen.features, palette),
        colour_confidence=confidence,
        palette=palette,
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


def _palette(
    features: np.ndarray, prototypes: Prototypes
) -> tuple[tuple[str, float, str], ...]:
    schema = feature_schema()
    lab, shares = dominant_colours(features, schema)
    there = shares > 0
    expected = features[schema.slice("colour_names")]
    names = palette_names(prototypes, lab[there], expected)
    rgb = cv2.cvtColor(lab[np.newaxis], cv2.COLOR_LAB2RGB)[0][there]
    return tuple(
        (name, float(share), "#{:02x}{:02x}{:02x}".format(*colour))
        for name, share, colour in zip(
            names, shares[there], np.clip(rgb * 255, 0, 255).round().astype(int)
        )
    )


def _colours(
    features: np.ndarray, palette: tuple[tuple[str, float, str], ...]
) -> tuple[tuple[str, float], ...]:
    """The most probable name, then the two that fit best beside it."""
    probable = features[feature_schema().slice("colour_names")]
    shares = np.zeros(len(COLOUR_NAMES), np.float32)
    for name, share, _ in palette:
        shares[COLOUR_NAMES.index(name)] += share
    first = int(probable.argmax())
    fitting = probable + _SHARE_WEIGHT * shares
    fitting[first] = np.inf
    best = np.argsort(-fitting, kind="stable")[:_NAMES]
    return tuple((COLOUR_NAMES[k], float(shares[k])) for k in best if fitting[k] > 0)


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
    (first, share), *further = words.colours
    cells = [item_id, first, _short(words.colour_confidence), _short(share)]
    for name, of in further:
        cells += [name, _short(of)]
    cells += ["", ""] * (_NAMES - len(words.colours))
    cells.append(
        json.dumps([[name, round(of, 3), code] for name, of, code in words.palette])
    )
    for answer, confidence in (words.pattern, words.sleeve, words.neckline):
        cells += [answer, _short(confidence)]
    objects = [
        {"label": label, "score": round(score, 3), "box": [round(x, 4) for x in box]}
        for label, score, box in words.objects
    ]
    return [*cells, json.dumps(objects)]


def _short(number: float) -> str:
    return f"{number:.3f}"
