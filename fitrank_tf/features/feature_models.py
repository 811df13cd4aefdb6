"""All that was learned to see features: detector, colour names, patterns, attributes,
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
_PATTERN = "pattern"
_MADE_BY = "train-features"


@dataclasses.dataclass(frozen=True)
class LearnedHeads:
    """What stands on the detector, and beside it.

    Attributes:
        namer: colour names.
        pattern: from `patterns.pattern_inputs` to `PATTERNS`.
        attributes: sleeve and neckline, from canvases.
        appearance: of whole photos.
    """

    namer: ColourNamer
    pattern: SoftmaxHead
    attributes: keras.Model
    appearance: AppearanceNetwork

    def save(self, folder: Path) -> None:
        """Writes two files and `APPEARANCE_DIR` into a folder that is there."""
        arrays = {**self.namer.arrays(), **head_arrays(self.pattern, _PATTERN)}
        save_arrays(folder / HEADS_FILE, arrays)
        with tempfile.TemporaryDirectory() as temporary:
            # Keras wants a name that ends in .keras.
            written = Path(temporary) / ATTRIBUTES_FILE
            self.attributes.save(written)
            write_atomically(folder / ATTRIBUTES_FILE, written.read_bytes())
        self.appearance.save(folder / APPEARANCE_DIR)


def load_heads(folder: Path) -> LearnedHeads:
    """Reads what `LearnedHeads.save` wrote; once a process while the files stay.

    Raises:
        FitRankError: if it is not there or is of another version.
    """
    names = (HEADS_FILE, ATTRIBUTES_FILE, *APPEARANCE_FILES)
    paths = [folder.resolve() / name for name in names]
    stamps = tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in paths)
    return _load_heads(folder.resolve(), stamps)


@functools.lru_cache(maxsize=2)
def _load_heads(folder: Path, stamps: tuple[int, ...]) -> LearnedHeads:
    del stamps  # another stamp, another file
    arrays = load_arrays(folder / HEADS_FILE, _MADE_BY)
    path = folder / ATTRIBUTES_FILE
    try:
        namer, pattern = ColourNamer.from_arrays(arrays), head_from_arrays(arrays, _PATTERN)
        network = keras.saving.load_model(path, compile=False)
    except Exception as error:
        # Damage shows in whatever Keras and zipfile come across first.
        raise FitRankError(
            f"the feature models in {folder} cannot be used ({error}); train them with "
            f"`{command_line(_MADE_BY)}`"
        ) from error
    appearance = load_appearance(str(folder / APPEARANCE_DIR))
    return LearnedHeads(namer, pattern, network, appearance)


def heads_fingerprint(folder: Path) -> str:
    """SHA-256 (hex) of the weights: what they tell depends on nothing else."""
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
    """The detector and what stands on it.

    Attributes:
        detector: finds boxes.
        heads: the rest.
    """

    detector: Detector
    heads: LearnedHeads

    @classmethod
    def load(cls, detector: Path, heads: Path) -> "FeatureModels":
        """Reads both folders.

        Raises:
            FitRankError: if one is not there or cannot be used.
        """
        return cls(Detector.load(detector), load_heads(heads))


def models_fingerprint(detector: Path, heads: Path) -> dict[str, str]:
    """What features of a photo depend on beside the photo and the code.

    Raises:
        FitRankError: if one of the folders does not hold what it should.
    """
    return {"detector": preset_fingerprint(detector), "heads": heads_fingerprint(heads)}
