"""Reads Karpathy's `dataset_coco.json` and `dataset_flickr30k.json`.

Both list photos with their captions and the part of the split that most published figures
are measured on. COCO's file is 144 MB, most of it the words of each caption, which are
dropped while it is parsed.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import tensorflow_datasets as tfds

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.splits import TEST, TRAIN, VALIDATION

# {part of Karpathy's split: the split here}; `restval` are COCO's validation photos that
# are in neither `val` nor `test`, with which models are trained too.
SPLIT_OF: Mapping[str, str] = {
    "train": TRAIN,
    "restval": TRAIN,
    "val": VALIDATION,
    "test": TEST,
}
NO_CAPTION = "photo without captions"
UNKNOWN_PART = f"photo of no part of the split ({', '.join(SPLIT_OF)})"
MALFORMED_ENTRY = "malformed entry"


class KarpathyPhoto(NamedTuple):
    """A photo of Karpathy's files.

    Attributes:
        name: of the file.
        folder: of the file, such as "val2014"; "" in Flickr30k.
        number: COCO's id; "" in Flickr30k.
        part: "train", "restval", "val" or "test".
        captions: in order, without blanks at their ends.
        problem: why the entry cannot be used, "" for a good one.
    """

    name: str
    folder: str = ""
    number: str = ""
    part: str = ""
    captions: tuple[str, ...] = ()
    problem: str = ""


def read_karpathy(path: Path) -> list[KarpathyPhoto]:
    """The photos in the order of the file; a malformed entry is named by its place.

    Args:
        path: of `dataset_coco.json` or `dataset_flickr30k.json`.

    Raises:
        FitRankError: if the file cannot be read, or is another.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            entries = json.load(file, object_hook=_without_words)["images"]
        return [
            entry
            if isinstance(entry, KarpathyPhoto)
            else KarpathyPhoto(f"entry {n}", number=f"entry {n}", problem=MALFORMED_ENTRY)
            for n, entry in enumerate(entries, 1)
        ]
    except (OSError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise FitRankError(
            f"{path} is not a file of Karpathy's split ({error!r}); unpack "
            "caption_datasets.zip again"
        ) from error


def _without_words(entry: dict[str, Any]) -> Any:
    """A caption as its text, and a photo as `KarpathyPhoto`, as soon as they are parsed."""
    if "raw" in entry:
        return entry["raw"]
    if "filename" in entry:
        name, folder = entry["filename"], entry.get("filepath", "")
        number, sentences = entry.get("cocoid", ""), entry.get("sentences", [])
        if not isinstance(sentences, list) or not isinstance(number, int | str):
            return entry
        if not name or not all(isinstance(t, str) for t in (name, folder, *sentences)):
            return entry
        part = str(entry.get("split", ""))
        return KarpathyPhoto(
            name=name,
            folder=folder,
            number=str(number),
            part=part,
            captions=tuple(filter(None, map(str.strip, sentences))),
            problem="" if part in SPLIT_OF else UNKNOWN_PART,
        )
    return entry


def caption_features() -> dict[str, Any]:
    """The `more_features` of photos with captions; `Catalogue.captions` reads them."""
    return {"captions": tfds.features.Sequence(tfds.features.Text())}
