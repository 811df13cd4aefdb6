"""Grown catalogues, what a run keeps, and when an answer counts as right."""

import dataclasses

import numpy as np
import pytest

from fitrank_tf.client.hits import Hit
from fitrank_tf.core.errors import FitRankError
from tests.export.engine.toy_engine import drawn_catalogue

pytest.importorskip("milvus_lite", reason="the extra milvus is not installed")
from benchmarks.engines.benchmark import (
    Growth,
    growth_table,
    read_growths,
    write_growths,
)
from benchmarks.engines.plot import draw_growth
from benchmarks.engines.sample import common_filter, grown
from benchmarks.engines.soak import agrees


@pytest.mark.parametrize("size", [7, 50, 130])
def test_a_grown_catalogue_repeats_products_with_other_embeddings(size) -> None:
    catalogue = drawn_catalogue(50)
    one, same = grown(catalogue, size), grown(catalogue, size)
    assert len(one) == len(set(one.ids)) == size
    rows = np.arange(size) % 50
    assert one.titles == tuple(catalogue.titles[row] for row in rows)
    np.testing.assert_array_equal(
        one.tables.facet_probs, catalogue.tables.facet_probs[rows]
    )
    lengths = np.linalg.norm(one.tables.embeddings, axis=1)
    np.testing.assert_allclose(lengths, 1.0, rtol=1e-5)
    np.testing.assert_array_equal(one.tables.embeddings, same.tables.embeddings)
    assert not np.array_equal(one.tables.embeddings, catalogue.tables.embeddings[rows])


def test_the_filter_is_the_one_nearest_to_a_third() -> None:
    catalogue = drawn_catalogue(60)
    attributes = {
        **catalogue.attributes,
        "gender": ("Men",) * 30 + ("Women",) * 30,
        "höhe": ("S",) * 19 + ("M",) * 41,
    }
    catalogue = dataclasses.replace(catalogue, attributes=attributes)
    assert common_filter(catalogue) == {"höhe": "S"}


def test_figures_are_kept_shown_and_drawn(tmp_path) -> None:
    one = Growth("exact", 10_000, 1.0, 2000.0, 0.0, 3.0, 4.0, 5.0, 6.0, 7.0, 0.98765)
    growths = [dataclasses.replace(one, products=20_000), one]
    assert read_growths(tmp_path / "new") == []
    write_growths(tmp_path, growths)
    assert read_growths(tmp_path) == growths
    rows = growth_table(growths).splitlines()[2:]
    cells = [[cell.strip() for cell in row.split("|")[1:-1]] for row in rows]
    assert [row[1] for row in cells] == ["10,000", "20,000"]
    assert cells[0][2:] == ["1.0", "2,000", "0", "3.0", "4.0", "5.0", "6.0", "7.0", "0.988"]
    draw_growth(growths, tmp_path / "growth.png")
    assert (tmp_path / "growth.png").read_bytes().startswith(b"\x89PNG")
    (tmp_path / "growth.json").write_text("[{}]")
    with pytest.raises(FitRankError, match="cannot be read"):
        read_growths(tmp_path)


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ([("a", 2.0), ("b", 1.0)], True),
        ([("a", 2.00005), ("b", 1.0)], True),
        ([("b", 1.0), ("a", 2.0)], False),
        ([("a", 2.0), ("c", 1.0)], False),
        ([("a", 2.0)], False),
        ([("a", 2.01), ("b", 1.0)], False),
    ],
)
def test_an_answer_is_right_with_the_same_products_and_scores(answer, right) -> None:
    def hits(pairs):
        return [Hit(rank, item, "", score) for rank, (item, score) in enumerate(pairs, 1)]

    assert agrees(hits(answer), hits([("a", 2.0), ("b", 1.0)])) == right
