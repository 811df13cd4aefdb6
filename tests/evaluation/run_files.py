"""TREC run files, read by a library that did not write them."""

from pathlib import Path

import ir_measures
import numpy as np


def read_run(path: Path) -> dict[str, list[tuple[str, float]]]:
    """{query: items and scores} in trec_eval's order: by float32 score, then by id."""
    run = {}
    for line in ir_measures.read_trec_run(str(path)):
        run.setdefault(line.query_id, []).append((np.float32(line.score), line.doc_id))
    return {
        query: [(item, float(score)) for score, item in sorted(found, reverse=True)]
        for query, found in run.items()
    }
