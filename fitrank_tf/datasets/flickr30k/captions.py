"""Flickr30K's captions by Karpathy's split.

The split is read from `dataset_flickr30k.json`, or else the test photos alone from
`flickr30k_test_karpathy.txt`. The captions are read from the first of `CAPTION_FILES` that
is there: the authors' own file first, then Kaggle's copy of it, in which a line lost its
separator, and last the files of the split, of which one has the test photos alone.
"""

import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from fitrank_tf.core.files import file_digest
from fitrank_tf.core.lines import numbered_lines
from fitrank_tf.datasets.karpathy import (
    NO_CAPTION,
    SPLIT_OF,
    KarpathyPhoto,
    caption_features,
    read_karpathy,
)
from fitrank_tf.datasets.manual_dir import located
from fitrank_tf.datasets.product_source import ProductRow

logger = logging.getLogger(__name__)

_JSON, _TEST_FILE = "dataset_flickr30k.json", "flickr30k_test_karpathy.txt"
_TOKEN, _KAGGLE = "results_20130124.token", "results.csv"
CAPTION_FILES: tuple[str, ...] = (_TOKEN, _KAGGLE, _JSON, _TEST_FILE)
MALFORMED_LINE = "malformed line of a caption"
SECOND_CAPTION = "second caption of the same number"

# {file: (lines of its head, its other lines: a photo, the caption's place in the order of
# the photo's captions, and the caption)}.
_FORMS: Mapping[str, tuple[int, re.Pattern[str]]] = {
    _TOKEN: (0, re.compile(r"(\w+\.jpg)#(\d{1,9})\s+(\S.*)")),
    # `2199200615.jpg| 4   A dog runs` has no second separator.
    _KAGGLE: (1, re.compile(r"(\w+\.jpg)\|\s*(\d{1,9})(?:\s*\||\s)\s*([^\s|].*)")),
    # In the order of the lines; a caption may hold commas.
    _TEST_FILE: (1, re.compile(r"(\w+\.jpg),()\s*(\S.*)")),
}


class _Caption(NamedTuple):
    photo: str
    place: int
    text: str


class KarpathyCaptions:
    """The opened files.

    Args:
        manual_dir: the folder that they are in.
        unpack: how to get them, for messages.

    Raises:
        FitRankError: if there is no split, or a file cannot be read.
    """

    DESCRIPTION = "Karpathy's split and captions."

    def __init__(self, manual_dir: str, unpack: str):
        self._split_file = located(manual_dir, (_JSON, _TEST_FILE), unpack)
        self._caption_file = located(manual_dir, CAPTION_FILES, unpack)
        logger.info("split of %s, captions of %s", self._split_file, self._caption_file)

    @staticmethod
    def more_features() -> Mapping[str, Any]:
        """TFDS features of the Items: `captions`, in order."""
        return caption_features()

    def stamps(self) -> Iterator[tuple[str, str]]:
        """(name, SHA-256) of each file that is read."""
        for path in {self._split_file, self._caption_file}:
            yield path.name, file_digest(path)

    def rows(self) -> Iterator[ProductRow]:
        """The photos of the split, and the lines of captions that cannot be read."""
        if self._split_file.name == _JSON:
            photos = read_karpathy(self._split_file)
        else:
            listed, _ = _read_lines(self._split_file)
            names = dict.fromkeys(caption.photo for caption in listed)
            photos = [KarpathyPhoto(name, part="test") for name in names]
        captions = {photo.name: photo.captions for photo in photos}
        if self._caption_file.name != _JSON:
            lines, left_out = _read_lines(self._caption_file)
            captions = _by_photo(lines)
            for line, problem in left_out.items():
                yield ProductRow("", "", {}, problem=problem, line=line)
        for photo in photos:
            texts = captions.get(photo.name, ())
            yield ProductRow(
                id=PurePosixPath(photo.name).stem,
                text=texts[0] if texts else "",
                attributes={"partition": photo.part},
                photos=(photo.name,),
                split=SPLIT_OF.get(photo.part, ""),
                more={"captions": texts},
                problem=photo.problem or ("" if texts else NO_CAPTION),
            )


def _read_lines(path: Path) -> tuple[list[_Caption], dict[int, str]]:
    """(the captions of a file, {number of another line: why it is left out})."""
    head, pattern = _FORMS[path.name]
    captions, left_out = list[_Caption](), dict[int, str]()
    numbered = set[tuple[str, int]]()
    for number, line in list(numbered_lines(path))[head:]:
        found = pattern.fullmatch(line.strip())
        if not found:
            left_out[number] = MALFORMED_LINE
            continue
        caption = _Caption(found[1], int(found[2] or 0), found[3])
        place = (caption.photo, caption.place)
        if found[2] and place in numbered:
            left_out[number] = SECOND_CAPTION
            continue
        numbered.add(place)
        captions.append(caption)
    return captions, left_out


def _by_photo(captions: Iterable[_Caption]) -> dict[str, tuple[str, ...]]:
    """{photo: its captions in order}; those of one place are in the order of the lines."""
    texts = defaultdict[str, list[str]](list)
    for caption in sorted(captions, key=lambda caption: caption.place):
        texts[caption.photo].append(caption.text)
    return {photo: tuple(found) for photo, found in texts.items()}
