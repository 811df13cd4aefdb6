"""A miniature of DeepFashion's In-shop Clothes Retrieval."""

from pathlib import Path

from benchmarks.miniatures.files import (
    write_bytes,
    write_ground_truth,
    write_json,
    write_lines,
    write_table,
)
from benchmarks.miniatures.products import (
    CLOTHES,
    FOLDERS,
    grouped,
    in_parts,
    products,
    views,
)

# {partition: photos of the whole data set}; an item is of training or has both others.
_ITEMS = {"train": 3997, "test": 3985}
_OF_TEST = {"query": 14218, "gallery": 12612}
_PHOTOS_OF_ITEM = 5
# Pixels; photos are padded to squares.
_SIDE = 256
# The name's end and the number of the pose.
_POSES = (
    ("1_front", 1),
    ("2_side", 2),
    ("3_back", 3),
    ("4_full", 4),
    ("7_additional", 5),
    ("6_flat", 6),
)
_ATTRIBUTES = ("striped", "checked", "dotted", "printed", "sleeveless", "long")
_DETAILS = ("Knit", "100% cotton", "Machine wash cold", "Imported")


def write(folder: Path, num_items: int, seed: int) -> None:
    """Writes so many photos."""
    sizes = grouped(num_items, _PHOTOS_OF_ITEM)
    partition, boxes, items, described, labelled = [], [], [], [], []
    texts = []
    drawn = products(seed, worn=True)
    for number, (size, part) in enumerate(zip(sizes, in_parts(len(sizes), _ITEMS)), 1):
        product = next(drawn)
        of = product.attributes
        item = f"id_{number:08d}"
        gender = "MEN" if of["gender"] in ("Men", "Boys") else "WOMEN"
        place = f"{gender}/{FOLDERS[of['article_type']]}/{item}"
        parts = ["train"] * size if part == "train" else in_parts(size, _OF_TEST)
        for view, (pose, kind), status in zip(views(product, size), _POSES, parts):
            seen = view.on_square(_SIDE)
            name = f"{place}/01_{pose}.jpg"
            write_bytes(folder / "Img/img" / name, seen.jpeg())
            partition.append((f"img/{name}", item, status))
            garment = seen.boxes[0]
            corners = [f"{edge:03d}" for edge in seen.corners(garment)]
            boxes.append((f"img/{name}", CLOTHES[garment.label], kind, *corners))
            document = name.removesuffix(".jpg").replace("/", "_")
            texts.append((" || ".join((f"{product.text}. ", *_DETAILS[:-1])), document))
        items.append(item)
        described.append(
            {
                "item": item,
                "color": of["colour"],
                "description": [f"{product.text}. ", *_DETAILS],
            }
        )
        has = {of["pattern"], of["sleeve"]}
        labelled.append((item, *(1 if name in has else -1 for name in _ATTRIBUTES)))
    write_table(
        folder / "Eval/list_eval_partition.txt",
        "image_name item_id evaluation_status",
        partition,
    )
    write_table(
        folder / "Anno/list_bbox_inshop.txt",
        "image_name clothes_type pose_type x_1 y_1 x_2 y_2",
        boxes,
    )
    write_lines(folder / "Anno/list_item_inshop.txt", [str(len(items)), "item_id", *items])
    write_json(folder / "Anno/list_description_inshop.json", described, indent=1)
    write_lines(
        folder / "Anno/attributes/list_attr_cloth.txt",
        [str(len(_ATTRIBUTES)), "attribute_name", *_ATTRIBUTES],
    )
    write_table(
        folder / "Anno/attributes/list_attr_items.txt",
        "item_name attribute_labels",
        labelled,
    )
    write_ground_truth(folder, "text", "image", texts)
