"""Searches a bundle's catalogue: `python -m pipelines.search "red check shirt"`."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from fitrank_tf.export.loaded_bundle import LoadedBundle
from pipelines.command import DEFAULT_BUNDLE, run_command


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.search", description=__doc__)
    parser.add_argument("query", nargs="+", help="one query or more, each in quotes")
    parser.add_argument("--bundle", default=DEFAULT_BUNDLE)
    parser.add_argument("--top_k", type=int, default=10)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None) -> None:
    """Runs the bundle's served `search` model in this process and prints its answers."""
    options = parse(arguments)
    answer = LoadedBundle(Path(options.bundle)).search(options.query)
    for row, query in enumerate(options.query):
        print(query)
        for place in range(min(options.top_k, answer["ids"].shape[1])):
            item, title = answer["ids"][row, place], answer["titles"][row, place]
            score = answer["scores"][row, place]
            print(f"{place + 1:4d}  {item.decode():12s} {score:8.3f}  {title.decode()}")


if __name__ == "__main__":
    run_command(main)
