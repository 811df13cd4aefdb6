"""A shop's own attributes, from the table to the re-ranked search.

    python -m benchmarks.shoes.benchmark --language de --output_dir /tmp/shoes

Draws a shop of shoes with material, heel height, closure and occasion, checks its table,
trains the default recipe on it, searches by its attributes and filters by them, and
measures the towers and the re-ranker on them. Nothing names the attributes but the shop's
table.
"""

import argparse
import logging
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import fitrank_tf as fr
from benchmarks.shoes.catalogue import LANGUAGES, wording, write_shop
from fitrank_tf.datasets.catalogue import Catalogue, open_catalogue, open_source
from fitrank_tf.datasets.check import check_source
from fitrank_tf.datasets.splits import ALL
from fitrank_tf.export.loaded_bundle import LoadedBundle

# Few photos: small batches, several epochs, and no pixels left out.
OVERRIDES = (
    "lora_training.epochs=12",
    "lora_training.batch_size=48",
    "lora_training.learning_rate=2e-3",
    "lora_training.patch_dropout=0.0",
    "lora_training.mixup=0.0",
    "reranker.queries_per_product=4",
)
_TOP = 5


def main(arguments: Sequence[str] | None = None) -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--language", choices=LANGUAGES, default="en")
    parser.add_argument("--num_items", type=int, default=600)
    parser.add_argument("--output_dir", required=True, help="a new folder")
    parser.add_argument("--set", action="append", default=[], help="as of `fitrank train`")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    folder, started = Path(options.output_dir), time.monotonic()
    source = write_shop(folder / "shop", options.language, options.num_items)
    check, _ = check_source(open_source(source))
    print("\n".join(["what check-catalogue finds:", *check.findings]))
    catalogue = open_catalogue(source, str(folder / "prepared"))
    print(attribute_lines(catalogue))
    overrides = [*OVERRIDES, *options.set]
    bundle = fr.train(catalogue, "tiny", folder / "bundle", overrides=overrides)
    print((folder / "bundle" / "report" / "table.md").read_text(encoding="utf-8"))
    print(search_lines(bundle, catalogue, options.language))
    print(f"took {time.monotonic() - started:.0f} s")


def attribute_lines(catalogue: Catalogue) -> str:
    """What was found of each attribute: kind, values and their counts."""
    records = catalogue.records(ALL)
    lines = [f"{len(records)} products"]
    for attribute in catalogue.declaration.attributes:
        of_products = records.facet_values.get(attribute.name, ())
        counts = Counter(value for of in of_products for value in of)
        values = ", ".join(f"{value} {count}" for value, count in counts.most_common())
        lines.append(f"{attribute.name:20s} {attribute.kind:10s} {values}")
    return "\n".join(lines)


def search_lines(bundle: LoadedBundle, catalogue: Catalogue, language: str) -> str:
    """Searches for values, and filters by values and by a range of numbers."""
    words = wording(language)
    values, heel = words["values"], words["columns"]["heel_height"]
    number = next(each for each in catalogue.declaration.filters if each.kind == "number")
    filters = {heel: number.ranges[-1], words["columns"]["material"]: values["suede"]}
    query = f"{values['suede']} {values['laces']} {values['outdoor']}"
    lines = []
    for said, of in ((query, {}), (values["zip"], filters)):
        lines.append(f"\n{said}  {of or ''}")
        for hit in bundle.search(said, top_k=_TOP, filters=of):
            lines.append(f"  {hit.id}  {hit.title}  ({hit.explanation})")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
