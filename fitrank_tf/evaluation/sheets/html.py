"""A contact sheet as one HTML file that needs no other file and no script."""

import base64
import html
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from fitrank_tf.evaluation.sheets.rows import (
    FRAMES,
    Band,
    Frame,
    SheetItem,
    SheetRow,
    frame_of,
)

# Twice the size at which the page shows a photo, for dense screens.
_PHOTO_SIZE = (240, 320)
_JPEG_QUALITY = 80

_STYLE = """
body { font: 14px/1.35 system-ui, sans-serif; color: #1e1e1e; background: #f4f4f2; margin: 24px; }
h2 { font-size: 20px; font-weight: 600; margin: 28px 0 8px; }
h3 { font-size: 14px; font-weight: 400; color: #696969; margin: 0 0 6px; }
.systems { display: flex; flex-wrap: wrap; gap: 16px 36px; }
ol { display: flex; gap: 10px; list-style: none; margin: 0; padding: 0; }
li { width: 120px; font-size: 12px; }
.photo { position: relative; box-sizing: border-box; width: 120px; height: 160px; padding: 6px;
  background: #fff; }
.photo img { width: 100%; height: 100%; object-fit: contain; }
.photo b { position: absolute; right: 6px; bottom: 6px; padding: 0 5px; color: #fff; background: #1e1e1e; }
.photo::after { content: ""; position: absolute; inset: 0; pointer-events: none; }
.title { display: -webkit-box; -webkit-line-clamp: 2; -webkit-box-orient: vertical; overflow: hidden;
  margin-top: 6px; overflow-wrap: anywhere; }
.note { color: #696969; overflow-wrap: anywhere; }
.legend span { display: inline-block; margin-right: 20px; color: #696969; }
.legend i { display: inline-block; width: 16px; height: 16px; margin-right: 6px;
  box-sizing: border-box; vertical-align: -3px; }
"""  # noqa: E501


def draw_html(bands: Sequence[Band]) -> str:
    """The sheet as an HTML page, its photos inside as JPEG data.

    Args:
        bands: at least one, all with the same systems.
    """
    frames = "\n".join(_frame_style(frame) for frame in FRAMES)
    legend = "".join(
        f'<span><i class="{frame.name}"></i>{html.escape(frame.meaning)}</span>'
        for frame in FRAMES
    )
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f"<title>Contact sheet</title>\n<style>{_STYLE}{frames}\n</style>\n</head>",
            f'<body>\n<p class="legend">{legend}</p>',
            *(_band(band) for band in bands),
            "</body>\n</html>\n",
        ]
    )


def _frame_style(frame: Frame) -> str:
    """The rule that draws a frame over a photo and in the legend."""
    border = f"{frame.width}px solid rgb{frame.colour}"
    return f".photo.{frame.name}::after, .legend .{frame.name} {{ border: {border}; }}"


def _band(band: Band) -> str:
    """A query and its results side by side."""
    systems = "\n".join(
        f"<div><h3>{_heading(row)}</h3>\n<ol>\n"
        + "\n".join(_item(rank, item) for rank, item in enumerate(row.items, start=1))
        + "\n</ol></div>"
        for row in band.rows
    )
    heading = f"<h2>{html.escape(band.query)}</h2>"
    return f'<section>{heading}\n<div class="systems">\n{systems}\n</div></section>'


def _heading(row: SheetRow) -> str:
    note = f" &middot; {html.escape(row.note)}" if row.note else ""
    return html.escape(row.system) + note


def _item(rank: int, item: SheetItem) -> str:
    """One product: photo, frame, rank, and a caption with title, id and grade."""
    title = html.escape(item.title)
    frame = frame_of(item.grade)
    classes = f"photo {frame.name}" if frame else "photo"
    notes = [f"{html.escape(item.id)} &middot; grade {item.grade}", html.escape(item.note)]
    lines = "".join(f'<div class="note">{note}</div>' for note in filter(None, notes))
    return (
        f'<li title="{title}"><div class="{classes}">'
        f'<img alt="{title}" src="{_data_uri(item.image)}"><b>{rank}</b></div>'
        f'<div class="title">{title}</div>{lines}</li>'
    )


def _data_uri(image: np.ndarray) -> str:
    """A photo, uint8 [H, W, 3], as a small JPEG inside a URI."""
    photo = Image.fromarray(image)
    photo.thumbnail(_PHOTO_SIZE, Image.Resampling.LANCZOS)
    encoded = io.BytesIO()
    photo.save(encoded, format="JPEG", quality=_JPEG_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(encoded.getvalue()).decode("ascii")
