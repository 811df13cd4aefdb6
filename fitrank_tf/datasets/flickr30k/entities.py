"""Flickr30k Entities: captions in which phrases are marked, and boxes of what they name.

`Sentences/<id>.txt` has a caption a line, such as `[/EN#77/people A man] runs .`;
`Annotations/<id>.xml` has the boxes of each entity as Pascal VOC writes them, the first
pixel being 1. They are boxes of the stored photo, so those of a photo that its EXIF data
turns are turned with it, unless the size in the XML file is that of the turned photo. The
split is its own, in `train.txt`, `val.txt` and `test.txt`.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from fitrank_tf.core.files import file_digest
from fitrank_tf.core.lines import numbered_lines
from fitrank_tf.core.photos.clean import photo_orientation, photo_size, upright_box
from fitrank_tf.core.photos.folder import DiskImageFolder
from fitrank_tf.datasets.karpathy import NO_CAPTION, SPLIT_OF, caption_features
from fitrank_tf.datasets.manual_dir import ManualDir, located
from fitrank_tf.datasets.product_source import ProductRow

NO_SENTENCES = "no file in Sentences"
MALFORMED_SENTENCES = "malformed file in Sentences"
NO_ANNOTATIONS = "no file in Annotations"
MALFORMED_ANNOTATIONS = "malformed file in Annotations"

_PARTS = ("train", "val", "test")
# The entity, its kinds with "/" between, and the words. Entity 0 cannot be seen.
_PHRASE = re.compile(r"\[/EN#(\d+)/(\S+)\s+([^\[\]]*[^\[\]\s])\s*\]")
_MARK = "/EN#"
# Key of a row's `more`: (width, height) of the photo that the boxes were drawn in.
_SIZE = "size"


class Entities:
    """The opened folders.

    Args:
        manual_dir: the folder that they are in.
        unpack: how to get them, for messages.

    Raises:
        FitRankError: if a folder or a file of the split is missing.
    """

    DESCRIPTION = "Captions with marked phrases, boxes and split of Flickr30k Entities."

    def __init__(self, manual_dir: str, unpack: str):
        annotated = ManualDir(manual_dir, "Sentences", unpack)
        self._sentences = annotated.need("Sentences")
        self._annotations = annotated.need("Annotations")
        self._lists = {
            part: located(manual_dir, [f"{part}.txt"], unpack) for part in _PARTS
        }

    @staticmethod
    def more_features() -> Mapping[str, Any]:
        """TFDS features of the Items.

        `captions`, in order and without marks; `phrases`, of which each is words of the
        caption `sentence` from `first_word` on, both from 0; `boxes`, several of some
        entities and none of others.
        """
        phrase = {
            "sentence": tfds.features.Scalar(np.int64),
            "first_word": tfds.features.Scalar(np.int64),
            "text": tfds.features.Text(),
            "entity": tfds.features.Text(),
            "kind": tfds.features.Text(),
        }
        box = {"entity": tfds.features.Text(), "bbox": tfds.features.BBoxFeature()}
        return {
            **caption_features(),
            "phrases": tfds.features.Sequence(phrase),
            "boxes": tfds.features.Sequence(box),
        }

    def stamps(self) -> Iterator[tuple[str, str]]:
        """(name, stamp) of each file that is read."""
        for folder in (self._sentences, self._annotations):
            for name, stamp in DiskImageFolder(folder).stamps.items():
                yield f"{folder.name}/{name}", stamp
        for path in self._lists.values():
            yield path.name, file_digest(path)

    def rows(self) -> Iterator[ProductRow]:
        """The photos of the three lists, each read when it is yielded."""
        for part, path in self._lists.items():
            for _, line in numbered_lines(path):
                yield self._row(line.strip(), part)

    def _row(self, photo: str, part: str) -> ProductRow:
        more, problem = {}, ""
        try:
            more = {
                **_read_sentences(self._sentences / f"{photo}.txt"),
                **_read_boxes(self._annotations / f"{photo}.xml"),
            }
        except _Unreadable as error:
            problem = str(error)
        captions = more.get("captions", ())
        return ProductRow(
            id=photo,
            text=captions[0] if captions else "",
            attributes={"partition": part},
            photos=(f"{photo}.jpg",),
            split=SPLIT_OF[part],
            more=more,
            problem=problem or ("" if captions else NO_CAPTION),
        )


def upright_boxes(more: Mapping[str, Any], photo: bytes) -> dict[str, Any]:
    """The `more` of a row with the boxes as they are in its photo, turned upright.

    Args:
        more: of a row of `Entities`.
        photo: bytes of the image file, before it is turned.
    """
    values = {name: value for name, value in more.items() if name != _SIZE}
    orientation, (width, height) = photo_orientation(photo), photo_size(photo)
    is_on_its_side = orientation in (5, 6, 7, 8) and width != height
    if is_on_its_side and more[_SIZE] == (height, width):
        return values
    corners = (upright_box(box, orientation) for box in more["boxes"]["bbox"])
    boxes = [tfds.features.BBox(*box) for box in corners]
    return {**values, "boxes": {**more["boxes"], "bbox": boxes}}


class _Unreadable(ValueError):  # noqa: N818 (not an error of the run: it is counted)
    """Files of a photo that cannot be read; the message is the reason."""


def _read_sentences(path: Path) -> dict[str, Any]:
    """`captions` and `phrases` of a photo."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError as error:
        raise _Unreadable(NO_SENTENCES) from error
    except (OSError, ValueError) as error:
        raise _Unreadable(MALFORMED_SENTENCES) from error
    captions: list[str] = []
    phrases: dict[str, list[Any]] = {
        name: [] for name in ("sentence", "first_word", "text", "entity", "kind")
    }
    for line in filter(None, map(str.strip, lines)):
        caption = ""
        end = 0
        for found in _PHRASE.finditer(line):
            caption += line[end : found.start()]
            phrase = (len(captions), len(caption.split()), found[3], found[1], found[2])
            for column, value in zip(phrases.values(), phrase):
                column.append(value)
            caption += found[3]
            end = found.end()
        caption += line[end:]
        if _MARK in caption:
            raise _Unreadable(MALFORMED_SENTENCES)
        captions.append(caption)
    return {"captions": tuple(captions), "phrases": phrases}


