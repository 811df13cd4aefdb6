"""Manual annotation of boxes and labels.

    --sheets DIR          draws sheets of chosen products with rulers and a proposed box,
                          or the boxes of --file, and writes DIR/ids.txt
    --lines F [F ...] --file OUT    collects the annotations written from the sheets
    --file F              checks a file against the catalogue and counts its boxes
    --file F --compare G  measures the agreement of two files on the photos of both
    --label_sheets DIR    draws sheets of thirty small photos, for labels without boxes
    --labels F            checks a CSV of labels and counts them
    --labels F --compare_labels G   measures the agreement of two CSV files

`fitrank_tf/datasets/annotations/README.md` describes the format and the rules.
"""

import argparse
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from fitrank_tf.cli.options.catalogue import add_catalogue_arguments, catalogue_source
from fitrank_tf.core.command_line import command_parser
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.progress import tracked
from fitrank_tf.datasets.annotations import (
    AnnotatedProduct,
    read_annotations,
    read_lines,
    write_annotations,
)
from fitrank_tf.datasets.annotations.annotation_sheet import (
    PER_SHEET,
    SheetPhoto,
    draw_sheet,
)
from fitrank_tf.datasets.annotations.box_proposal import propose_box
from fitrank_tf.datasets.annotations.label_file import LABEL_FIELDS, read_labels
from fitrank_tf.datasets.annotations.label_sheet import PER_LABEL_SHEET, draw_label_sheet
from fitrank_tf.datasets.annotations.product_choice import choose_products
from fitrank_tf.datasets.catalogue import Catalogue, CatalogueRecords, open_catalogue
from fitrank_tf.datasets.splits import ALL, SPLITS, TEST, TRAIN
from fitrank_tf.evaluation.annotation_agreement import compare_annotations, label_agreement

logger = logging.getLogger(__name__)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = command_parser("annotate", __doc__)
    add_catalogue_arguments(parser)
    parser.add_argument("--sheets", default="", help="folder for the sheets")
    parser.add_argument("--count", type=int, default=60, help="products to draw")
    parser.add_argument("--split", default=TRAIN, choices=SPLITS)
    parser.add_argument("--article_types", default="", help="a,b,c; all if empty")
    parser.add_argument("--choice_seed", type=int, default=0, help="of the draw")
    parser.add_argument("--ids", default="", help="file of product ids, one per line")
    parser.add_argument("--file", default="", help="annotations, COCO JSON")
    parser.add_argument("--compare", default="", help="another COCO JSON")
    parser.add_argument("--label_sheets", default="", help="folder for label sheets")
    parser.add_argument("--labels", default="", help="CSV of labels")
    parser.add_argument("--compare_labels", default="", help="another CSV of labels")
    parser.add_argument("--lines", nargs="+", default=[], help="JSON Lines to collect")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None) -> None:
    """See the module."""
    options = parse(arguments)
    tasks = (options.sheets, options.file, options.label_sheets, options.labels)
    if not any(tasks):
        raise FitRankError(
            "nothing to do: give --sheets DIR, --label_sheets DIR, --file FILE or "
            "--labels FILE"
        )
    if (options.lines or options.compare) and not options.file:
        raise FitRankError("--lines and --compare need --file: the COCO JSON")
    if options.compare_labels and not options.labels:
        raise FitRankError("--compare_labels needs --labels: the CSV to compare")
    catalogue = open_catalogue(catalogue_source(options), options.data_dir)
    records = catalogue.records(ALL)
    if options.lines:
        _collect(options, catalogue, records)
    if options.file:
        _check(options.file, records)
    if options.compare:
        ours, theirs = read_annotations(options.file), read_annotations(options.compare)
        print(compare_annotations(ours, theirs).table())
    if options.sheets:
        _draw(options, catalogue, records)
    if options.labels:
        _check_labels(options, records)
    if options.label_sheets:
        _draw_label_sheets(options, catalogue, records)


def _collect(
    options: argparse.Namespace, catalogue: Catalogue, records: CatalogueRecords
) -> None:
    sizes = {}
    for item_id, item in zip(records.ids, catalogue.items(ALL)):
        height, width = item["image"].shape[:2]
        sizes[item_id] = (width, height)
    # Products outside the training split are for testing only.
    splits = {
        item_id: TRAIN if split == TRAIN else TEST
        for item_id, split in zip(records.ids, records.splits)
    }
    products = [
        product for path in options.lines for product in read_lines(path, sizes, splits)
    ]
    write_annotations(options.file, products)
    logger.info("wrote %d products to %s", len(products), options.file)


def _check(path: str, records: CatalogueRecords) -> None:
    """Reads annotations, checks them against the catalogue and prints counts."""
    products = read_annotations(path)
    split_of = dict(zip(records.ids, records.splits))
    for product in products:
        _check_split(path, product.id, product.split, split_of)
    for split in (TRAIN, TEST):
        chosen = [product for product in products if product.split == split]
        boxes = Counter(box.label for product in chosen for box in product.boxes)
        sleeves = Counter(product.sleeve or "none" for product in chosen)
        necklines = Counter(product.neckline or "none" for product in chosen)
        print(f"{split}: {len(chosen)} products")
        for name, counts in (
            ("boxes", boxes),
            ("sleeve", sleeves),
            ("neckline", necklines),
        ):
            _print_counts(name, counts)


