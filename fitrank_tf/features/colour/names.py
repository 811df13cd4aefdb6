"""What a shop calls colours, learned from its catalogue.

A name has up to three prototypes in CIELAB. A colour has a name by CIEDE2000: the
nearer a prototype, the likelier its name. For a whole product a small network goes
on from there: it sees the evidence of the prototypes, the histogram, where on the
product the colours are, and what kind of product it is (of watches "Steel" is said,
of shirts "Grey").
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
from scipy.cluster.vq import kmeans2

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.features.colour.cells import cell_centres
from fitrank_tf.features.colour.ciede2000 import ciede2000
from fitrank_tf.features.colour.palette import Colours
from fitrank_tf.features.garment.boxes import class_scores
from fitrank_tf.features.heads.softmax_head import (
    SoftmaxHead,
    head_arrays,
    head_from_arrays,
)
from fitrank_tf.features.schema import FeatureSlice

# A schema needs a fixed list: the base colours that *Fashion Product Images* gives to
# at least one product in 2,500, by frequency. Retrained on another catalogue the
# names stay, the prototypes move.
COLOUR_NAMES: tuple[str, ...] = (
    *("Black", "Blue", "White", "Grey", "Brown", "Red", "Green", "Navy Blue"),
    *("Purple", "Pink", "Beige", "Yellow", "Maroon", "Silver", "Olive", "Orange"),
    *("Gold", "Steel", "Cream", "Multi", "Tan", "Charcoal", "Khaki", "Off White"),
    *("Copper", "Lavender", "Magenta", "Peach", "Teal", "Mustard", "Skin"),
    *("Turquoise Blue", "Bronze", "Grey Melange", "Coffee Brown", "Rust", "Metallic"),
    "Burgundy",
)
_PROTOTYPES_A_NAME = 3
# Where fewer of the products with the name are near, a prototype is of products that
# were cut out wrong: a white shirt's is of skin.
_FREQUENT = 0.2
# So many CIEDE2000 units further away, a name is e times less likely.
_SOFTNESS = 3.0
_LEAST_EVIDENCE = 1e-4
# How likely a colour is on a product that nothing else tells of.
_SURPRISE = 0.1


def colour_numbers(names: Sequence[str]) -> np.ndarray:
    """int [N], index in `COLOUR_NAMES` whatever the case, -1 for other names."""
    index = {name.lower(): number for number, name in enumerate(COLOUR_NAMES)}
    return np.array([index.get(name.lower(), -1) for name in names], int)


def colour_name_slices() -> tuple[FeatureSlice, ...]:
    """The slice of `ColourNamer.probabilities`."""
    meaning = f"what a shop calls it: {', '.join(COLOUR_NAMES)}"
    row = ("colour_names", len(COLOUR_NAMES), meaning, "probability", 0.0, 1.0)
    return FeatureSlice.consecutive("colour", [row])


@dataclasses.dataclass(frozen=True)
class Prototypes:
    """What single colours are called.

    Attributes:
        lab: float32 [P, 3], CIE L, a, b.
        names: int [P], index in `COLOUR_NAMES`.
        shares: float32 [P], of the products with the name, how many are near.
    """

    lab: np.ndarray
    names: np.ndarray
    shares: np.ndarray

    def frequent(self) -> "Prototypes":
        """Those that a good part of the products with the name are near."""
        kept = self.shares >= _FREQUENT
        return Prototypes(self.lab[kept], self.names[kept], self.shares[kept])

    def distances(self, colours: np.ndarray) -> np.ndarray:
        """float64 [N, 38]: CIEDE2000 to each name's nearest prototype.

        Args:
            colours: float [N, 3], CIE L, a, b.

        Returns:
            Infinity for a name without a prototype.
        """
        apart = ciede2000(colours[:, None], self.lab[None])
        nearest = np.full((len(colours), len(COLOUR_NAMES)), np.inf)
        for name in np.unique(self.names):
            nearest[:, name] = apart[:, self.names == name].min(axis=1)
        return nearest

    def likelihood(self, colours: np.ndarray) -> np.ndarray:
        """float32 [N, 38], rows sum to 1: how well each name fits single colours.

        A softmax over the CIEDE2000 distance to each name's nearest prototype.

        Args:
            colours: float [N, 3], CIE L, a, b.
        """
        nearest = self.distances(colours)
        nearest -= nearest.min(axis=1, keepdims=True)
        raised = np.exp(-nearest / _SOFTNESS)
        return (raised / raised.sum(axis=1, keepdims=True)).astype(np.float32)


def learn_prototypes(lab: np.ndarray, names: np.ndarray, seed: int) -> Prototypes:
    """Up to three prototypes a name, by k-means.

    Args:
        lab: float [N, 3], the first dominant colour of N products.
        names: int [N], index in `COLOUR_NAMES`, -1 for products to pass over.
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
    """Names the colours of products.

    Args:
        prototypes: of single colours.
        head: from `name_inputs` to probabilities of `COLOUR_NAMES`.
    """

    def __init__(self, prototypes: Prototypes, head: SoftmaxHead):
        self.prototypes, self.head = prototypes, head
        self._evidence_of_cell = prototypes.likelihood(cell_centres())

    def probabilities(self, colours: Colours, boxes: np.ndarray) -> np.ndarray:
        """float32 [B, 38] of a batch of products.

        Args:
            colours: of the products.
            boxes: float32 [B, 13], from `box_evidence`.
        """
        inputs = name_inputs(colours, boxes, self._evidence_of_cell)
        return self.head.probabilities(inputs)

    def arrays(self) -> dict[str, np.ndarray]:
        """The namer as named arrays, for `numpy.savez`."""
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
            KeyError, ValueError: if the arrays are of no namer, or one of other names.
        """
        names = arrays["prototypes/names"].tolist()
        owners = np.array([COLOUR_NAMES.index(name) for name in names])
        head = head_from_arrays(arrays, "colour")
        if head.labels != COLOUR_NAMES:
            raise ValueError(f"it names {', '.join(head.labels)}")
        shares = arrays["prototypes/shares"]
        return cls(Prototypes(arrays["prototypes/lab"], owners, shares), head)


def box_evidence(
    classes: np.ndarray, scores: np.ndarray, garments: np.ndarray
) -> np.ndarray:
    """What the detector says of the kind of product.

    Args:
        classes, scores: of the detections, as for `boxes.box_features`.
        garments: float32 [B, 4], the garment box, zeros where not found.

    Returns:
        float32 [B, 13]: best score of each product class, height and width.
    """
    sides = garments[:, 2:] - garments[:, :2]
    return np.concatenate([class_scores(classes, scores), sides], axis=1)


def name_inputs(
    colours: Colours, boxes: np.ndarray, evidence_of_cell: np.ndarray
) -> np.ndarray:
    """What the head sees, float32 [B, F].

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
    """What the dominant colours of one product are called.

    Args:
        prototypes: of single colours.
        palette: float32 [N, 3], CIE L, a, b.
        expected: float32 [38], probabilities of the names for the whole product: what
            is called grey on a watch is charcoal on a shirt.
    """
    if not len(palette):
        return []
    fitting = prototypes.frequent().likelihood(palette) * (expected + _SURPRISE)
    return [COLOUR_NAMES[name] for name in fitting.argmax(axis=1)]
