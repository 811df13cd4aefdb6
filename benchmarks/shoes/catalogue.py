"""Writes the drawn shop: a CSV file as a shop of that language has it, and photos."""

import csv
import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.shoes.drawing import draw_shoe, random_shoe
from fitrank_tf.datasets.catalogue import CatalogueSource

TABLE, PHOTOS = "shoes.csv", "photos"
LANGUAGES = ("en", "de")
_BRANDS = ("Aldora", "Birchline", "Corvane", "Eastmere", "Lindqvist", "Nordhavn", "Quillon")
_MODELS = ("Alta", "Breeze", "Comet", "Ember", "Falcon", "Luna", "Nova", "Orbit", "Ridge")
# Probability that a title names a value.
_NAMED = 0.6


def wording(language: str) -> Mapping[str, Any]:
    """The shop's columns, {attribute: column}, and values.

    Args:
        language: one of `LANGUAGES`.
    """
    texts = json.loads(Path(__file__).with_name("words.json").read_text(encoding="utf-8"))
    return texts[language]


def write_shop(
    folder: Path, language: str, num_items: int, seed: int = 0
) -> CatalogueSource:
    """Draws a shop; its products are the same in every language.

    Args:
        folder: gets the table and the folder of photos.
        language: one of `LANGUAGES`.
        num_items: number of products.
        seed: of all draws.

    Returns:
        The options that open it: only columns are named, no attribute.
    """
    words = wording(language)
    columns, values = words["columns"], words["values"]
    (folder / PHOTOS).mkdir(parents=True)
    rows = []
    for number in range(num_items):
        rng = np.random.default_rng([seed, number])
        shoe = random_shoe(rng)
        photo = f"{number:04d}.png"
        pixels = cv2.cvtColor(draw_shoe(rng, shoe), cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(folder / PHOTOS / photo), pixels)
        shown = {
            name: values.get(value, value)
            for name, value in dataclasses.asdict(shoe).items()
        }
        said = [
            shown[name]
            for name in ("material", "closure", "occasion")
            if rng.random() < _NAMED
        ]
        title = " ".join([str(rng.choice(_BRANDS)), str(rng.choice(_MODELS)), *said])
        row = {"id": f"s{number:04d}", "text": f"{title} {words['noun']}", "image": photo}
        rows.append({columns[name]: cell for name, cell in (row | shown).items()})
    with (folder / TABLE).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(columns.values()), delimiter=";")
        writer.writeheader()
        writer.writerows(rows)
    return CatalogueSource(
        dataset="csv_catalogue",
        table=str(folder / TABLE),
        images=str(folder / PHOTOS),
        columns=tuple((field, columns[field]) for field in ("id", "text", "image")),
    )
