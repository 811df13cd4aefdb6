"""Cuts products out of their photos, for all features but the boxes."""

import dataclasses

import numpy as np
import tensorflow as tf

from fitrank_tf.core.progress import Progress
from fitrank_tf.features.colour.names import box_evidence
from fitrank_tf.features.garment.boxes import best_garment_boxes
from fitrank_tf.features.garment.crop import GarmentCrop, cut_out
from fitrank_tf.features.garment.detector import Detections, Detector
from fitrank_tf.features.garment.photo_square import boxes_from_square, photo_extent
from fitrank_tf.inputs.images import resize_and_pad

# Photos are scaled to this longer side (pixels) before colours and textures are extracted.
PHOTO_SIDE = 224
_BATCH = 32
# Random crops keep at least this share of each side of the box.
_LEAST_WINDOW = 0.8


@dataclasses.dataclass(frozen=True)
class GarmentViews:
    """The products of a catalogue, cut out of their photos.

    Attributes:
        crops: of N products.
        evidence: float32 [N, 13], from `colour.names.box_evidence`.
    """

    crops: list[GarmentCrop]
    evidence: np.ndarray


def photo_squares(
    image: tf.Tensor, detector_size: int
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Pads a photo to the squares that feature extraction takes.

    Args:
        image: uint8 [H, W, 3].
        detector_size: S, side of the detector's input in pixels.

    Returns:
        uint8 [S, S, 3] for the detector, uint8 [224, 224, 3] for everything else, and
        the photo's height and width, int32 [2].
    """
    return (
        resize_and_pad(image, detector_size),
        resize_and_pad(image, PHOTO_SIDE),
        tf.ensure_shape(tf.shape(image)[:2], [2]),
    )


def square_batches(
    items: tf.data.Dataset, detector: Detector, batch_size: int
) -> tf.data.Dataset:
    """Returns batches of `photo_squares`, in the order of the items.

    Args:
        items: dicts with `image` uint8 [H, W, 3].
        detector: its input size is used.
        batch_size: items per batch.
    """
    return items.map(
        lambda item: photo_squares(item["image"], detector.image_size),
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    ).batch(batch_size)


def detect_in_photos(
    detector: Detector, squares: tf.Tensor, sizes: tf.Tensor
) -> Detections:
    """Returns detections with boxes in 0..1 of the photos.

    Args:
        detector: the garment detector, with input size S.
        squares: uint8 [B, S, S, 3], from `photo_squares`.
        sizes: int32 [B, 2], height and width of the photos in pixels.
    """
    size = detector.image_size
    found = detector.detect(tf.cast(squares, tf.float32))
    extent = photo_extent(sizes[:, 0], sizes[:, 1], size)
    return found._replace(boxes=boxes_from_square(found.boxes, extent, size))


def cut_out_garments(
    photos: np.ndarray, sizes: np.ndarray, garments: np.ndarray
) -> list[GarmentCrop]:
    """Cuts the products of a batch out of their photos.

    Args:
        photos: uint8 [B, 224, 224, 3], from `photo_squares`.
        sizes: int [B, 2], height and width of the original photos in pixels.
        garments: float32 [B, 4], boxes in 0..1 of the photo, zeros where not found.
    """
    extent = photo_extent(sizes[:, 0], sizes[:, 1], PHOTO_SIDE).numpy().astype(int)
    return [
        cut_out(photo[top : top + height, left : left + width], garment)
        for photo, (top, left, height, width), garment in zip(photos, extent, garments)
    ]


def jittered(views: GarmentViews, generator: np.random.Generator) -> GarmentViews:
    """Augments crops: random windows of them, half of them mirrored.

    Without it the colour heads overfit to the exact crops, but no two detections of one
    product are the same.

    Args:
        views: not changed.
        generator: draws the windows.
    """
    crops = [
        dataclasses.replace(crop, pixels=_another_window(crop.pixels, generator))
        for crop in views.crops
    ]
    return dataclasses.replace(views, crops=crops)


def _another_window(pixels: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    whole = np.array(pixels.shape[:2])
    sides = generator.uniform(_LEAST_WINDOW, 1.0, 2) * whole
    top, left = (generator.uniform(0.0, 1.0, 2) * (whole - sides)).astype(int)
    bottom, right = np.maximum((top, left) + sides, (top + 1, left + 1)).astype(int)
    window = pixels[top:bottom, left:right]
    return window[:, ::-1] if generator.random() < 0.5 else window


def view_garments(
    items: tf.data.Dataset, num_items: int, detector: Detector
) -> GarmentViews:
    """Cuts all products of a catalogue out of their photos, with a progress bar.

    Takes up to 150 kB of memory per product.

    Args:
        items: dicts with `image` uint8 [H, W, 3].
        num_items: number of items.
        detector: finds the garment boxes.
    """
    batches = (
        square_batches(items, detector, _BATCH)
        .map(
            lambda squares, photos, sizes: (
                photos,
                sizes,
                detect_in_photos(detector, squares, sizes),
            ),
            num_parallel_calls=2,
            deterministic=True,
        )
        .prefetch(2)
    )
    crops, evidence = [], []
    with Progress("garments", num_items, "photos") as shown:
        for photos, sizes, found in batches.as_numpy_iterator():
            garments = best_garment_boxes(*found).boxes
            # Copies: a view would keep the whole batch of photos.
            crops += [
                dataclasses.replace(crop, pixels=crop.pixels.copy())
                for crop in cut_out_garments(photos, sizes, garments)
            ]
            evidence.append(box_evidence(found.classes, found.scores, garments))
            shown.add(len(photos))
    return GarmentViews(crops, np.concatenate(evidence))
