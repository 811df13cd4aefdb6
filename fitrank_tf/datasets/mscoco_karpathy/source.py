"""COCO's photos of 2014 and Karpathy's `dataset_coco.json` as a `ProductSource`.

Photos are read from the folders `val2014` and `train2014`. Those of a folder that is not
unpacked are read from TFDS's own `coco_captions`, where it is prepared, or left out.
"""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.photos.folder import DiskImageFolder
from fitrank_tf.datasets.attributes import Attribute, Declaration
from fitrank_tf.datasets.karpathy import (
    NO_CAPTION,
    SPLIT_OF,
    caption_features,
    read_karpathy,
)
from fitrank_tf.datasets.manual_dir import located
from fitrank_tf.datasets.mscoco_karpathy.prepared_photos import find_prepared
from fitrank_tf.datasets.product_source import ProductRow, content_fingerprint
from fitrank_tf.datasets.public_builder import PublicSource

UNPACK = (
    "unpack dataset_coco.json from caption_datasets.zip and val2014.zip (and train2014.zip "
    "for training photos) into one folder, and name it with --manual_dir; in the place of "
    "the photos, TFDS's prepared coco_captions will do"
)
NO_FOLDER = "entry without the folder of its photo (`filepath`)"

_JSON = "dataset_coco.json"
_FOLDERS = ("val2014", "train2014")


class MscocoKarpathySource(PublicSource):
    """The list of photos and the folders that are there.

    Raises:
        FitRankError: if there is no list, or no photos.
    """

    def __init__(self, manual_dir: str, config: str = ""):
        super().__init__(manual_dir, config)
        self._json = located(manual_dir, (_JSON,), UNPACK)
        places = {name: (name, f"images/{name}") for name in _FOLDERS}
        self._folders: dict[str, DiskImageFolder] = {}
        for name, paths in places.items():
            with contextlib.suppress(FitRankError):
                self._folders[name] = DiskImageFolder(located(manual_dir, paths, UNPACK))
        is_whole = len(self._folders) == len(_FOLDERS)
        self._prepared = None if is_whole else find_prepared(manual_dir)
        if not self._folders and not self._prepared:
            located(manual_dir, _FOLDERS, UNPACK)  # raises: says what is missing

    @classmethod
    def declaration_of(cls, config: str) -> Declaration:
        return Declaration(attributes=(Attribute("partition"),))

    @classmethod
    def more_features_of(cls, config: str) -> Mapping[str, Any]:
        return caption_features()

    @property
    def where(self) -> str:
        return str(self._json)

    def rows(self) -> Iterator[ProductRow]:
        """The photos of folders, then those that TFDS has stored, in its order."""
        photos = read_karpathy(self._json)
        packed = {
            photo.name: SPLIT_OF.get(photo.part, "")
            for photo in photos
            if photo.folder and photo.folder not in self._folders
        }
        stored = self._prepared.photos(packed) if self._prepared else {}
        order = {name: number for number, name in enumerate(stored)}
        for photo in sorted(photos, key=lambda photo: order.get(photo.name, -1)):
            problem = photo.problem or ("" if photo.captions else NO_CAPTION)
            if not photo.folder:
                problem = problem or NO_FOLDER
            elif photo.folder not in self._folders and photo.name not in stored:
                problem = problem or f"photo of {photo.folder}, which is not unpacked"
            yield ProductRow(
                id=photo.number,
                text=photo.captions[0] if photo.captions else "",
                attributes={"partition": photo.part},
                photos=(stored.get(photo.name, f"{photo.folder}/{photo.name}"),),
                split=SPLIT_OF.get(photo.part, ""),
                more={"captions": photo.captions},
                problem=problem,
            )

    def read_photo(self, photo: str) -> bytes:
        folder, _, name = photo.partition("/")
        return self._folders[folder].read(name)

    def fingerprint(self) -> str:
        files = [
            (f"{folder}/{name}", stamp)
            for folder, images in self._folders.items()
            for name, stamp in images.stamps.items()
        ]
        if self._prepared:
            files += self._prepared.stamps()
        return content_fingerprint([self._json.read_bytes()], files)
