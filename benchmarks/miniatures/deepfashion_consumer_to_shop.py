"""A miniature of DeepFashion's Consumer-to-shop Clothes Retrieval."""

from pathlib import Path

from benchmarks.miniatures.files import write_bytes, write_lines, write_table
from benchmarks.miniatures.products import CLOTHES, grouped, in_parts, products, views

# Of the items, from memory.
_OFFICIAL = {"train": 2, "val": 1, "test": 1}
_PHOTOS_OF_ITEM = 5
# The first photos are the shop's; consumers' have this spelling.
_OF_SHOP = 2
_SHOP, _CONSUMER = 1, 2
_FOLDERS = {1: "CLOTHING", 2: "TROUSERS", 3: "DRESSES"}


def write(folder: Path, num_items: int, seed: int) -> None:
    """Writes so many photos; each consumer's photo is a pair with each of the shop's."""
    sizes = grouped(num_items, _PHOTOS_OF_ITEM)
    pairs, boxes, items = [], [], []
    drawn = products(seed, worn=True)
    for number, (size, part) in enumerate(zip(sizes, in_parts(len(sizes), _OFFICIAL)), 1):
        product = next(drawn)
        item, clothes = f"id_{number:08d}", CLOTHES[product.boxes[0].label]
        kind_of_clothes = product.attributes["article_type"].replace(" ", "_")
        place = f"img/{_FOLDERS[clothes]}/{kind_of_clothes}/{item}"
        names = [
            f"{place}/shop_{view + 1:02d}.jpg"
            if view < _OF_SHOP
            else f"{place}/comsumer_{view - _OF_SHOP + 1:02d}.jpg"
            for view in range(size)
        ]
        for place_of_view, (name, view) in enumerate(zip(names, views(product, size))):
            write_bytes(folder / "Img" / name, view.jpeg())
            corners = [f"{edge:03d}" for edge in view.corners(view.boxes[0])]
            kind = _SHOP if place_of_view < _OF_SHOP else _CONSUMER
            boxes.append((name, clothes, kind, *corners))
        pairs += [
            (consumer, shop, item, part)
            for consumer in names[_OF_SHOP:]
            for shop in names[:_OF_SHOP]
        ]
        items.append(item)
    write_table(
        folder / "Eval/list_eval_partition.txt",
        "image_pair_name_1 image_pair_name_2 item_id evaluation_status",
        pairs,
    )
    write_table(
        folder / "Anno/list_bbox_consumer2shop.txt",
        "image_name clothes_type source_type x_1 y_1 x_2 y_2",
        boxes,
    )
    write_lines(
        folder / "Anno/list_item_consumer2shop.txt", [str(len(items)), "item_id", *items]
    )
