"""Expressions against the filters of a served graph, on products with odd values."""

import math
import subprocess
import sys

import pytest
import tensorflow as tf

from fitrank_tf.client.engine.layout import (
    ID,
    admits,
    alias_of,
    all_of,
    attribute_field,
    attribute_of,
    within,
)
from fitrank_tf.core.attribute_names import input_name
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.export.graphs.attribute_filter import AttributeFilter
from fitrank_tf.retrieval.title_terms import TitleTerms
from tests.export.engine.toy_engine import FILTERS, drawn_catalogue

pytest.importorskip("milvus_lite", reason="the extra milvus is not installed")
from fitrank_tf.client.engine.milvus import Deadline, Milvus
from fitrank_tf.export.engine.collections import EngineCatalogue

KINDS = {each.name: each.kind for each in FILTERS}
CATALOGUE = drawn_catalogue(150)


@pytest.fixture(scope="module")
def passing(tmp_path_factory):
    """Gives the ids that an expression admits."""
    engine = Milvus(str(tmp_path_factory.mktemp("engine") / "toy.db"))
    terms = TitleTerms.of([["shirt"]])
    loaded = EngineCatalogue(engine, "toy", "0" * 64, terms)
    loaded.load(
        [CATALOGUE.select(range(100)), CATALOGUE.select(range(100, 150))], "FLAT", 9
    )

    def ids(expression: str) -> set[str]:
        deadline = Deadline(20.0)
        rows = engine.call(
            lambda client: client.query(
                loaded.alias, filter=expression, output_fields=[ID], limit=1000
            ),
            deadline,
        )
        return {row[ID] for row in rows}

    yield ids
    engine.close()


def _expression(filters: dict[str, str]) -> str:
    return all_of(
        admits(attribute_field(input_name(name)), KINDS[name], text)
        for name, text in filters.items()
    )


@pytest.mark.parametrize(
    "filters",
    [
        {"gender": "Women"},
        {"gender": " men |women"},
        {"gender": 'wo"men'},
        {"gender": "O'Neill"},
        {"gender": r"a\\b"},
        {"gender": "50%_off"},
        {"gender": "5%"},
        {"gender": r"S\|M"},
        {"gender": 'nobody") or (id != "'},
        {"materials": "silk"},
        {"materials": r"S\|M|the \"best\""},
        {"materials": 'The "Best"'},
        {"heel_height": "30..45.5"},
        {"heel_height": "<50"},
        {"heel_height": ">=30 <90|..1e1"},
        {"heel_height": "1e-3..", "gender": "Men", "materials": "wool"},
        {"höhe": "über"},
    ],
    ids=str,
)
def test_an_expression_admits_what_the_graph_admits(passing, filters) -> None:
    texts = {name: tf.constant([text]) for name, text in filters.items()}
    admitted = AttributeFilter(CATALOGUE.attributes, FILTERS)(texts).numpy()[0]
    expected = {item for item, passes in zip(CATALOGUE.ids, admitted) if passes}
    assert passing(_expression(filters)) == expected


@pytest.mark.parametrize("text", ["", "|", "  "])
def test_an_empty_filter_admits_all(text) -> None:
    assert _expression({"gender": text, "heel_height": text}) == ""


def test_bounds_are_included_and_may_contradict(passing) -> None:
    field = attribute_field("heel_height")
    heels = {
        i: float(h) for i, h in zip(CATALOGUE.ids, CATALOGUE.attributes["heel_height"]) if h
    }
    some = sorted(heels.values())[40]
    assert passing(within(field, some, some)) == {i for i, h in heels.items() if h == some}
    below = math.nextafter(some, -math.inf)
    assert passing(within(field, -math.inf, below)) == {
        i for i, h in heels.items() if h < some
    }
    assert passing(within(field, 50.0, 40.0)) == set()
    assert within(field, -math.inf, math.inf) == ""


def test_what_is_no_range_is_refused() -> None:
    with pytest.raises(FitRankError, match="write a number as"):
        _expression({"heel_height": "high"})


def test_names_of_fields_and_aliases() -> None:
    assert attribute_of(attribute_field("gender")) == "gender"
    assert attribute_of("title") is None
    first, second = "0123456789abcdef" + "0" * 48, "0123456789abcdee" + "0" * 48
    assert alias_of("shop", first) != alias_of("shop", second)


def test_its_import_leaves_the_handlers_of_others_open(tmp_path) -> None:
    """pymilvus configures logging when it is imported."""
    script = (
        "import logging, sys; "
        "logging.basicConfig(filename=sys.argv[1], filemode='w'); "
        "import fitrank_tf.client.engine.milvus; "
        "logging.error('still written')"
    )
    log = tmp_path / "log"
    subprocess.run([sys.executable, "-c", script, str(log)], check=True)
    assert "still written" in log.read_text()
