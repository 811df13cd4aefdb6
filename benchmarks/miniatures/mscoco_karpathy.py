"""A miniature of COCO's photos of 2014 with Karpathy's split."""

from pathlib import Path

from benchmarks.miniatures.captions import OF_EACH, captions, write_karpathy
from benchmarks.miniatures.files import write_bytes
from benchmarks.miniatures.products import in_parts, products, views

_OFFICIAL = {"train": 82783, "restval": 30504, "val": 5000, "test": 5000}
_TEST, _FIRST_ID = "test", 100


def write(folder: Path, num_items: int, seed: int) -> None:
    """Writes so many photos with five captions, and six of the first test photo."""
    photos = []
    parts = in_parts(num_items, _OFFICIAL)
    for number, (product, part) in enumerate(zip(products(seed), parts)):
        place = "train2014" if part == "train" else "val2014"
        # Ids have gaps, as COCO's.
        coco_id = _FIRST_ID + 7 * number
        name = f"COCO_{place}_{coco_id:012d}.jpg"
        write_bytes(folder / place / name, views(product, 1)[0].jpeg())
        plain = {"filepath": place, "filename": name, "split": part, "cocoid": coco_id}
        more = int(part == _TEST and _TEST not in parts[:number])
        photos.append((plain, captions(product, OF_EACH + more)))
    write_karpathy(folder / "dataset_coco.json", "coco", photos)
