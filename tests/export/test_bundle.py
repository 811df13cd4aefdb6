"""A bundle is written atomically, and errors name what is wrong with it."""

import json

import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.attributes import Attribute, Declaration
from fitrank_tf.export.bundle import (
    BUNDLE_FILE,
    FEATURE_HEADS_DIR,
    FORMAT_VERSION,
    MODELS,
    BundleInfo,
    check_replaceable,
    model_path,
    next_version,
    read_bundle_info,
    write_bundle,
)
from fitrank_tf.features.extract import feature_schema

INFO = BundleInfo(
    config={"recipe": "tiny"},
    dataset="synthetic_catalogue",
    fingerprint="abc",
    image_size=96,
    list_size=100,
    schema=feature_schema(),
    facets=("gender", "colour"),
    declaration=Declaration(
        (
            Attribute("gender"),
            Attribute("absatzhöhe", "number", ranges=("0..20", "21..45")),
        ),
        ("gender", "colour", "absatzhöhe"),
        "gender",
        ("colour",),
    ),
    metrics={"clip/title": {"R@1": 0.5}},
    packages={"tensorflow": "2.20.0"},
)


def _write(bundle, version: int = 1) -> None:
    with write_bundle(bundle) as folder:
        for name in MODELS:
            (folder / name / str(version)).mkdir(parents=True)
        (folder / FEATURE_HEADS_DIR).mkdir()
        (folder / BUNDLE_FILE).write_text(INFO.to_json(), encoding="utf-8")


def test_a_written_bundle_is_read_back(tmp_path) -> None:
    _write(tmp_path / "bundle")
    assert read_bundle_info(tmp_path / "bundle") == INFO
    assert [child.name for child in tmp_path.iterdir()] == ["bundle"]


def test_a_second_bundle_has_the_next_version_and_replaces_the_first(tmp_path) -> None:
    bundle = tmp_path / "bundle"
    assert next_version(bundle) == 1
    _write(bundle)
    (bundle / "notes.txt").write_text("of the first", encoding="utf-8")
    assert next_version(bundle) == 2
    _write(bundle, version=2)
    assert model_path(bundle, "search") == bundle / "search" / "2"
    assert not (bundle / "notes.txt").exists()


def test_versions_are_compared_as_numbers(tmp_path) -> None:
    for version in ("9", "10", "v11", ".tmp-12"):
        (tmp_path / "search" / version).mkdir(parents=True)
    assert model_path(tmp_path, "search").name == "10"


@pytest.mark.parametrize("error", [FitRankError, KeyboardInterrupt])
def test_after_an_error_the_old_bundle_is_as_it_was(tmp_path, error) -> None:
    bundle = tmp_path / "bundle"
    _write(bundle)
    with pytest.raises(error), write_bundle(bundle) as folder:
        (folder / "search").mkdir()
        raise error
    assert read_bundle_info(bundle) == INFO
    assert [child.name for child in tmp_path.iterdir()] == ["bundle"]


def test_a_folder_that_is_not_a_bundle_is_not_replaced(tmp_path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("keep", encoding="utf-8")
    for place in (tmp_path / "mine", tmp_path / "mine" / "thesis.tex"):
        with pytest.raises(FitRankError, match="is no bundle"):
            check_replaceable(place)
    (tmp_path / "empty").mkdir()
    check_replaceable(tmp_path / "empty")
    check_replaceable(tmp_path / "none")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format_version": 99}, f"format version 99, this program reads {FORMAT_VERSION}"),
        # Of before there were feature heads.
        ({"format_version": 1}, f"format version 1, this program reads {FORMAT_VERSION}"),
        ({"format_version": None}, "format version None"),
        ({"list_size": ...}, "lacks the field 'list_size'"),
    ],
)
def test_a_bundle_file_of_another_kind_is_named(tmp_path, change, message) -> None:
    _write(tmp_path / "bundle")
    path = tmp_path / "bundle" / BUNDLE_FILE
    plain = json.loads(path.read_text(encoding="utf-8")) | change
    plain = {key: value for key, value in plain.items() if value is not ...}
    path.write_text(json.dumps(plain), encoding="utf-8")
    with pytest.raises(FitRankError, match=message):
        read_bundle_info(tmp_path / "bundle")


@pytest.mark.parametrize("text", ["", "{", "[]", '"text"'])
def test_a_damaged_bundle_file_is_named(tmp_path, text: str) -> None:
    _write(tmp_path / "bundle")
    (tmp_path / "bundle" / BUNDLE_FILE).write_text(text, encoding="utf-8")
    with pytest.raises(FitRankError, match=str(tmp_path / "bundle" / BUNDLE_FILE)):
        read_bundle_info(tmp_path / "bundle")


@pytest.mark.parametrize(
    ("folder", "name"), [("reranker/1", "reranker"), (FEATURE_HEADS_DIR, FEATURE_HEADS_DIR)]
)
def test_a_missing_model_is_named(tmp_path, folder: str, name: str) -> None:
    _write(tmp_path / "bundle")
    (tmp_path / "bundle" / folder).rmdir()
    with pytest.raises(FitRankError, match=f"lacks the model '{name}'"):
        read_bundle_info(tmp_path / "bundle")
