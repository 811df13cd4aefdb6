"""The trained models behind the features: detector, colour names, patterns, attributes,
appearance."""

import dataclasses
import functools
import hashlib
import tempfile
from pathlib import Path

import keras

from fitrank_tf.core.arrays import load_arrays, save_arrays
from fitrank_tf.core.command_line import command_line
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.files import write_atomically
from fitrank_tf.features.appearance.network import (
    AppearanceNetwork,
    load_appearance,
)
from fitrank_tf.features.colour.names import ColourNamer
from fitrank_tf.features.garment.detector import Detector, preset_fingerprint
from fitrank_tf.features.heads.softmax_head import (
    SoftmaxHead,
    head_arrays,
    head_from_arrays,
)

HEADS_FILE, ATTRIBUTES_FILE = "heads.npz", "attributes.keras"
APPEARANCE_DIR = "appearance"
APPEARANCE_FILES = tuple(
    f"{APPEARANCE_DIR}/{name}"
    for name in ("config.json", "image_converter.json", "model.weights.h5")
)
# Fields of `LearnedHeads`.
_SOFTMAX_HEADS = ("pattern", "length", "fit")
_MADE_BY = "train-features"


@dataclasses.dataclass(frozen=True)
class LearnedHeads:
    """The trained models other than the detector.

    Attributes:
        namer: names the colours of a product.
        pattern: maps `patterns.pattern_inputs` to probabilities of `PATTERNS`.
        attributes: network that maps canvases to logits of sleeve and neckline.
        length, fit: map `cut.cut_inputs` to probabilities of `CUT_LABELS`.
        appearance: network that maps whole photos to the `appearance` group.
    """

    namer: ColourNamer
    pattern: SoftmaxHead
    attributes: keras.Model
    length: SoftmaxHead
    fit: SoftmaxHead
    appearance: AppearanceNetwork

    def save(self, folder: Path) -> None:
        """Writes two files and `APPEARANCE_DIR` into an existing folder."""
        arrays = self.namer.arrays()
        for name in _SOFTMAX_HEADS:
            arrays |= head_arrays(getattr(self, name), name)
        save_arrays(folder / HEADS_FILE, arrays)
        with tempfile.TemporaryDirectory() as temporary:
            # Keras requires a name that ends in .keras.
            written = Path(temporary) / ATTRIBUTES_FILE
            self.attributes.save(written)
            write_atomically(folder / ATTRIBUTES_FILE, written.read_bytes())
        self.appearance.save(folder / APPEARANCE_DIR)


def load_heads(folder: Path) -> LearnedHeads:
    """Loads what `LearnedHeads.save` wrote; cached in the process until a file changes.

    Raises:
        FitRankError: if a file is missing or of another version.
    """
    names = (HEADS_FILE, ATTRIBUTES_FILE, *APPEARANCE_FILES)
    paths = [folder.resolve() / name for name in names]
    stamps = tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in paths)
    return _load_heads(folder.resolve(), stamps)


@functools.lru_cache(maxsize=2)
def _load_heads(folder: Path, stamps: tuple[int, ...]) -> LearnedHeads:
    del stamps  # only part of the cache's key
    arrays = load_arrays(folder / HEADS_FILE, _MADE_BY)
    path = folder / ATTRIBUTES_FILE
    try:
        namer = ColourNamer.from_arrays(arrays)
        heads = {name: head_from_arrays(arrays, name) for name in _SOFTMAX_HEADS}
        network = keras.saving.load_model(path, compile=False)
    except Exception as error:
        # A damaged file raises whatever Keras and zipfile come across first.
        raise FitRankError(
            f"the feature models in {folder} cannot be used ({error}); train them with "
            f"`{command_line(_MADE_BY)}`"
        ) from error
    appearance = load_appearance(str(folder / APPEARANCE_DIR))
    return LearnedHeads(namer, attributes=network, appearance=appearance, **heads)


def heads_fingerprint(folder: Path) -> str:
    """Returns the SHA-256 (hex) of the weights, on which alone the predictions depend."""
    digest = hashlib.sha256()
    for name, array in sorted(load_arrays(folder / HEADS_FILE, _MADE_BY).items()):
        digest.update(name.encode() + array.tobytes())
    heads = load_heads(folder)
    for array in heads.attributes.get_weights():
        digest.update(array.tobytes())
    digest.update(heads.appearance.fingerprint().encode())
    return digest.hexdigest()


@dataclasses.dataclass(frozen=True)
class FeatureModels:
    """All trained models that feature extraction needs.

    Attributes:
        detector: finds the boxes of garments and their parts.
        heads: predict colour names, patterns, attributes and appearance.
    """

    detector: Detector
    heads: LearnedHeads

    @classmethod
    def load(cls, detector: Path, heads: Path) -> "FeatureModels":
        """Loads the models.

        Args:
            detector: folder of the detector.
            heads: folder of the other models.

        Raises:
            FitRankError: if a folder is missing or cannot be used.
        """
        return cls(Detector.load(detector), load_heads(heads))


def models_fingerprint(detector: Path, heads: Path) -> dict[str, str]:
    """Returns fingerprints of the models, {"detector": SHA-256, "heads": SHA-256} in hex.

    Args:
        detector: folder of the detector.
        heads: folder of the other models.

    Raises:
        FitRankError: if a folder does not hold its models.
    """
    return {"detector": preset_fingerprint(detector), "heads": heads_fingerprint(heads)}
