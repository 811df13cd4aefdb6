"""Features for merchandisers: a CSV with one row per product, in words."""

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
from fitrank_tf.features.attributes.columns import NECKLINE_LABELS, SLEEVE_LABELS
from fitrank_tf.features.colour.names import COLOUR_NAMES, Prototypes, palette_names
from fitrank_tf.features.colour.palette import dominant_colours
from fitrank_tf.features.extract import PhotoFeatures, feature_schema

_NAMES = 3
# Weight of a name's share of the product beside its probability. On the validation split
# the shop's name is among the three for 0.877 of the products (0.880 by the probability
# alone, 0.856 with a weight of 1).
_SHARE_WEIGHT = 0.1


@dataclasses.dataclass(frozen=True)
class ProductWords:
    """One product in words.

    Attributes:
        colours: (name, share of the product) of the three best names; the first is the
            most probable name in the shop. The share is 0 for an alternative name of a
            colour already listed.
        colour_confidence: probability of the first name, 0..1.
        palette: (name, share, "#rrggbb") of the dominant colours, by falling share.
        pattern: (label, confidence 0..1).
        sleeve: (label, confidence 0..1).
        neckline: (label, confidence 0..1).
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


def in_words(seen: PhotoFeatures, prototypes: Prototypes) -> ProductWords:
    """Describes one product in words.

    Args:
        seen: features and detections of its photo.
        prototypes: name its further colours.
    """
    palette = _palette(seen.features, prototypes)
    _, confidence = _best_label(seen.features, "colour_names", COLOUR_NAMES)
    real = np.flatnonzero(seen.classes >= 0)
    return ProductWords(
        colours=_colours(seen.features, palette),
        colour_confidence=confidence,
        palette=palette,
        pattern=_best_label(seen.features, "pattern", PATTERNS),
        sleeve=_best_label(seen.features, "sleeve", SLEEVE_LABELS),
        neckline=_best_label(seen.features, "neckline", NECKLINE_LABELS),
        objects=tuple(
            (
                OBJECT_CLASSES[seen.classes[k]],
                float(seen.scores[k]),
                seen.boxes[k][[1, 0, 3, 2]].tolist(),
            )
            for k in real
        ),
    )


def _best_label(
    features: np.ndarray, name: str, labels: Sequence[str]
) -> tuple[str, float]:
    probabilities = features[feature_schema().slice(name)]
    best = int(probabilities.argmax())
    return labels[best], float(probabilities[best])


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
    """The most probable name, then the two best by probability and share."""
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
    path: Path, products: Iterable[tuple[str, PhotoFeatures]], prototypes: Prototypes
) -> int:
    """Writes the CSV atomically, one row per product.

    Args:
        path: of the CSV.
        products: (id, features and detections) of each product.
        prototypes: name the further colours.

    Returns:
        The number of products.
    """
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
    for label, confidence in (words.pattern, words.sleeve, words.neckline):
        cells += [label, _short(confidence)]
    objects = [
        {"label": label, "score": round(score, 3), "box": [round(x, 4) for x in box]}
        for label, score, box in words.objects
    ]
    return [*cells, json.dumps(objects)]


def _short(number: float) -> str:
    return f"{number:.3f}"
