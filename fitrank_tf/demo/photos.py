"""The products' photos as the page shows them, and the photos that people upload."""

import functools
import hashlib
import io
import threading
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence

import numpy as np
import tensorflow as tf
from PIL import Image

from fitrank_tf.core.files import cache_dir, write_atomically
from fitrank_tf.core.photos.clean import clean_photo
from fitrank_tf.core.photos.shrink import shrunk
from fitrank_tf.core.progress import tracked
from fitrank_tf.core.shipped import folder_fingerprint
from fitrank_tf.datasets.catalogue import Catalogue
from fitrank_tf.datasets.splits import ALL
from fitrank_tf.export.bundle import model_path
from fitrank_tf.export.loaded_bundle import LoadedBundle
from fitrank_tf.export.signatures import DEFAULT_SIGNATURE

# A card is at most 240 CSS pixels wide; larger photos are shrunk to this, in pixels.
_MOST_SIDE = 360
_QUALITY = 85
_KEPT_THUMBNAILS, _KEPT_UPLOADS = 4096, 64
_BATCH = 64
_JPEG_START = b"\xff\xd8\xff"


class ProductPhotos:
    """Photos by product id. An id is a key and never part of a path.

    Args:
        photos: {product id: bytes of a clean JPEG or PNG}.
    """

    def __init__(self, photos: Mapping[str, bytes]):
        self.photos = photos
        self._thumbnail = functools.lru_cache(_KEPT_THUMBNAILS)(
            lambda product: thumbnail(photos[product])
        )

    def thumbnail(self, product: str) -> bytes | None:
        """A JPEG or PNG for a card; None if there is no photo."""
        return self._thumbnail(product) if product in self.photos else None


class UploadedPhotos:
    """The last photos that people searched by, under the hash of their content."""

    def __init__(self) -> None:
        self._photos: OrderedDict[str, bytes] = OrderedDict()
        self._changing = threading.Lock()

    def add(self, data: bytes) -> str:
        """Cleans a photo as the catalogue's are, and returns its key.

        Raises:
            UnreadablePhoto: if it is none.
        """
        photo = clean_photo(data)
        key = hashlib.sha256(photo).hexdigest()[:32]
        with self._changing:
            self._photos[key] = photo
            self._photos.move_to_end(key)
            while len(self._photos) > _KEPT_UPLOADS:
                self._photos.popitem(last=False)
        return key

    def get(self, key: str) -> bytes | None:
        """The clean photo, None if it is no longer kept."""
        return self._photos.get(key)


def thumbnail(photo: bytes) -> bytes:
    """A clean photo at the size of a card: itself if it is a small JPEG, else a JPEG."""
    with Image.open(io.BytesIO(photo)) as image:
        if photo.startswith(_JPEG_START) and max(image.size) <= _MOST_SIDE:
            return photo
    small = shrunk(photo, (_MOST_SIDE, _MOST_SIDE), Image.Resampling.LANCZOS)
    encoded = io.BytesIO()
    small.save(encoded, "JPEG", quality=_QUALITY)
    return encoded.getvalue()


def read_photos(catalogue: Catalogue, ids: Collection[str]) -> dict[str, bytes]:
    """The prepared photos of some products: {product id: JPEG or PNG}, held in memory."""
    wanted = {product.encode() for product in ids}
    items = catalogue.encoded_items(ALL).map(
        lambda item: (item["id"], item["image"]), num_parallel_calls=tf.data.AUTOTUNE
    )
    total = catalogue.num_items(ALL)
    read = tracked(items.prefetch(64).as_numpy_iterator(), "photos", "products", total)
    return {product.decode(): photo for product, photo in read if product in wanted}


def clip_embeddings(
    bundle: LoadedBundle, ids: Sequence[str], photos: Mapping[str, bytes]
) -> np.ndarray:
    """The base tower's embeddings of products; computed once and kept in the cache folder.

    Args:
        bundle: whose `clip_image_encoder` embeds.
        ids: of N products.
        photos: {product id: JPEG or PNG}, at least one of those products'.

    Returns:
        float32 [N, D], NaN for a product without a photo.
    """
    with_photo = [row for row, product in enumerate(ids) if product in photos]
    digest = hashlib.sha256(
        folder_fingerprint(model_path(bundle.path, "clip_image_encoder")).encode()
    )
    for row in with_photo:
        digest.update(hashlib.sha256(photos[ids[row]]).digest())
    path = cache_dir() / f"clip-embeddings-{digest.hexdigest()[:16]}.npy"
    if path.is_file():
        embedded = np.load(path)
    else:
        encode = bundle.model("clip_image_encoder").signatures[DEFAULT_SIGNATURE]
        starts = range(0, len(with_photo), _BATCH)
        embedded = np.concatenate(
            [
                encode(
                    image=tf.constant(
                        [photos[ids[row]] for row in with_photo[start : start + _BATCH]]
                    )
                )["embedding"].numpy()
                for start in tracked(starts, "embedding photos for clip", "batches")
            ]
        )
        stored = io.BytesIO()
        np.save(stored, embedded)
        write_atomically(path, stored.getvalue())
    everything = np.full((len(ids), embedded.shape[1]), np.nan, np.float32)
    everything[with_photo] = embedded
    return everything
