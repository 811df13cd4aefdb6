"""Captions of the drawn products, and files of Karpathy's splits."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.miniatures.files import write_json
from benchmarks.miniatures.products import described
from fitrank_tf.datasets.synthetic_catalogue.product import Product

# `{}` is what the photo shows; the others are for its gender, usage and season.
_SENTENCES = (
    "{} .",
    "A photo of {} .",
    "In the middle there is {} for {gender} .",
    "Somebody shows {} for {usage} wear .",
    "The picture has {} for the {season} .",
    "We see {} .",
)
OF_EACH = 5


class Caption(NamedTuple):
    """A caption in two parts and what the photo shows between them."""

    before: str
    phrase: str
    after: str

    @property
    def text(self) -> str:
        """The whole caption."""
        return self.before + self.phrase + self.after


def captions(product: Product, count: int = OF_EACH) -> list[Caption]:
    """Up to six captions of a product's photo."""
    words = {name: value.lower() for name, value in product.attributes.items()}
    made = []
    for sentence in _SENTENCES[:count]:
        before, _, after = sentence.partition("{}")
        phrase = described(product)
        made.append(Caption(before, phrase if before else _upper(phrase), after))
    return [caption._replace(after=caption.after.format_map(words)) for caption in made]


def write_karpathy(
    path: Path, dataset: str, photos: Sequence[tuple[Mapping[str, Any], Sequence[Caption]]]
) -> None:
    """Writes a file of Karpathy's split.

    Args:
        path: of the file.
        dataset: its name in the file.
        photos: what the file says of each photo beside its sentences, and its captions.
    """
    images, first = [], 0
    for number, (photo, texts) in enumerate(photos):
        ids = list(range(first, first + len(texts)))
        first += len(texts)
        sentences = [
            {
                "tokens": caption.text.lower().removesuffix(" .").split(),
                "raw": caption.text,
                "imgid": number,
                "sentid": sentence,
            }
            for caption, sentence in zip(texts, ids)
        ]
        images.append({**photo, "imgid": number, "sentids": ids, "sentences": sentences})
    write_json(path, {"images": images, "dataset": dataset})


def _upper(phrase: str) -> str:
    return phrase[:1].upper() + phrase[1:]
