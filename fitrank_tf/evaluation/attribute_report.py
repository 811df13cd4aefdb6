"""Accuracy of colour names and of what was labelled by eye, in feature vectors."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from fitrank_tf.datasets.annotations.label_file import ProductLabels
from fitrank_tf.datasets.catalogue import CatalogueRecords
from fitrank_tf.evaluation.confusion import Confusion
from fitrank_tf.features.attributes.columns import SEEN_LABELS, UNKNOWN
from fitrank_tf.features.colour.names import COLOUR_NAMES, colour_numbers
from fitrank_tf.features.extract import feature_schema

# Names that a catalogue has and the features do not are all one class.
_OTHER_NAME = "(other)"


@dataclasses.dataclass(frozen=True)
class AttributeReport:
    """Accuracy of each attribute on products never trained on.

    Attributes:
        colour: the catalogue's colour beside the first name.
        colour_top3: share of products whose colour is among the first three names.
        by_eye: of the other attributes, beside labels by eye.
    """

    colour: Confusion
    colour_top3: float
    by_eye: Mapping[str, Confusion]

    def table(self) -> str:
        """Returns Markdown, one row per attribute."""
        lines = [
            "| attribute | products | accuracy | top 3 | macro-F1 | where it applies |",
            "| --- | ---: | ---: | ---: | ---: | ---: |",
            f"| colour | {self.colour.counts.sum()} | {self.colour.accuracy:.3f} | "
            f"{self.colour_top3:.3f} | | |",
        ]
        for name, confusion in self.by_eye.items():
            applies = f"{_where_known(confusion):.3f}" if UNKNOWN in confusion.names else ""
            lines.append(
                f"| {name} | {confusion.counts.sum()} | {confusion.accuracy:.3f} | | "
                f"{confusion.macro_f1:.3f} | {applies} |"
            )
        return "\n".join(lines)

    def draw(self, folder: Path) -> list[Path]:
        """Writes one confusion matrix per attribute; returns the files."""
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for name, confusion in {"colour": self.colour, **self.by_eye}.items():
            written.append(folder / f"{name}.png")
            confusion.draw(written[-1])
        return written


def _where_known(confusion: Confusion) -> float:
    """Accuracy on the products whose true class is not "unknown"."""
    known = [name != UNKNOWN for name in confusion.names]
    counts = confusion.counts[known]
    right, total = np.diag(confusion.counts)[known].sum(), counts.sum()
    return float(right / total) if total else float("nan")


def measure_attributes(
    features: np.ndarray, records: CatalogueRecords, labels: Mapping[str, ProductLabels]
) -> AttributeReport:
    """Measures the attributes in feature vectors.

    Args:
        features: float32 [N, F], laid out as `extract.feature_schema` says.
        records: the N products; none of them trained on.
        labels: product id -> labels by eye; products without are passed over.
    """
    said = records.column("colour")
    has_colour = np.array([bool(name) for name in said], bool)
    names = (*COLOUR_NAMES, _OTHER_NAME)
    truth = colour_numbers(said)
    truth[truth < 0] = names.index(_OTHER_NAME)
    ranked = np.argsort(-features[:, feature_schema().slice("colour_names")], axis=1)
    among = (ranked[:, :3] == truth[:, None]).any(axis=1)
    return AttributeReport(
        Confusion.of("colour", names, truth[has_colour], ranked[has_colour, 0]),
        float(among[has_colour].mean()) if has_colour.any() else float("nan"),
        {name: _confusion(name, features, records, labels) for name in SEEN_LABELS},
    )


def _confusion(
    name: str,
    features: np.ndarray,
    records: CatalogueRecords,
    labels: Mapping[str, ProductLabels],
) -> Confusion:
    classes = SEEN_LABELS[name]
    said = {item: of.values[name] for item, of in labels.items() if name in of.values}
    truth = np.array(
        [_index(classes, said[item]) if item in said else -1 for item in records.ids],
        np.int64,
    )
    predicted = features[:, feature_schema().slice(name)].argmax(axis=1)
    return Confusion.of(name, classes, truth[truth >= 0], predicted[truth >= 0])


def _index(classes: tuple[str, ...], said: str) -> int:
    said = said or UNKNOWN
    return classes.index(said) if said in classes else -1
