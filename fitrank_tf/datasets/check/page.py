"""The page of a check for people: one HTML file with its photos inside, and no script."""

import base64
import html
import io
from collections.abc import Iterable, Mapping, Sequence

from PIL import Image, ImageDraw

from fitrank_tf.core.photos.shrink import shrunk
from fitrank_tf.datasets.check.catalogue_check import CatalogueCheck, Place

_STYLE = """
body { font: 14px/1.4 system-ui, sans-serif; color: #1e1e1e; background: #f4f4f2;
  max-width: 1100px; margin: 24px auto; padding: 0 16px; }
h2 { font-size: 18px; margin: 28px 0 8px; }
table { border-collapse: collapse; background: #fff; }
td, th { padding: 3px 10px; border: 1px solid #ddd; text-align: left; vertical-align: top; }
td.number { text-align: right; }
.rare { color: #a33; }
.bar { display: inline-block; height: 10px; background: #2a7; }
figure { display: inline-block; margin: 4px; width: 120px; font-size: 12px;
  overflow-wrap: anywhere; }
img { max-width: 100%; background: #fff; }
"""
# More are in the JSON.
_MOST_PLACES, _MOST_VALUES, _MOST_GROUPS = 50, 60, 30
_BAR = 200

# Pixels of the contact sheet.
_COLUMNS, _CELL, _PHOTO, _GAP = 12, (96, 148), (96, 128), 8


def draw_sheet(photos: Mapping[str, Image.Image]) -> bytes:
    """The contact sheet as an encoded PNG.

    Args:
        photos: {product id: photo, at most 96 x 128 pixels}, at least one.
    """
    rows = -(-len(photos) // _COLUMNS)
    columns = min(len(photos), _COLUMNS)
    width, height = _CELL[0] + _GAP, _CELL[1] + _GAP
    sheet = Image.new("RGB", (_GAP + columns * width, _GAP + rows * height), "white")
    pen = ImageDraw.Draw(sheet)
    for number, (item_id, photo) in enumerate(photos.items()):
        left = _GAP + number % _COLUMNS * width
        top = _GAP + number // _COLUMNS * height
        sheet.paste(photo, (left + (_PHOTO[0] - photo.width) // 2, top))
        # The built-in font has no other letters.
        caption = item_id.encode("ascii", "replace").decode()[:15]
        pen.text((left, top + _PHOTO[1] + 4), caption, "black")
    encoded = io.BytesIO()
    sheet.save(encoded, "PNG", optimize=True)
    return encoded.getvalue()


def thumbnail(data: bytes) -> Image.Image:
    """A photo in the size of the sheet.

    Args:
        data: JPEG or PNG.
    """
    return shrunk(data, _PHOTO)


def draw_page(
    check: CatalogueCheck, sheet: bytes, photos: Mapping[str, Image.Image]
) -> str:
    """The page.

    Args:
        check: the findings.
        sheet: the contact sheet, a PNG; b"" for none.
        photos: {product id: photo} for the groups of equal photos.
    """
    findings = "".join(f"<li>{html.escape(each)}</li>" for each in check.findings)
    splits = ", ".join(f"{split} {count}" for split, count in check.splits.items())
    parts = [
        f"<h1>{html.escape(check.where)}</h1>",
        f"<p>{check.num_products} products of {check.num_rows} rows; {check.num_titles} "
        f"titles; {splits}</p>",
        f"<h2>To look at</h2><ul>{findings or '<li>nothing</li>'}</ul>",
        _left_out(check.left_out),
        *(_attribute(name, check) for name in check.attributes),
        _groups("The same file", check.same_files, photos),
        _groups("The same picture", check.same_pictures, photos),
        _picture(sheet, "png") if sheet else "",
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>Catalogue check</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def _left_out(left_out: Mapping[str, Sequence[Place]]) -> str:
    if not left_out:
        return ""
    rows = ((reason, str(len(of)), _places(of)) for reason, of in left_out.items())
    return "<h2>Left out</h2>" + _table(("reason", "rows", "where"), rows)


def _places(places: Sequence[Place]) -> str:
    named = [
        " ".join(filter(None, [each.id, f"in line {each.line}" if each.line else ""]))
        for each in places[:_MOST_PLACES]
    ]
    more = len(places) - len(named)
    return "; ".join(named) + (f"; and {more} more" if more else "")


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [
        "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row)
        for tag, row in [("th", header), *(("td", row) for row in rows)]
    ]
    return "<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


def _attribute(name: str, check: CatalogueCheck) -> str:
    attribute = check.attributes[name]
    most = max(attribute.counts.values(), default=1)
    rare = frozenset(attribute.rare)
    rows = "".join(
        f"<tr{' class=rare' if value in rare else ''}><td>{html.escape(value)}</td>"
        f'<td class="number">{count}</td><td><span class="bar" '
        f'style="width: {max(1, _BAR * count // most)}px"></span></td></tr>'
        for value, count in list(attribute.counts.items())[:_MOST_VALUES]
    )
    more = len(attribute.counts) - _MOST_VALUES
    near = _table(
        ("may be one", "products", "with", "products"),
        (
            (each.frequent, str(each.frequent_count), each.rare, str(each.rare_count))
            for each in attribute.near
        ),
    )
    return (
        f"<h2>{html.escape(name)}</h2><p>{attribute.kind}: {len(attribute.counts)} "
        f"{attribute.of_what}, "
        f"{len(attribute.rare)} of them rare (red); {attribute.missing} products without"
        f"</p><table>{rows}</table>"
        + (f"<p>and {more} more values</p>" if more > 0 else "")
        + (f"<p></p>{near}" if attribute.near else "")
    )


def _groups(
    title: str, groups: Sequence[Sequence[Place]], photos: Mapping[str, Image.Image]
) -> str:
    shown = "".join(
        f"<figure>{_photo(photos.get(group[0].id))}"
        f"<figcaption>{html.escape(_places(group))}</figcaption></figure>"
        for group in groups[:_MOST_GROUPS]
    )
    more = len(groups) - _MOST_GROUPS
    rest = f"<p>and {more} more groups</p>" if more > 0 else ""
    return f"<h2>{html.escape(title)}</h2>{shown}{rest}" if groups else ""


def _photo(photo: Image.Image | None) -> str:
    if photo is None:
        return ""
    encoded = io.BytesIO()
    photo.save(encoded, "JPEG", quality=80)
    return _picture(encoded.getvalue(), "jpeg")


def _picture(data: bytes, kind: str) -> str:
    return f'<img alt="" src="data:image/{kind};base64,{base64.b64encode(data).decode()}">'
