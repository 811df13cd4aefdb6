"""A miniature of Flickr30K with Karpathy's split, and of Flickr30k Entities beside it."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from benchmarks.miniatures.captions import Caption, captions, write_karpathy
from benchmarks.miniatures.files import write_bytes, write_lines
from benchmarks.miniatures.products import View, in_parts, products, views

_KARPATHY = {"train": 29000, "val": 1014, "test": 1000}
_ENTITIES = {"train": 29783, "val": 1000, "test": 1000}
_FIRST_ID, _FIRST_ENTITY = 1000092795, 100


def write(folder: Path, num_items: int, seed: int) -> None:
    """Writes so many photos; the test photos of the two splits are others."""
    parts = in_parts(num_items, _KARPATHY)
    own_parts = in_parts(num_items, _ENTITIES)[::-1]
    photos, tokens = [], []
    lists = defaultdict[str, list[str]](list)
    drawn = zip(products(seed), parts, own_parts)
    for number, (product, part, own_part) in enumerate(drawn):
        photo = str(_FIRST_ID + 13 * number)
        [view] = views(product, 1)
        texts = captions(product)
        write_bytes(folder / f"flickr30k-images/{photo}.jpg", view.jpeg())
        photos.append(({"filename": f"{photo}.jpg", "split": part}, texts))
        tokens += [f"{photo}.jpg#{n}\t{caption.text}" for n, caption in enumerate(texts)]
        lists[own_part].append(photo)
        entity = str(_FIRST_ENTITY + number)
        _write_sentences(folder / f"Sentences/{photo}.txt", texts, entity)
        _write_boxes(folder / f"Annotations/{photo}.xml", view, entity)
    write_karpathy(folder / "dataset_flickr30k.json", "flickr30k", photos)
    write_lines(folder / "results_20130124.token", tokens)
    for own_part, names in lists.items():
        write_lines(folder / f"{own_part}.txt", names)


def _write_sentences(path: Path, texts: Sequence[Caption], entity: str) -> None:
    write_lines(
        path,
        [
            f"{caption.before}[/EN#{entity}/clothing {caption.phrase}]{caption.after}"
            for caption in texts
        ],
    )


def _write_boxes(path: Path, view: View, entity: str) -> None:
    """Pascal VOC's form, the first pixel being 1."""
    height, width = view.image.shape[:2]
    corners = view.corners(view.boxes[0])
    # xmin and ymin are counted from 1; xmax and ymax are the last pixels of the box.
    edges = zip(("xmin", "ymin", "xmax", "ymax"), corners, (1, 1, 0, 0))
    write_lines(
        path,
        [
            "<annotation>",
            f"\t<filename>{path.stem}.jpg</filename>",
            f"\t<size><width>{width}</width><height>{height}</height><depth>3</depth></size>",
            f"\t<object><name>{entity}</name><bndbox>",
            *(f"\t\t<{name}>{edge + first}</{name}>" for name, edge, first in edges),
            "\t</bndbox></object>",
            "</annotation>",
        ],
    )
