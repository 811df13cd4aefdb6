"""The drawn shop: photos show their attributes, and both languages work alike."""

import dataclasses

import numpy as np
import pytest

import fitrank_tf as fr
from benchmarks.shoes.benchmark import attribute_lines, search_lines
from benchmarks.shoes.catalogue import LANGUAGES, wording, write_shop
from benchmarks.shoes.drawing import (
    CLOSURES,
    HEEL_HEIGHTS,
    MATERIALS,
    OCCASIONS,
    Shoe,
    draw_shoe,
    random_shoe,
)
from fitrank_tf.datasets.attributes import CATEGORY, NUMBER
from fitrank_tf.datasets.catalogue import open_catalogue, open_source
from fitrank_tf.datasets.check import check_source
from fitrank_tf.datasets.splits import ALL
from fitrank_tf.queries.query_sets import facet_queries
from tests.training.small_chain import SMALL

PLAIN = Shoe("leather", 20, "slip-on", "party")


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("material", MATERIALS),
        ("closure", CLOSURES),
        ("occasion", OCCASIONS),
        ("heel_height", (0, 30, 60, 110)),
    ],
)
def test_every_value_changes_the_picture(field: str, values) -> None:
    shoes = [dataclasses.replace(PLAIN, **{field: value}) for value in values]
    photos = [draw_shoe(np.random.default_rng(0), shoe).astype(int) for shoe in shoes]
    for one in range(len(photos)):
        for other in range(one):
            changed = np.abs(photos[one] - photos[other]).max(axis=2) > 40
            assert changed.mean() > 0.003, (values[one], values[other])


def test_shoes_are_drawn_from_all_values() -> None:
    shoes = [random_shoe(np.random.default_rng(seed)) for seed in range(300)]
    for field, values in (
        ("material", MATERIALS),
        ("closure", CLOSURES),
        ("occasion", OCCASIONS),
        ("heel_height", HEEL_HEIGHTS),
    ):
        assert {getattr(shoe, field) for shoe in shoes} == set(values)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_table_alone_declares_the_attributes(language: str, tmp_path) -> None:
    source = write_shop(tmp_path / "shop", language, 60)
    catalogue = open_catalogue(source, str(tmp_path / "prepared"))
    kinds = [each.kind for each in catalogue.declaration.attributes]
    assert kinds == [CATEGORY, NUMBER, CATEGORY, CATEGORY]
    assert catalogue.declaration.facets == catalogue.declaration.names
    assert catalogue.declaration.decisive == ""
    values = set(map(str.lower, wording(language)["values"].values()))
    number = catalogue.declaration.names[1]
    records = catalogue.records(ALL)
    for query in facet_queries(records, 40, seed=0):
        for facet, value in query.wanted:
            assert value.lower() in values or facet == number
            assert value.lower() in query.text or facet == number
    assert f"{len(records)} products" in attribute_lines(catalogue)


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_left_out_of_the_shop(language: str, tmp_path) -> None:
    source = open_source(write_shop(tmp_path / "shop", language, 60))
    check, products = check_source(source)
    assert check.num_products == len(products) == check.num_rows == 60
    assert check.left_out == {}
    number = source.declaration.attributes[1]
    assert set(check.attributes[number.name].counts) == set(number.ranges)


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_chain_runs_in_both_languages(language: str, tmp_path) -> None:
    """Trained, searched, filtered and measured by the shop's own attributes."""
    source = write_shop(tmp_path / "shop", language, 120)
    catalogue = open_catalogue(source, str(tmp_path / "prepared"))
    bundle = fr.train(catalogue, "tiny", tmp_path / "bundle", overrides=SMALL)
    assert bundle.info.declaration == catalogue.declaration
    assert set(bundle.info.facets) == set(catalogue.declaration.names)
    lines = search_lines(bundle, catalogue, language).splitlines()
    assert any(line.startswith("  s") for line in lines)
    words = wording(language)
    heel, material = words["columns"]["heel_height"], words["columns"]["material"]
    suede = words["values"]["suede"]
    hits = bundle.search(suede, top_k=120, filters={heel: "60..110", material: suede})
    number = catalogue.declaration.names[1]
    records = catalogue.records(ALL)
    tall = {
        item
        for item, height, of in zip(
            records.ids, records.attributes[number], records.attributes["material"]
        )
        if of == suede and float(height) >= 60
    }
    assert {hit.id for hit in hits} <= tall
    assert len(hits) == min(len(tall), bundle.info.list_size)
    assert 0.0 <= bundle.info.metrics["reranked/facet"]["nDCG@10"] <= 1.0
