"""Benchmark data made by hand."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from fitrank_tf.datasets.attributes import Attribute, Declaration
from fitrank_tf.datasets.catalogue import CatalogueRecords
from fitrank_tf.evaluation.benchmark.task import BenchmarkData

NOWHERE = Path("/nowhere")


def data_of(
    items: Mapping[str, Mapping[str, str]],
    captions: Mapping[str, Sequence[str]] | None = None,
    manual_dir: Path = NOWHERE,
) -> BenchmarkData:
    """The data of Items {id: {field: value}}; the fields `text` and `split` are no
    attributes."""
    names = dict.fromkeys(
        name for of in items.values() for name in of if name not in ("text", "split")
    )
    records = CatalogueRecords(
        ids=tuple(items),
        texts=tuple(of.get("text", "") for of in items.values()),
        attributes={
            name: tuple(of.get(name, "") for of in items.values()) for name in names
        },
        splits=tuple(of.get("split", "test") for of in items.values()),
        declaration=Declaration(tuple(map(Attribute, names))),
    )
    return BenchmarkData(
        records, [(captions or {}).get(item, ()) for item in items], manual_dir
    )
