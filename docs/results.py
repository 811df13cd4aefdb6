"""Writes every table of figures from committed JSON: `python -m docs.results`.

`docs/results/NAME.json` holds one measurement: its figures, the command that printed
them, the machine, the date, and the commit. This command writes

- `docs/results.md`, all of them;
- the tables between `<!-- table: NAME -->` and `<!-- end -->` in README.md and in the
  cards of the shipped models;
- `docs/images/results.svg`, the chart of README.md.

`python -m docs.results --record NAME --table FILE --command "..." --machine "..."` puts
the Markdown tables that a command printed into `docs/results/NAME.json`; text that
stands there already is kept.
"""

import argparse
import datetime
import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from docs.chart import bar_chart

ROOT = Path(__file__).resolve().parents[1]
_FOLDER = ROOT / "docs" / "results"
# In the order of the page. A file that is not named here fails a test.
SECTIONS = {
    "Search": ("real_products", "titles", "embedded_catalogue"),
    "In the protocols of public data sets": ("kagl_test",),
    "What the parts of the re-ranker are worth": (
        "rerankers",
        "list_sizes",
        "losses",
        "extra_features",
        "joint",
        "facets",
    ),
    "Learning from clicks": ("clicks",),
    "What fine-tuning is worth": ("towers", "fusions", "ranks"),
    "Image features": ("detector", "attributes"),
    "Large catalogues": ("engines",),
    "Speed": ("rerank_speed", "feature_speed", "tower_speed"),
}
_MARKED = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_CHARTED = {"R@10": "R@10", "nDCG@10": "nDCG@10"}
_HEAD = """# Results

Written by `python -m docs.results` from `docs/results/*.json`; do not edit this page.
[Evaluation](evaluation.md) says what the measures mean. "Commit" is the first one that
holds the figures: the code is that of the commit or of the one before it.
± is half of the 95 % interval over the seeds.
`DATA` is `--dataset fashion_product_images --manual_dir ../shared/data`.
"""

Cell = str | float | list[float] | None


def _number(value: float, digits: int) -> str:
    return f"{value:,.{digits}f}"


def _cell(value: Cell, digits: int | None) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if digits is None:
        raise ValueError(f"{value!r} stands in a column of text")
    if isinstance(value, list):
        return " ± ".join(_number(part, digits) for part in value)
    return _number(value, digits)


def markdown_table(table: Mapping[str, Any]) -> str:
    """A Markdown table.

    Args:
        table: `columns` is a list of [name, decimals, or None for text], `rows` a list of
            cells each: text, a number, [mean, half of the interval], None for an empty one.
    """
    names, decimals = zip(*table["columns"])
    rules = ["---" if digits is None else "---:" for digits in decimals]
    rows = (
        [_cell(value, digits) for value, digits in zip(row, decimals, strict=True)]
        for row in table["rows"]
    )
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (names, rules, *rows))


def read_result(name: str) -> dict[str, Any]:
    """The measurement of `docs/results/NAME.json`."""
    return json.loads((_FOLDER / f"{name}.json").read_text())


def _tables(result: Mapping[str, Any]) -> str:
    return "\n".join(map(markdown_table, result["tables"]))