def _check_labels(options: argparse.Namespace, records: CatalogueRecords) -> None:
    """Reads labels, checks them against the catalogue and prints counts."""
    labels = read_labels(options.labels)
    split_of = dict(zip(records.ids, records.splits))
    for product in labels:
        _check_split(options.labels, product.id, product.split, split_of)
    for split in (TRAIN, TEST):
        chosen = [product for product in labels if product.split == split]
        print(f"{split}: {len(chosen)} products")
        for field in LABEL_FIELDS:
            counts = Counter(
                of.values[field] or "none" for of in chosen if field in of.values
            )
            if counts:
                _print_counts(field, counts)
    if options.compare_labels:
        print(label_agreement(labels, read_labels(options.compare_labels)))


def _check_split(path: str, item_id: str, split: str, split_of: Mapping[str, str]) -> None:
    if item_id not in split_of:
        raise FitRankError(
            f"{path}: product {item_id!r} is not in this catalogue; name the one it was "
            "annotated in"
        )
    if split == TRAIN and split_of[item_id] != TRAIN:
        raise FitRankError(
            f"{path}: product {item_id!r} is marked train, but the catalogue has it in "
            f"{split_of[item_id]}: mark it test"
        )


def _print_counts(name: str, counts: Counter[str]) -> None:
    listed = ", ".join(f"{key} {count}" for key, count in counts.most_common())
    print(f"  {name:9s} {listed or 'none'}")


def _draw_label_sheets(
    options: argparse.Namespace, catalogue: Catalogue, records: CatalogueRecords
) -> None:
    rows = _rows(options, records, {})
    items = catalogue.chosen_items(rows).as_numpy_iterator()
    photos = [(item["id"].decode(), item["image"]) for item in items]
    folder = Path(options.label_sheets)
    folder.mkdir(parents=True, exist_ok=True)
    starts = range(0, len(photos), PER_LABEL_SHEET)
    for number, start in enumerate(tracked(starts, "drawing", "sheets")):
        sheet = draw_label_sheet(photos[start : start + PER_LABEL_SHEET])
        sheet.save(folder / f"sheet_{number:03d}.png")
    ids = "".join(f"{item_id}\n" for item_id, _ in photos)
    (folder / "ids.txt").write_text(ids, encoding="utf-8")
    logger.info("wrote %d sheets of %d products to %s", len(starts), len(photos), folder)


def _draw(
    options: argparse.Namespace, catalogue: Catalogue, records: CatalogueRecords
) -> None:
    annotated = _by_id(options.file)
    rows = _rows(options, records, annotated)
    items = catalogue.chosen_items(rows).as_numpy_iterator()
    photos = {item["id"].decode(): item["image"] for item in items}
    folder = Path(options.sheets)
    folder.mkdir(parents=True, exist_ok=True)
    starts = range(0, len(rows), PER_SHEET)
    for number, start in enumerate(tracked(starts, "drawing", "sheets")):
        shown = [
            _sheet_photo(records.ids[row], photos[records.ids[row]], annotated)
            for row in rows[start : start + PER_SHEET]
        ]
        draw_sheet(shown).save(folder / f"sheet_{number:03d}.png")
    ids = "".join(f"{records.ids[row]}\n" for row in rows)
    (folder / "ids.txt").write_text(ids, encoding="utf-8")
    logger.info("wrote %d sheets of %d products to %s", len(starts), len(rows), folder)


def _by_id(path: str) -> Mapping[str, AnnotatedProduct]:
    return {product.id: product for product in read_annotations(path)} if path else {}


def _rows(
    options: argparse.Namespace,
    records: CatalogueRecords,
    annotated: Mapping[str, AnnotatedProduct],
) -> list[int]:
    """The products to draw: those of --ids or of --file, or else a draw from the split."""
    if not options.ids and not annotated:
        types = [name for name in options.article_types.split(",") if name]
        return choose_products(
            records, options.split, options.count, types, options.choice_seed
        )
    row_of = {item_id: row for row, item_id in enumerate(records.ids)}
    wanted = Path(options.ids).read_text().split() if options.ids else list(annotated)
    unknown = [item_id for item_id in wanted if item_id not in row_of]
    if unknown:
        raise FitRankError(
            f"{options.ids}: product {unknown[0]!r} is not in the catalogue; correct it"
        )
    return [row_of[item_id] for item_id in wanted]


def _sheet_photo(
    item_id: str, photo: np.ndarray, annotated: Mapping[str, AnnotatedProduct]
) -> SheetPhoto:
    if item_id not in annotated:
        proposal = ("proposal", *propose_box(photo))
        corners = ", ".join(f"{corner:.0f}" for corner in proposal[1:])
        return SheetPhoto(f"{item_id}   proposed [{corners}]", photo, [proposal])
    product = annotated[item_id]
    boxes = [
        (
            box.label,
            100 * box.xmin / product.width,
            100 * box.ymin / product.height,
            100 * box.xmax / product.width,
            100 * box.ymax / product.height,
        )
        for box in product.boxes
    ]
    labels = [product.boxes[0].label, product.sleeve, product.neckline]
    return SheetPhoto(f"{item_id}   {', '.join(filter(None, labels))}", photo, boxes)
