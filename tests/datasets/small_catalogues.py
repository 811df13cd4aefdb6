"""Small catalogues that the tests write."""

import csv
import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

STYLES_HEADER = (
    "id,gender,masterCategory,subCategory,articleType,baseColour,season,year,usage,"
    "productDisplayName"
)


def encode(image: Image.Image, file_format: str = "JPEG", **options: object) -> bytes:
    """The bytes of an image file."""
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def noise_photo(seed: int = 0, width: int = 24, height: int = 32) -> bytes:
    """A random JPEG, different for each seed."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    return encode(Image.fromarray(pixels))


def styles_row(item_id: str, title: str) -> str:
    return f"{item_id},Men,Apparel,Topwear,Tshirts,Blue,Summer,2011,Casual,{title}"


def write_files(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def write_zip(path: Path, files: Mapping[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def fashion_files(
    lines: Iterable[str], photos: Mapping[str, bytes], prefix: str = ""
) -> dict[str, bytes]:
    """Path -> bytes of a set with these lines of styles.csv and `images/<id>.jpg`."""
    table = "\n".join([STYLES_HEADER, *lines]) + "\n"
    images = {f"{prefix}images/{name}.jpg": data for name, data in photos.items()}
    return {f"{prefix}styles.csv": table.encode(), **images}


def write_csv(path: Path, rows: Iterable[Sequence[str]], delimiter: str = ",") -> Path:
    """Writes a CSV file with its quotes right."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return path