def _section(result: Mapping[str, Any]) -> str:
    measured = f"{result['machine']}; {result['date']}; commit {result['commit']}"
    parts = [
        f"### {result['title']}",
        result["about"],
        f"```\n{result['command']}\n```",
        _tables(result).rstrip("\n"),
        result["findings"],
        f"*{measured}*",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def results_page() -> str:
    """The text of `docs/results.md`."""
    parts = [_HEAD]
    for heading, names in SECTIONS.items():
        parts += [f"## {heading}\n", *(_section(read_result(name)) for name in names)]
    return "\n".join(parts)


def results_chart() -> str:
    """The text of `docs/images/results.svg`: three systems on real products."""
    table = read_result("real_products")["tables"][0]
    names = [name for name, _ in table["columns"]]
    rows = [dict(zip(names, row)) for row in table["rows"]]
    systems = list(dict.fromkeys(row["system"] for row in rows))
    kinds = list(dict.fromkeys(row["queries"] for row in rows))
    panels = {
        title: {
            kind: [row[measure] for row in rows if row["queries"] == kind] for kind in kinds
        }
        for measure, title in _CHARTED.items()
    }
    return bar_chart("Real products, by kind of query", panels, systems)


def with_tables(text: str) -> str:
    """The text with its marked tables as the JSON files have them."""
    return _MARKED.sub(
        lambda found: f"{found[1]}\n{_tables(read_result(found[2]))}\n{found[3]}", text
    )


def written_files() -> dict[Path, str]:
    """{file: text} of all that the command writes."""
    pages = [ROOT / "README.md", *sorted((ROOT / "saved_models").glob("*/README.md"))]
    return {
        ROOT / "docs" / "results.md": results_page(),
        ROOT / "docs" / "images" / "results.svg": results_chart(),
        **{page: with_tables(page.read_text()) for page in pages},
    }


def _read_cell(text: str) -> Cell:
    text = text.removesuffix(" x").replace(",", "")
    try:
        numbers = [float(part) for part in text.split(" ± ")]
    except ValueError:
        return text or None
    whole = [int(n) if n.is_integer() and "." not in text else n for n in numbers]
    return whole[0] if len(whole) == 1 else whole


def _decimals(texts: Sequence[str]) -> int | None:
    """The most decimals of a column's cells; None where a cell is text."""
    cells = [text for text in texts if text]
    if any(isinstance(_read_cell(text), str) for text in cells):
        return None
    found = (re.findall(r"\.(\d+)", text) for text in cells)
    return max((len(part) for parts in found for part in parts), default=0)


def read_tables(text: str) -> list[dict[str, Any]]:
    """The Markdown tables of a text, as `markdown_table` takes them."""
    tables = []
    for block in re.findall(r"(?:^\|.*\|[ \t]*\n)+", text + "\n", re.MULTILINE):
        lines = [
            [cell.strip() for cell in line.strip()[1:-1].split("|")]
            for line in block.splitlines()
        ]
        names, rows = lines[0], lines[2:]
        decimals = [_decimals(column) for column in zip(*rows)]
        cells = [
            [
                (text or None) if digits is None else _read_cell(text)
                for text, digits in zip(row, decimals)
            ]
            for row in rows
        ]
        tables.append({"columns": list(zip(names, decimals)), "rows": cells})
    return tables


def _record(options: argparse.Namespace) -> None:
    path = _FOLDER / f"{options.record}.json"
    old = json.loads(path.read_text()) if path.exists() else {}
    commit = options.commit or subprocess.check_output(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, text=True
    )
    result = {
        "title": old.get("title", options.record),
        "about": old.get("about", ""),
        "command": options.command,
        "commit": commit.strip(),
        "date": options.date or datetime.date.today().isoformat(),
        "machine": options.machine,
        "findings": old.get("findings", ""),
        "tables": read_tables(Path(options.table).read_text()),
    }
    path.write_text(to_json(result))


def to_json(result: Mapping[str, Any]) -> str:
    """The measurement as JSON, a row of a table on a line, for readable diffs."""

    def line(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False)

    fields = [
        f" {line(key)}: {line(value)}" for key, value in result.items() if key != "tables"
    ]
    tables = [
        f'  {{"columns": {line(table["columns"])},\n   "rows": [\n    '
        + ",\n    ".join(map(line, table["rows"]))
        + "]}"
        for table in result["tables"]
    ]
    tables_text = ",\n".join(tables)
    return "{\n" + ",\n".join([*fields, f' "tables": [\n{tables_text}]']) + "\n}\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m docs.results", description=__doc__)
    parser.add_argument("--record", default="", metavar="NAME")
    for option in ("table", "command", "machine", "commit", "date"):
        parser.add_argument(f"--{option}", default="")
    options = parser.parse_args(arguments)
    if options.record:
        _record(options)
    for path, text in written_files().items():
        path.write_text(text)


if __name__ == "__main__":
    main()
