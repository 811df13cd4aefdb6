"""Plot of what a search costs as the catalogue grows."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from fitrank_tf.core.files import write_atomically

_PANELS = (
    ("p50", "median of a search, ms"),
    ("memory", "memory of server and engine, MiB"),
    ("build", "build, s"),
    ("upserts", "1,000 upserts, s"),
)


def draw_growth(growths: Sequence[Any], path: Path) -> None:
    """Writes a PNG: a panel a cost, a line a system, both axes logarithmic.

    Args:
        growths: of `benchmark.Growth`.
        path: file to write.
    """
    figure = Figure(figsize=(9, 6.4), layout="constrained")
    for axes, (name, title) in zip(figure.subplots(2, 2).ravel(), _PANELS):
        for system in dict.fromkeys(one.system for one in growths):
            own = sorted(
                (one.products, one.server + one.engine)
                if name == "memory"
                else (one.products, getattr(one, name))
                for one in growths
                if one.system == system
            )
            axes.plot(*zip(*own), marker="o", label=system)
        axes.set(xscale="log", yscale="log", title=title, xlabel="products")
        axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    write_atomically(path, buffer.getvalue())
