"""A miniature of INRIA Holidays."""

from pathlib import Path

from benchmarks.miniatures.files import write_bytes
from benchmarks.miniatures.products import grouped, products, views

# 1,491 photos of 500 scenes.
_PHOTOS_OF_SCENE = 3
_FIRST_SCENE = 1000


def write(folder: Path, num_items: int, seed: int) -> None:
    """Writes so many photos; a scene is one product."""
    sizes = grouped(num_items, _PHOTOS_OF_SCENE)
    for scene, (size, product) in enumerate(zip(sizes, products(seed)), _FIRST_SCENE):
        for number, view in enumerate(views(product, size)):
            write_bytes(folder / f"jpg/{scene}{number:02d}.jpg", view.jpeg())
