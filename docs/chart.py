"""A bar chart as SVG text, written by hand so that it is the same on every machine."""

from collections.abc import Mapping, Sequence

_COLOURS = ("#9aa5b1", "#4c8bc9", "#1a8a45")
_BAR, _GROUP_GAP, _PANEL_GAP = 26, 18, 40
_TOP, _HEIGHT, _LEFT = 56, 150, 12
_FONT = "font-family='Helvetica,Arial,sans-serif'"


def _text(x: float, y: float, text: str, size: int = 12, anchor: str = "middle") -> str:
    return (
        f"<text x='{x:g}' y='{y:g}' {_FONT} font-size='{size}' fill='#24292f' "
        f"text-anchor='{anchor}'>{text}</text>"
    )


def _bar(x: float, value: float, colour: str) -> list[str]:
    height = round(value * _HEIGHT, 1)
    top = _TOP + _HEIGHT - height
    return [
        f"<rect x='{x:g}' y='{top:g}' width='{_BAR - 3}' height='{height:g}' "
        f"fill='{colour}'/>",
        _text(x + (_BAR - 3) / 2, top - 3, f"{value:.2f}".removeprefix("0"), 10),
    ]


def bar_chart(
    title: str, panels: Mapping[str, Mapping[str, Sequence[float]]], series: Sequence[str]
) -> str:
    """Panels beside each other, groups of bars in each, a bar a series.

    Args:
        title: above the chart.
        panels: {panel: {group: a value in [0, 1] for each of `series`}}.
        series: at most three names, for the legend.

    Returns:
        The text of an SVG file, on a white ground so that it reads in dark pages too.
    """
    parts, x = [], float(_LEFT)
    for panel, groups in panels.items():
        start = x
        for group, values in groups.items():
            for place, value in enumerate(values):
                parts += _bar(x + place * _BAR, value, _COLOURS[place])
            width = _BAR * len(values)
            parts.append(_text(x + width / 2, _TOP + _HEIGHT + 16, group, 11))
            x += width + _GROUP_GAP
        middle = (start + x - _GROUP_GAP) / 2
        parts.append(_text(middle, _TOP + _HEIGHT + 36, panel, 13))
        x += _PANEL_GAP - _GROUP_GAP
    width, height = x - _PANEL_GAP + _LEFT, _TOP + _HEIGHT + 48
    legend, place = [_text(_LEFT, 18, title, 14, "start")], float(_LEFT)
    for name, colour in zip(series, _COLOURS):
        legend.append(
            f"<rect x='{place:g}' y='28' width='11' height='11' fill='{colour}'/>"
        )
        legend.append(_text(place + 16, 38, name, 12, "start"))
        place += 32 + 7 * len(name)
    return "\n".join(
        [
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width:g} {height:g}' "
            f"width='{width:g}' height='{height:g}' role='img' aria-label='{title}'>",
            "<rect width='100%' height='100%' fill='#ffffff'/>",
            *legend,
            *parts,
            "</svg>\n",
        ]
    )
