"""A miniature of DeepFashion-MultiModal."""

from collections.abc import Mapping
from pathlib import Path

from benchmarks.miniatures.files import (
    write_bytes,
    write_ground_truth,
    write_json,
    write_lines,
)
from benchmarks.miniatures.products import (
    CLOTHES,
    FOLDERS,
    described,
    grouped,
    in_parts,
    products,
    views,
)
from fitrank_tf.datasets.synthetic_catalogue.product import Product

_PHOTOS_OF_ITEM = 4
# Of the photos, whether they have a caption.
_CAPTIONED = {True: 42544, False: 1552}
_VIEWS = ("1_front", "2_side", "3_back", "4_full", "7_additional", "6_flat")
_WORDS = ("", " seen from the side", " seen from behind", " in full", " from near", " flat")
_NOT_SEEN = 7
# {value of a drawn product: the number of the label}.
_SLEEVES: Mapping[str, int] = {"sleeveless": 0, "short": 1, "three-quarter": 2, "long": 3}
_NECKLINES: Mapping[str, int] = {"v": 0, "round": 2, "hood": 3, "collar": 4}
_PATTERNS: Mapping[str, int] = {
    "printed": 1,
    "striped": 2,
    "plain": 3,
    "checked": 4,
    "dotted": 5,
}
_COTTON = 1
_NO_SLEEVE, _NO_LENGTH, _NO_NECKLINE = 5, 4, 6


def write(folder: Path, num_items: int, seed: int) -> None:
    """Writes so many photos, a few without a caption."""
    captioned = iter(in_parts(num_items, _CAPTIONED))
    captions: dict[str, str] = {}
    labels: dict[str, list[str]] = {
        "shape_anno_all": [],
        "fabric_ann": [],
        "pattern_ann": [],
    }
    drawn = products(seed, worn=True)
    for number, size in enumerate(grouped(num_items, _PHOTOS_OF_ITEM), 1):
        product = next(drawn)
        of = product.attributes
        gender = "MEN" if of["gender"] in ("Men", "Boys") else "WOMEN"
        item = f"{gender}-{FOLDERS[of['article_type']]}-id_{number:08d}-01"
        of_view = zip(views(product, size), _VIEWS, _WORDS, captioned)
        for view, end, words, has_caption in of_view:
            name = f"{item}_{end}.jpg"
            write_bytes(folder / "images" / name, view.jpeg())
            if has_caption:
                captions[name] = f"{described(product).capitalize()}{words}."
            for table, numbers in _numbers(product).items():
                labels[table].append(" ".join([name, *map(str, numbers)]))
    write_json(folder / "captions.json", captions)
    write_lines(folder / "labels/shape/shape_anno_all.txt", labels.pop("shape_anno_all"))
    for table, lines in labels.items():
        write_lines(folder / f"labels/texture/{table}.txt", lines)
    documents = [(text, name.removesuffix(".jpg")) for name, text in captions.items()]
    write_ground_truth(folder, "text", "image", documents)


def _numbers(product: Product) -> dict[str, list[int]]:
    """The numbers of a photo in each of the three files of labels."""
    of = product.attributes
    shape = [
        *(_SLEEVES.get(of["sleeve"], _NO_SLEEVE), _NO_LENGTH),
        *(3, 0, 0, 2, 0, 0, 4),
        *(_NECKLINES.get(of["neckline"], _NO_NECKLINE), 1, 0),
    ]
    # The columns are upper, lower and outer clothes.
    column = {1: 0, 2: 1, 3: 0}[CLOTHES[product.boxes[0].label]]
    column = 2 if product.boxes[0].label == "outerwear" else column
    seen = {"fabric_ann": _COTTON, "pattern_ann": _PATTERNS[of["pattern"]]}
    return {
        "shape_anno_all": shape,
        **{
            table: [number if place == column else _NOT_SEEN for place in range(3)]
            for table, number in seen.items()
        },
    }