def _read_boxes(path: Path) -> dict[str, Any]:
    """`boxes` of a photo, and the size of the photo that they were drawn in."""
    boxes: dict[str, list[Any]] = {"entity": [], "bbox": []}
    try:
        parser = ET.XMLParser(target=_WithoutDoctype())
        root = ET.fromstring(path.read_bytes(), parser)
        width, height = (_number(root, f"size/{side}") for side in ("width", "height"))
        for thing in root.iterfind("object"):
            # What cannot be boxed has <nobndbox> in its place, a whole scene <scene>.
            for box in thing.iterfind("bndbox"):
                corners = _corners(box, width, height)
                for name in thing.iterfind("name"):
                    boxes["entity"].append((name.text or "").strip())
                    boxes["bbox"].append(corners)
    except FileNotFoundError as error:
        raise _Unreadable(NO_ANNOTATIONS) from error
    except (OSError, ET.ParseError, ArithmeticError, LookupError, ValueError) as error:
        raise _Unreadable(MALFORMED_ANNOTATIONS) from error
    return {"boxes": boxes, _SIZE: (width, height)}


class _WithoutDoctype(ET.TreeBuilder):
    """Refuses a document type, which could declare entities that grow without end."""

    def doctype(self, name: str, public_id: str | None, system_id: str | None) -> None:
        raise ValueError("a document type")


def _corners(box: ET.Element, width: float, height: float) -> Any:
    """A box in 0..1 of the photo. Pixels are counted from 1, and the last is inside."""
    sides = (
        (_number(box, "ymin") - 1) / height,
        (_number(box, "xmin") - 1) / width,
        _number(box, "ymax") / height,
        _number(box, "xmax") / width,
    )
    corners = tfds.features.BBox(*(min(max(side, 0.0), 1.0) for side in sides))
    is_box = corners.ymin <= corners.ymax and corners.xmin <= corners.xmax
    if not is_box:
        raise ValueError("no box")
    return corners


def _number(element: ET.Element, path: str) -> float:
    return float(element.findtext(path, ""))
