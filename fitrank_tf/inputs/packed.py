"""The training data of the towers in one file that is read without TensorFlow.

A machine with an accelerator often has only JAX or PyTorch. Texts, tokens and features are
made where TensorFlow is installed and saved as arrays; photos are saved as JPEG, a
twentieth of the size of their pixels.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from fitrank_tf.core.arrays import load_arrays, save_arrays
from fitrank_tf.core.command_line import command_line
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.progress import tracked
from fitrank_tf.inputs.contrastive_table import ContrastiveTable

PACKED_FILE = "products.npz"
_MADE_BY = "pack"
_TABLE = ("token_ids", "groups", "product_codes", "text_codes")
_SIZES = ("image_size", "vocabulary_size")


@dataclasses.dataclass(frozen=True)
class PackedProducts:
    """The towers' training products, and the validation products for model selection.

    Attributes:
        table: texts, facet codes and features of the N training products.
        photos: photos of the N training products, each the JPEG of a square.
        validation_photos: photos of the M validation products, of the same kind.
        validation_titles: int32 [M, L], tokens of the validation products' titles.
        image_size: side of the squares, in pixels.
        vocabulary_size: number of tokens of the tokenizer.
    """

    table: ContrastiveTable
    photos: Sequence[bytes]
    validation_photos: Sequence[bytes]
    validation_titles: np.ndarray
    image_size: int
    vocabulary_size: int

    def save(self, folder: Path) -> None:
        """Writes `PACKED_FILE` into a folder, atomically."""
        arrays = {name: getattr(self.table, name) for name in _TABLE}
        if self.table.features is not None:
            arrays["features"] = self.table.features
        for name, encoded in (
            ("photos", self.photos),
            ("validation_photos", self.validation_photos),
        ):
            arrays[name] = np.frombuffer(b"".join(encoded), np.uint8)
            arrays[f"{name}_ends"] = np.cumsum([len(data) for data in encoded])
        arrays["validation_titles"] = self.validation_titles
        arrays |= {name: np.array(getattr(self, name)) for name in _SIZES}
        save_arrays(folder / PACKED_FILE, arrays)

    @classmethod
    def load(cls, folder: Path) -> "PackedProducts":
        """Reads what `save` wrote.

        Raises:
            FitRankError: if the file is missing or is not such a file.
        """
        path = folder / PACKED_FILE
        arrays = load_arrays(path, _MADE_BY)
        try:
            return cls(
                table=ContrastiveTable(
                    **{name: arrays[name] for name in _TABLE},
                    features=arrays.get("features"),
                ),
                photos=_cut(arrays["photos"], arrays["photos_ends"]),
                validation_photos=_cut(
                    arrays["validation_photos"], arrays["validation_photos_ends"]
                ),
                validation_titles=arrays["validation_titles"],
                **{name: int(arrays[name]) for name in _SIZES},
            )
        except KeyError as error:
            raise FitRankError(
                f"{path} has no {error.args[0]}; make it again with "
                f"`{command_line(_MADE_BY)}`"
            ) from error


def _cut(data: np.ndarray, ends: np.ndarray) -> list[bytes]:
    return [part.tobytes() for part in np.split(data, ends[:-1])] if len(ends) else []


def encode_square(image: np.ndarray, quality: int) -> bytes:
    """Encodes a square photo as JPEG.

    Args:
        image: uint8 [S, S, 3], RGB.
        quality: JPEG quality, 1..100.
    """
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    return cv2.imencode(".jpg", image[..., ::-1], options)[1].tobytes()


def decode_squares(photos: Sequence[bytes], image_size: int) -> np.ndarray:
    """The pixels of packed photos.

    Args:
        photos: N JPEGs.
        image_size: side of the squares, in pixels.

    Returns:
        uint8 [N, S, S, 3], RGB.

    Raises:
        FitRankError: if a photo does not decode to a square of this size.
    """
    pixels = np.empty((len(photos), image_size, image_size, 3), np.uint8)
    for row, data in enumerate(tracked(photos, "decoding", "photos")):
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        if image is None or image.shape != pixels.shape[1:]:
            raise FitRankError(
                f"packed photo {row} (counted from 0) is not a square of "
                f"{image_size} pixels; make the file again with `{command_line(_MADE_BY)}`"
            )
        pixels[row] = image[..., ::-1]
    return pixels


class PackedBatches:
    """Batches of packed products for contrastive training, in NumPy.

    Called with two steps, it yields the batches between them. A batch of a number is always
    the same, so that training can resume at any step. Photos are not augmented here but in
    the model.

    Args:
        table: texts, groups, facet codes and features of N products.
        pixels: uint8 [N, S, S, 3], photos of the products.
        batch_size: pairs of a batch; at most N is used. The last, smaller batch of an
            epoch is left out.
        seed: of the order and the drawn texts.
    """

    def __init__(
        self, table: ContrastiveTable, pixels: np.ndarray, batch_size: int, seed: int
    ):
        table.check()
        self._table, self._pixels, self._seed = table, pixels, seed
        self._batch_size = min(batch_size, len(table.groups))
        self.steps_per_epoch = len(table.groups) // self._batch_size

    def __call__(self, first: int, end: int) -> Iterator[dict[str, np.ndarray]]:
        """Yields the batches `first` .. `end` - 1, counted over all epochs."""
        for step in range(first, end):
            yield self._batch(*divmod(step, self.steps_per_epoch))

    def _batch(self, epoch: int, number: int) -> dict[str, np.ndarray]:
        table, texts = self._table, self._table.token_ids.shape[1]
        order = np.random.default_rng([self._seed, epoch]).permutation(len(table.groups))
        rows = order[number * self._batch_size : (number + 1) * self._batch_size]
        drawn = np.random.default_rng([self._seed, epoch, number]).integers(
            texts, size=len(rows)
        )
        batch = {
            "images": self._pixels[rows],
            "token_ids": table.token_ids[rows, drawn],
            "groups": table.groups[rows],
            "product_codes": table.product_codes[rows],
            "text_codes": table.text_codes[rows, drawn],
        }
        if table.features is not None:
            batch["features"] = table.features[rows]
        return batch
