"""Growth of a search: `python -m benchmarks.engines.benchmark --bundle BUNDLE`.

Catalogues of several sizes, with embeddings drawn from the distribution of the bundle's and
its products repeated, are searched in one graph and around an engine, one search at a time.
Each figure is written to --output_dir as soon as it is there; a run goes on where the last
one stopped.
"""

import argparse
import dataclasses
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.engines.plot import draw_growth
from benchmarks.engines.sample import common_filter, grown
from benchmarks.engines.systems import SYSTEMS, System, linked_bundle
from benchmarks.index.sample_embeddings import SampleEmbeddings, exact_neighbours
from fitrank_tf.cli.options.command import DEFAULT_BUNDLE, run_command
from fitrank_tf.client import SearchClient
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.files import write_atomically
from fitrank_tf.evaluation.markdown_table import markdown_table
from fitrank_tf.export.graphs.served_catalogue import SearchableCatalogue, read_catalogue
from fitrank_tf.export.loaded_bundle import LoadedBundle

_NEIGHBOURS = 100
_UPSERTS = 1000
_WARM_UP = 5
_HITS = 10


@dataclasses.dataclass(frozen=True)
class Growth:
    """What one system needs for a catalogue.

    Attributes:
        system: its name.
        products: how many there are.
        build: seconds to build it.
        server: MiB of the model server, after the searches.
        engine: MiB of the engine, 0 without one.
        p50: median milliseconds of a search.
        p99: 99th percentile of the same.
        filtered_p50: median milliseconds with a filter that a third of the products pass.
        filtered_p99: 99th percentile of the same.
        upserts: seconds to add 1,000 products.
        recall: of the 100 nearest products, the share that it finds.
    """

    system: str
    products: int
    build: float
    server: float
    engine: float
    p50: float
    p99: float
    filtered_p50: float
    filtered_p99: float
    upserts: float
    recall: float


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.engines.benchmark",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--bundle", default=DEFAULT_BUNDLE)
    parser.add_argument("--sizes", default="10000,100000", help="products, with commas")
    parser.add_argument("--systems", default="", help="numbers of --help; all without")
    parser.add_argument("--queries", type=int, default=100, help="searches for each figure")
    parser.add_argument("--output_dir", default="engines_benchmark")
    parser.epilog = "\n".join(f"{n}  {name}" for n, name in enumerate(SYSTEMS, 1))
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None) -> None:
    """Measures, prints the table and draws the plot."""
    options = parse(arguments)
    output = Path(options.output_dir)
    done = read_growths(output)
    bundle = LoadedBundle(Path(options.bundle))
    catalogue = read_catalogue(bundle.model("search"))
    texts = _queries(catalogue, options.queries)
    embeddings = bundle.encode_queries(texts, False)["embedding"]
    names = list(SYSTEMS)
    chosen = [names[int(n) - 1] for n in options.systems.split(",") if n] or names
    for size in map(int, options.sizes.split(",")):
        grown_one = grown(catalogue, size)
        truth = exact_neighbours(
            SampleEmbeddings(grown_one.tables.embeddings, embeddings), _NEIGHBOURS
        )
        for name in chosen:
            if any((one.system, one.products) == (name, size) for one in done):
                continue
            with (
                tempfile.TemporaryDirectory(dir=output) as folder,
                linked_bundle(Path(options.bundle), Path(folder)) as copy,
            ):
                system = SYSTEMS[name](copy, grown_one, Path(folder))
                done.append(measure(name, system, texts, embeddings, truth))
            write_growths(output, done)
            print(growth_table(done[-1:]), flush=True)
    print(growth_table(done))
    draw_growth(done, output / "growth.png")


def measure(
    name: str,
    system: System,
    texts: Sequence[str],
    embeddings: np.ndarray,
    truth: np.ndarray,
) -> Growth:
    """Builds, serves, searches and changes a system.

    Args:
        name: of the system.
        system: not built yet.
        texts: Q queries.
        embeddings: float32 [Q, D], of these.
        truth: int [Q, k], rows of the products that are nearest to each.
    """
    catalogue = system.catalogue
    began = time.perf_counter()
    system.build()
    build = time.perf_counter() - began
    with system.serve() as client:
        _search(client, texts[:_WARM_UP], {})
        plain = _search(client, texts, {})
        filtered = _search(client, texts, common_filter(catalogue))
        server, engine = system.memory()
        found = system.nearest(embeddings, truth.shape[1])
        hits = sum(len(set(row) & set(best)) for row, best in zip(found, truth.tolist()))
        added = grown(catalogue.select(range(min(_UPSERTS, len(catalogue)))), _UPSERTS, 1)
        ids = tuple(f"new{item}" for item in added.ids)
        began = time.perf_counter()
        system.upsert(dataclasses.replace(added, ids=ids))
        upserts = time.perf_counter() - began
    return Growth(
        system=name,
        products=len(catalogue),
        build=build,
        server=server,
        engine=engine,
        p50=float(np.percentile(plain, 50)),
        p99=float(np.percentile(plain, 99)),
        filtered_p50=float(np.percentile(filtered, 50)),
        filtered_p99=float(np.percentile(filtered, 99)),
        upserts=upserts,
        recall=hits / truth.size,
    )


def _search(
    client: SearchClient, texts: Sequence[str], filters: dict[str, str]
) -> list[float]:
    """Milliseconds of each search, one after the other."""
    times = []
    for text in texts:
        began = time.perf_counter()
        client.search([text], _HITS, filters)
        times.append(1000 * (time.perf_counter() - began))
    return times


def _queries(catalogue: SearchableCatalogue, count: int) -> list[str]:
    """The last words of titles spread over the catalogue."""
    rows = np.linspace(0, len(catalogue) - 1, count).astype(int)
    return [" ".join(catalogue.titles[row].split()[-3:]) or "shirt" for row in rows]


def growth_table(growths: Sequence[Growth]) -> str:
    """One Markdown table."""
    columns = (
        *("search", "products", "build s", "server MiB", "engine MiB", "p50 ms"),
        *("p99 ms", "filtered p50 ms", "filtered p99 ms", "1,000 upserts s"),
        "recall@100",
    )
    rows = [
        [
            one.system,
            f"{one.products:,}",
            *(f"{value:,.1f}" for value in (one.build,)),
            *(f"{value:,.0f}" for value in (one.server, one.engine)),
            *(f"{value:,.1f}" for value in (one.p50, one.p99)),
            *(f"{value:,.1f}" for value in (one.filtered_p50, one.filtered_p99)),
            f"{one.upserts:,.1f}",
            f"{one.recall:.3f}",
        ]
        for one in sorted(growths, key=lambda of: of.products)
    ]
    return markdown_table(columns, rows, 1)


def read_growths(folder: Path) -> list[Growth]:
    """What a run has measured so far; the folder is made if it is not there.

    Raises:
        FitRankError: if the file is none of this command.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "growth.json"
    if not path.exists():
        return []
    try:
        return [Growth(**one) for one in json.loads(path.read_text(encoding="utf-8"))]
    except (TypeError, ValueError) as error:
        raise FitRankError(f"{path} cannot be read ({error}): remove it") from error


def write_growths(folder: Path, growths: Sequence[Growth]) -> None:
    """Keeps what was measured."""
    plain = [dataclasses.asdict(one) for one in growths]
    write_atomically(folder / "growth.json", json.dumps(plain, indent=1).encode())


if __name__ == "__main__":
    run_command(main, None)
