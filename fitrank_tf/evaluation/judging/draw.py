"""Draws the sheets of a folder."""

import io
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.files import write_atomically
from fitrank_tf.core.progress import tracked
from fitrank_tf.datasets.catalogue import Catalogue
from fitrank_tf.datasets.iteration import chosen_rows
from fitrank_tf.datasets.splits import ALL
from fitrank_tf.evaluation.judging.grades_file import (
    GRADES_FILE,
    by_sheet,
    extend,
    read_shown,
    write_shown,
)
from fitrank_tf.evaluation.judging.sheet import PER_SHEET, PLAIN, Lettering, draw_sheet
from fitrank_tf.evaluation.trec import Request

logger = logging.getLogger(__name__)


def draw_sheets(
    folder: Path,
    requests: Mapping[str, Request],
    pools: Mapping[str, Sequence[str]],
    catalogue: Catalogue,
    titles: bool = False,
    lettering: Lettering = PLAIN,
) -> None:
    """Draws one or more sheets a request, and writes `grades.csv` beside them.

    A folder with sheets is completed: its sheets, numbers and grades stay as they are,
    products of the pools that no sheet shows come on new sheets, and what was not drawn
    before an interruption is drawn.

    Args:
        folder: gets `<query id>_<number>.png` and `grades.csv`.
        requests: {query id: request}.
        pools: {query id: product ids} in the order to number them.
        catalogue: has the photos.
        titles: whether the products' titles stand under the photos.
        lettering: the font of requests and titles.

    Raises:
        FitRankError: if a product is not in the catalogue, a query id cannot name a file,
            the folder's `grades.csv` is damaged or shows other requests, or the folder
            cannot be written.
    """
    table = folder / GRADES_FILE
    old = list(read_shown(table).values()) if table.exists() else []
    shown = extend(old, requests, pools, PER_SHEET)
    missing = {
        sheet: products
        for sheet, products in by_sheet(shown).items()
        if not (folder / f"{sheet}.png").exists()
    }
    wanted = {product.product_id for each in missing.values() for product in each}
    photos = _encoded_photos(catalogue, wanted)
    # First, so that no sheet is without its rows.
    if len(shown) > len(old):
        write_shown(table, shown)
    for sheet, products in tracked(missing.items(), "drawing", "sheets", len(missing)):
        cells = []
        for product in products:
            data, title = photos[product.product_id]
            photo = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
            cells.append((product.number, photo, title if titles else ""))
        picture = draw_sheet(sheet, products[0].request, cells, lettering)
        encoded = io.BytesIO()
        # Half the time of the default, 6, for 4 % more bytes.
        picture.save(encoded, format="PNG", compress_level=3)
        write_atomically(folder / f"{sheet}.png", encoded.getvalue())
    logger.info(
        "drew %d sheets; %s has %d products of %d requests, %d of them new",
        len(missing),
        table,
        len(shown),
        len({product.query_id for product in shown}),
        len(shown) - len(old),
    )


def _encoded_photos(catalogue: Catalogue, ids: set[str]) -> dict[str, tuple[bytes, str]]:
    """{product id: photo as JPEG or PNG, title}; encoded, they need little memory."""
    rows = [row for row, item_id in enumerate(catalogue.records(ALL).ids) if item_id in ids]
    items = chosen_rows(catalogue.encoded_items(ALL), rows).as_numpy_iterator()
    photos = {item["id"].decode(): (item["image"], item["text"].decode()) for item in items}
    if lost := ids - photos.keys():
        raise FitRankError(
            f"product {min(lost)!r} of the sheets is not in this catalogue; give the one "
            "that the runs searched"
        )
    return photos
