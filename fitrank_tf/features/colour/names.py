"""Colour names as a shop uses them, learned from its catalogue.

Each name has up to three prototypes in CIELAB; the nearer a colour is to a prototype by
CIEDE2000, the more probable its name. For whole products a small network takes the
prototypes' evidence, the histogram, the positions of the colours and the kind of product
(a shop calls a watch "Steel" and a shirt "Grey").
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
from scipy.cluster.vq import kmeans2

from fitrank_tf.core.ciede2000 import ciede2000
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.features.colour.cells import cell_centres
from fitrank_tf.features.colour.palette import Colours
from fitrank_tf.features.garment.boxes import class_scores
from fitrank_tf.features.heads.softmax_head import (
    SoftmaxHead,
    head_arrays,
    head_from_arrays,
)
from fitrank_tf.features.schema import FeatureSlice

# The schema needs a fixed list: the base colours of at least one product in 2,500 of
# *Fashion Product Images*, by frequency. Training on another catalogue changes the
# prototypes, not the names.
COLOUR_NAMES: tuple[str, ...] = (
    *("Black", "Blue", "White", "Grey", "Brown", "Red", "Green", "Navy Blue"),
    *("Purple", "Pink", "Beige", "Yellow", "Maroon", "Silver", "Olive", "Orange"),
    *("Gold", "Steel", "Cream", "Multi", "Tan", "Charcoal", "Khaki", "Off White"),
    *("Copper", "Lavender", "Magenta", "Peach", "Teal", "Mustard", "Skin"),
    *("Turquoise Blue", "Bronze", "Grey Melange", "Coffee Brown", "Rust", "Metallic"),
    "Burgundy",
)
_PROTOTYPES_A_NAME = 3
# A prototype with a smaller share of the name's products comes from wrong crops: a white
# shirt's is the colour of skin.
_FREQUENT = 0.2
# CIEDE2000 distance over which a name becomes e times less probable.
_SOFTNESS = 3.0
_LEAST_EVIDENCE = 1e-4
# Added to the product's name probabilities, so that a palette may have any name.
_SURPRISE = 0.1


def colour_numbers(names: Sequence[str]) -> np.ndarray:
    """Returns indices in `COLOUR_NAMES`, ignoring case, int [N]; -1 for other names."""
    index = {name.lower(): number for number, name in enumerate(COLOUR_NAMES)}
    return np.array([index.get(name.lower(), -1) for name in names], int)


def colour_name_slices() -> tuple[FeatureSlice, ...]:
    """Returns the slice of `ColourNamer.probabilities`."""
    meaning = f"what a shop calls it: {', '.join(COLOUR_NAMES)}"
    row = ("colour_names", len(COLOUR_NAMES), meaning, "probability", 0.0, 1.0)
    return FeatureSlice.consecutive("colour", [row])


@dataclasses.dataclass(frozen=True)
class Prototypes:
    """Typical colours of each name.

    Attributes:
        lab: float32 [P, 3], CIE L, a, b.
        names: int [P], index in `COLOUR_NAMES`.
        shares: float32 [P], share of the name's products in the prototype's cluster.
    """

    lab: np.ndarray
    names: np.ndarray
    shares: np.ndarray

    def frequent(self) -> "Prototypes":
        """Returns the prototypes of a large share of their name's products."""
        kept = self.shares >= _FREQUENT
        return Prototypes(self.lab[kept], self.names[kept], self.shares[kept])

    def distances(self, colours: np.ndarray) -> np.ndarray:
        """Returns the CIEDE2000 distance to each name's nearest prototype.

        Args:
            colours: float [N, 3], CIE L, a, b.

        Returns:
            float64 [N, 38], infinity for a name without a prototype.
        """
        apart = ciede2000(colours[:, None], self.lab[None])
        nearest = np.full((len(colours), len(COLOUR_NAMES)), np.inf)
        for name in np.unique(self.names):
            nearest[:, name] = apart[:, self.names == name].min(axis=1)
        return nearest

    def likelihood(self, colours: np.ndarray) -> np.ndarray:
        """Returns the likelihood of each name for single colours.

        A softmax over the negative CIEDE2000 distance to each name's nearest prototype.

        Args:
            colours: float [N, 3], CIE L, a, b.

        Returns:
            float32 [N, 38], rows sum to 1.
        """
        nearest = self.distances(colours)
        nearest -= nearest.min(axis=1, keepdims=True)
        raised = np.exp(-nearest / _SOFTNESS)
        return (raised / raised.sum(axis=1, keepdims=True)).astype(np.float32)


