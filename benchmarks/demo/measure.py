"""Times searches of the page in a real Chromium, from a key press to painted cards.

    python -m benchmarks.demo.measure --bundle B --table p.csv ...

For each of some titles of the catalogue, the first words are typed but for the last key,
whose press is timed. Server and browser share this machine; each photo comes the first
time. The page waits a moment for a further key press: the times are with that wait, and
from the request on.
"""

import argparse
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from fitrank_tf.cli import demo
from fitrank_tf.cli.options.command import run_command
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.packages import imports_of
from fitrank_tf.demo.app import demo_app
from fitrank_tf.export.graphs.served_catalogue import read_catalogue
from fitrank_tf.export.loaded_bundle import LoadedBundle

_TIMING = Path(__file__).with_name("timing.js").read_text(encoding="utf-8")
_WORDS = 4
_WARM_UP = 5
# {what is printed: (from, to), as timing.js names them}.
_SPANS: Mapping[str, tuple[str, str]] = {
    "key press to painted cards": ("pressed", "cards"),
    "request to painted cards": ("asked", "cards"),
    "request to answer": ("asked", "answered"),
    "key press to painted photos": ("pressed", "photos"),
}


def main(arguments: Sequence[str] | None) -> None:
    """Runs the command; `None` means `sys.argv`."""
    options = _parse(arguments)
    bundle = LoadedBundle(Path(options.bundle))
    search, photos = demo.load(bundle, options)
    texts = first_words(read_catalogue(bundle.model("search")).titles, options.searches)
    with served(demo_app(search, photos)) as address:
        times = time_searches(address, texts, options.chromium)
    print(times_table(times[_WARM_UP:]))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.demo.measure",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    demo.add_search_arguments(parser)
    parser.add_argument("--searches", type=int, default=100, help="number of key presses")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    return parser.parse_args(arguments)


def first_words(titles: Sequence[str], count: int) -> list[str]:
    """The first words of titles, spread over the catalogue, after those to warm up with."""
    known = sorted({" ".join(title.lower().split()[:_WORDS]) for title in titles} - {""})
    count = min(count + _WARM_UP, len(known))
    if count <= _WARM_UP:
        raise FitRankError(f"{len(known)} titles are too few; measure a larger catalogue")
    chosen = np.linspace(0, len(known) - 1, count).astype(int)
    return [known[place] for place in np.random.default_rng(0).permutation(chosen)]


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Context in which a thread serves an ASGI app; yields its address."""
    import uvicorn

    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        running = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        running.start()
        try:
            yield f"http://localhost:{listening.getsockname()[1]}/"
        finally:
            server.should_exit = True
            running.join()


def time_searches(
    address: str, texts: Sequence[str], chromium: str
) -> list[Mapping[str, float]]:
    """Types each text and times its last key.

    Args:
        address: of the page.
        texts: of two characters or more.
        chromium: the browser's program.

    Returns:
        For each text the times in milliseconds, as timing.js names them.
    """
    with imports_of("dev"):
        from playwright.sync_api import expect, sync_playwright
    times = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.add_init_script(_TIMING)
        page.goto(address)
        for text in texts:
            page.locator("#q").fill(text[:-1])
            page.wait_for_timeout(300)
            expect(page.locator("#columns")).to_have_attribute("aria-busy", "false")
            page.wait_for_load_state("networkidle")
            page.locator("#q").press("End")
            page.keyboard.press(text[-1])
            while not page.evaluate("window.measured?.photos"):
                page.wait_for_timeout(20)
            times.append(page.evaluate("window.measured"))
        browser.close()
    return times


def times_table(times: Sequence[Mapping[str, float]]) -> str:
    """Median and 95th percentile of each of `_SPANS`, as a Markdown table."""
    lines = [f"| ms, {len(times)} searches | median | p95 |", "| --- | ---: | ---: |"]
    for name, (start, end) in _SPANS.items():
        spans = [each[end] - each[start] for each in times]
        lines.append(
            f"| {name} | {np.median(spans):.0f} | {np.percentile(spans, 95):.0f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    run_command(main)
