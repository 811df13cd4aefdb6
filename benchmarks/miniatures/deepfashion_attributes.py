"""A miniature of DeepFashion's Category and Attribute Prediction."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from benchmarks.miniatures.files import write_bytes, write_table
from benchmarks.miniatures.products import in_parts, products, views

_OFFICIAL = {"train": 209222, "val": 40000, "test": 40000}
# {attribute of a drawn product: {its value: (name, type)}}. The types are 1 texture,
# 2 fabric, 3 shape, 4 part, 5 style.
_ATTRIBUTES: Mapping[str, Mapping[str, tuple[str, int]]] = {
    "pattern": {
        "striped": ("striped", 1),
        "checked": ("checked", 1),
        "dotted": ("dotted", 1),
        "printed": ("print", 1),
    },
    "season": {"Summer": ("cotton", 2), "Winter": ("knit", 2)},
    "gender": {"Men": ("boxy", 3), "Women": ("slim", 3)},
    "sleeve": {
        "sleeveless": ("sleeveless", 4),
        "short": ("short sleeve", 4),
        "three-quarter": ("3/4 sleeve", 4),
        "long": ("long sleeve", 4),
    },
    "neckline": {
        "round": ("crew neck", 4),
        "v": ("v-neck", 4),
        "collar": ("collar", 4),
        "hood": ("hooded", 4),
    },
    "usage": {"Sports": ("sporty", 5), "Formal": ("classic", 5), "Ethnic": ("ethnic", 5)},
}
_CATEGORIES = {
    "Tshirts": ("Tee", 1),
    "Shirts": ("Button-Down", 1),
    "Kurtas": ("Blouse", 1),
    "Sweatshirts": ("Hoodie", 1),
    "Jackets": ("Jacket", 1),
    "Dresses": ("Dress", 3),
    "Jeans": ("Jeans", 2),
    "Trousers": ("Chinos", 2),
    "Shorts": ("Shorts", 2),
    "Skirts": ("Skirt", 2),
}


def write(folder: Path, num_items: int, seed: int) -> None:
    """Writes so many photos, each of another product."""
    names = [pair for values in _ATTRIBUTES.values() for pair in values.values()]
    categories = list(_CATEGORIES.values())
    partition, of_category, positives, boxes = [], [], [], []
    seen = Counter[str]()
    for product, status in zip(products(seed, worn=True), in_parts(num_items, _OFFICIAL)):
        of = product.attributes
        [view] = views(product, 1)
        category = _CATEGORIES[of["article_type"]]
        words = " ".join((of["pattern"], of["colour"], category[0]))
        title = "_".join(words.title().split())
        seen[title] += 1
        name = f"img/{title}/img_{seen[title]:08d}.jpg"
        write_bytes(folder / "Img" / name, view.jpeg())
        partition.append((name, status))
        of_category.append((name, categories.index(category) + 1))
        has = {values.get(of[column]) for column, values in _ATTRIBUTES.items()}
        positives.append((name, *(1 if pair in has else -1 for pair in names)))
        garment = view.boxes[0]
        boxes.append((name, *(f"{edge:03d}" for edge in view.corners(garment))))
    tables = (
        ("Eval/list_eval_partition", "image_name  evaluation_status", partition),
        ("Anno_coarse/list_category_cloth", "category_name  category_type", categories),
        ("Anno_coarse/list_category_img", "image_name  category_label", of_category),
        ("Anno_coarse/list_attr_cloth", "attribute_name  attribute_type", names),
        ("Anno_coarse/list_attr_img", "image_name  attribute_labels", positives),
        ("Anno_coarse/list_bbox", "image_name  x_1  y_1  x_2  y_2", boxes),
    )
    for path, header, rows in tables:
        write_table(folder / f"{path}.txt", header, rows)