def learn_prototypes(lab: np.ndarray, names: np.ndarray, seed: int) -> Prototypes:
    """Learns up to three prototypes per name by k-means.

    Args:
        lab: float [N, 3], CIE L, a, b of the first dominant colour of N products.
        names: int [N], index in `COLOUR_NAMES`, -1 for products to ignore.
        seed: of k-means.

    Raises:
        FitRankError: if no product has a name.
    """
    centres, owners = [], []
    for name in range(len(COLOUR_NAMES)):
        colours = np.asarray(lab[names == name], np.float64)
        count = min(_PROTOTYPES_A_NAME, len(colours) // 10 + (len(colours) > 0))
        if count:
            found, members = kmeans2(colours, count, minit="++", seed=seed)
            shares = np.bincount(members, minlength=count) / len(colours)
            centres.append(np.column_stack([found, shares]))
            owners += [name] * count
    if not owners:
        raise FitRankError(
            f"no product has a colour of {', '.join(COLOUR_NAMES)} to learn from; give a "
            "catalogue that has"
        )
    table = np.concatenate(centres).astype(np.float32)
    return Prototypes(table[:, :3], np.array(owners), table[:, 3])


class ColourNamer:
    """Predicts the colour names of products.

    Args:
        prototypes: typical colours of each name.
        head: maps `name_inputs` to probabilities of `COLOUR_NAMES`.
    """

    def __init__(self, prototypes: Prototypes, head: SoftmaxHead):
        self.prototypes, self.head = prototypes, head
        self._evidence_of_cell = prototypes.likelihood(cell_centres())

    def probabilities(self, colours: Colours, boxes: np.ndarray) -> np.ndarray:
        """Returns the probability of each name, float32 [B, 38].

        Args:
            colours: of B products.
            boxes: float32 [B, 13], from `box_evidence`.
        """
        inputs = name_inputs(colours, boxes, self._evidence_of_cell)
        return self.head.probabilities(inputs)

    def arrays(self) -> dict[str, np.ndarray]:
        """Returns the namer as named arrays, for `numpy.savez`."""
        return {
            "prototypes/lab": self.prototypes.lab,
            "prototypes/names": np.array(COLOUR_NAMES)[self.prototypes.names],
            "prototypes/shares": self.prototypes.shares,
            **head_arrays(self.head, "colour"),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> "ColourNamer":
        """The inverse of `arrays`.

        Raises:
            KeyError: if an array is missing.
            ValueError: if the names are not `COLOUR_NAMES`.
        """
        names = arrays["prototypes/names"].tolist()
        owners = np.array([COLOUR_NAMES.index(name) for name in names])
        head = head_from_arrays(arrays, "colour")
        if head.labels != COLOUR_NAMES:
            raise ValueError(f"its colour names are {', '.join(head.labels)}")
        shares = arrays["prototypes/shares"]
        return cls(Prototypes(arrays["prototypes/lab"], owners, shares), head)


def box_evidence(
    classes: np.ndarray, scores: np.ndarray, garments: np.ndarray
) -> np.ndarray:
    """Returns the detector's evidence of the kind of product.

    Args:
        classes: int [B, M], index in `OBJECT_CLASSES`, -1 for padding.
        scores: float32 [B, M], 0 for padding.
        garments: float32 [B, 4], the garment box, zeros where not found.

    Returns:
        float32 [B, 13]: best score of each product class; height and width of the box.
    """
    sides = garments[:, 2:] - garments[:, :2]
    return np.concatenate([class_scores(classes, scores), sides], axis=1)


def name_inputs(
    colours: Colours, boxes: np.ndarray, evidence_of_cell: np.ndarray
) -> np.ndarray:
    """Returns the inputs of the namer's head, float32 [B, F].

    Args:
        colours: of B products.
        boxes: float32 [B, 13] from `box_evidence`.
        evidence_of_cell: float32 [228, 38], `Prototypes.likelihood` of the cells.
    """
    evidence = np.log(colours.histogram @ evidence_of_cell + _LEAST_EVIDENCE)
    return np.concatenate([colours.vectors, evidence, boxes], axis=1)


def palette_names(
    prototypes: Prototypes, palette: np.ndarray, expected: np.ndarray
) -> list[str]:
    """Returns the names of the dominant colours of one product.

    Args:
        prototypes: typical colours of each name.
        palette: float32 [N, 3], CIE L, a, b.
        expected: float32 [38], probabilities of the names for the whole product: the same
            colour is grey on a watch and charcoal on a shirt.
    """
    if not len(palette):
        return []
    fitting = prototypes.frequent().likelihood(palette) * (expected + _SURPRISE)
    return [COLOUR_NAMES[name] for name in fitting.argmax(axis=1)]
