"""Catalogues change in new versions, whole or not at all, one change at a time."""

import dataclasses
import threading

import pytest
import tensorflow as tf

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.attributes import Attribute
from fitrank_tf.export.bundle import model_path, model_versions
from fitrank_tf.export.catalogue_models import CATALOGUE_MODELS
from fitrank_tf.export.graphs.served_catalogue import read_catalogue, read_filters
from fitrank_tf.export.live_catalogue import change_catalogue
from fitrank_tf.export.signatures import DEFAULT_SIGNATURE, FILTERED_SIGNATURE
from tests.export.toy_parts import HEELS, IDS


def _loaded(bundle, name="search"):
    return tf.saved_model.load(str(model_path(bundle, name)))


def _found(bundle, name: str) -> set[str]:
    answer = _loaded(bundle, name).signatures[DEFAULT_SIGNATURE](query=tf.constant(["0.4"]))
    return {item.decode() for item in answer["ids"].numpy()[0]}


def _two_left(old):
    return old.without(["p0", "p1", "p2"])


@pytest.mark.parametrize(
    "name", ["search", pytest.param("search_scann", marks=pytest.mark.slow)]
)
def test_a_removed_product_is_found_no_more(bundle, name) -> None:
    assert change_catalogue(bundle, _two_left) == 2
    assert _found(bundle, name) == {"p3", "p4"}
    assert model_path(bundle, "similar").name == "2"


def test_an_added_product_is_found(bundle) -> None:
    def join(old):
        new = dataclasses.replace(old.select([2]), ids=("new",), titles=("New",))
        return old.with_products(new).without(["p2"])

    change_catalogue(bundle, join)
    assert "new" in _found(bundle, "search")
    held = read_catalogue(_loaded(bundle))
    assert held.ids == ("p0", "p1", "p3", "p4", "new")


@pytest.mark.slow
def test_added_products_bring_their_attributes(bundle) -> None:
    """Those of both catalogues, each of the kind that the first one gives it."""

    def join(old):
        new = dataclasses.replace(
            old.select([2]),
            ids=("new",),
            attributes={
                "gender": ("Men",),
                "heel_height": ("60 mm",),
                "obermaterial": ("Wildleder|Leder",),
            },
            filters=(
                Attribute("gender"),
                Attribute("heel_height"),
                Attribute("obermaterial", "categories"),
            ),
        )
        return old.with_products(new)

    change_catalogue(bundle, join)
    held = read_catalogue(_loaded(bundle))
    assert [each.name for each in held.filters] == [
        *("gender", "colour", "usage", "heel_height", "obermaterial")
    ]
    assert held.attributes["heel_height"] == (*HEELS, "60")
    assert held.attributes["colour"][-1] == "" == held.attributes["obermaterial"][0]
    inputs = {each.name: tf.constant([""]) for each in held.filters}
    inputs |= {"query": tf.constant(["0.4"]), "obermaterial": tf.constant(["leder"])}
    inputs |= {"heel_height": tf.constant([">=50"]), "top_k": tf.constant([3])}
    answer = _loaded(bundle).signatures[FILTERED_SIGNATURE](**inputs)
    assert list(filter(None, answer["ids"].numpy()[0])) == [b"new"]


@pytest.mark.slow
def test_names_that_are_not_ascii_filter_too(bundle) -> None:
    def renamed(old):
        heel = Attribute("absatzhöhe", "number")
        return dataclasses.replace(
            old, attributes={"absatzhöhe": old.attributes["heel_height"]}, filters=(heel,)
        )

    change_catalogue(bundle, renamed)
    search = _loaded(bundle)
    assert read_filters(search) == (Attribute("absatzhöhe", "number"),)
    answer = search.signatures[FILTERED_SIGNATURE](
        query=tf.constant(["0.4"]),
        absatzhohe=tf.constant(["30..50"]),
        top_k=tf.constant([3]),
    )
    assert set(filter(None, answer["ids"].numpy()[0])) == {b"p1", b"p2"}


@pytest.mark.slow
def test_a_catalogue_without_attributes_has_no_filter(bundle) -> None:
    change_catalogue(
        bundle, lambda old: dataclasses.replace(old, attributes={}, filters=())
    )
    search = _loaded(bundle)
    assert read_catalogue(search).attributes == {}
    answer = search.signatures[FILTERED_SIGNATURE](
        query=tf.constant(["0.4"]), top_k=tf.constant([3])
    )
    assert all(answer["ids"].numpy()[0])


def test_after_an_error_nothing_has_changed(bundle) -> None:
    with pytest.raises(FitRankError, match="no product 'nobody'"):
        change_catalogue(bundle, lambda old: old.without(["nobody"]))
    for name in CATALOGUE_MODELS:
        assert [child.name for child in (bundle / name).iterdir()] == ["1"]


@pytest.mark.slow
def test_the_last_versions_are_kept_and_older_ones_go(bundle) -> None:
    for _ in range(4):
        change_catalogue(bundle, lambda old: old, models=())
    assert model_versions(bundle, "search") == [3, 4, 5]
    assert [child.name[0] for child in (bundle / "search").iterdir()].count(".") == 0
    assert model_versions(bundle, "similar") == [1]


@pytest.mark.slow
def test_leftovers_of_a_killed_process_are_removed_and_never_served(bundle) -> None:
    """It had written search_scann, and half of search."""
    (bundle / "search_scann" / "2").mkdir()
    (bundle / "search" / ".tmp-2" / "variables").mkdir(parents=True)
    (bundle / "similar" / ".old-0").mkdir()
    assert set(read_catalogue(_loaded(bundle)).ids) == set(IDS)
    assert change_catalogue(bundle, _two_left) == 3
    left = [path.name for path in bundle.glob("*/.*")]
    assert left == []


@pytest.mark.slow
def test_changes_of_two_processes_both_count(bundle) -> None:
    """The second waits for the first and starts from what it wrote."""
    inside, go_on = threading.Event(), threading.Event()

    def slowly(old):
        inside.set()
        assert go_on.wait(60)
        return old.without(["p0"])

    first = threading.Thread(target=change_catalogue, args=(bundle, slowly, ()))
    first.start()
    assert inside.wait(60)
    second = threading.Thread(
        target=change_catalogue, args=(bundle, lambda old: old.without(["p1"]), ())
    )
    second.start()
    go_on.set()
    first.join()
    second.join()
    assert read_catalogue(_loaded(bundle)).ids == ("p2", "p3", "p4")
