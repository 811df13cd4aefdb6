"""A repository hands versions on, moves labels, and never loses what is served."""

import shutil
from pathlib import Path

import pytest
from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.export.live_catalogue import change_catalogue
from fitrank_tf.export.repository import Repository
from fitrank_tf.export.serving_config import Labels
from fitrank_tf.export.signatures import copy_version

MODELS = ("query_encoder", "search")


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "repository"


def _open(folder: Path) -> Repository:
    return Repository(folder, "/models")


def _change(bundle: Path) -> None:
    change_catalogue(bundle, lambda old: old.without([old.ids[0]]), models=())


def _config(folder: Path) -> dict[str, tuple[list[int], dict[str, int]]]:
    """{model: (versions to load, labels)}, by TensorFlow Serving's own proto."""
    config = text_format.Parse((folder / "models.config").read_text(), ModelServerConfig())
    return {
        model.name: (
            list(model.model_version_policy.specific.versions),
            dict(model.version_labels),
        )
        for model in config.model_config_list.config
    }


def test_the_first_export_is_stable_at_once(bundle, folder) -> None:
    _open(folder).add(bundle, MODELS)
    served = ([1], {"stable": 1, "canary": 1})
    assert _config(folder) == {"query_encoder": served, "search": served}
    assert (folder / "search" / "1" / "saved_model.pb").is_file()
    assert (folder / "batching.config").is_file()
    assert (folder / "monitoring.config").is_file()


def test_a_new_version_is_the_canary_until_it_is_promoted(bundle, folder) -> None:
    _open(folder).add(bundle, MODELS)
    _change(bundle)
    _open(folder).add(bundle, MODELS)
    assert _config(folder)["search"] == ([1, 2], {"stable": 1, "canary": 2})
    assert _config(folder)["query_encoder"] == ([1], {"stable": 1, "canary": 1})
    _open(folder).promote()
    assert _config(folder)["search"] == ([2], {"stable": 2, "canary": 2})


@pytest.mark.slow
def test_a_canary_is_taken_back(bundle, folder) -> None:
    _open(folder).add(bundle, MODELS)
    _change(bundle)
    _open(folder).add(bundle, MODELS)
    _open(folder).roll_back()
    assert _config(folder)["search"] == ([1], {"stable": 1, "canary": 1})


@pytest.mark.slow
def test_behind_a_promoted_version_the_way_back_is_a_canary(bundle, folder) -> None:
    """A label moves only to a version that is loaded already."""
    _open(folder).add(bundle, MODELS)
    _change(bundle)
    _open(folder).add(bundle, MODELS)
    _open(folder).promote()
    _open(folder).roll_back()
    assert _config(folder)["search"] == ([1, 2], {"stable": 2, "canary": 1})
    _open(folder).promote()
    assert _config(folder)["search"] == ([1], {"stable": 1, "canary": 1})


def test_a_rollback_without_an_earlier_version_is_refused(bundle, folder) -> None:
    _open(folder).add(bundle, MODELS)
    with pytest.raises(FitRankError, match="nothing to go back to"):
        _open(folder).roll_back()
    with pytest.raises(FitRankError, match="no model yet"):
        _open(folder.with_name("other")).promote()


def test_exporting_again_changes_nothing(bundle, folder) -> None:
    _open(folder).add(bundle, MODELS)
    before = {path: path.stat().st_mtime_ns for path in (folder / "search").rglob("*")}
    _open(folder).add(bundle, MODELS)
    after = {path: path.stat().st_mtime_ns for path in (folder / "search").rglob("*")}
    assert after == before


def test_another_model_of_the_same_number_is_refused(bundle, folder) -> None:
    _open(folder).add(bundle, MODELS)
    shutil.rmtree(folder / "search" / "1")
    shutil.copytree(folder / "query_encoder" / "1", folder / "search" / "1")
    with pytest.raises(FitRankError, match="never overwritten"):
        _open(folder).add(bundle, MODELS)


def test_a_model_that_the_bundle_lacks_is_named(bundle, folder) -> None:
    with pytest.raises(FitRankError, match="no model 'ranker'"):
        _open(folder).add(bundle, ("ranker",))
    assert not folder.exists()


@pytest.mark.parametrize(
    ("text", "gist"),
    [
        ("no proto {", "cannot be read"),
        ('model_config_list {config {name: "a"}}', "no label"),
    ],
)
def test_a_broken_models_config_is_named(folder, text, gist) -> None:
    folder.mkdir()
    (folder / "models.config").write_text(text)
    with pytest.raises(FitRankError, match=gist):
        _open(folder)


def test_a_copy_that_was_interrupted_is_no_version(bundle, folder) -> None:
    (folder / "search" / ".tmp-1").mkdir(parents=True)
    (folder / "search" / ".tmp-1" / "saved_model.pb").write_bytes(b"half")
    _open(folder).add(bundle, MODELS)
    assert [child.name for child in (folder / "search").iterdir()] == ["1"]


def test_a_copied_version_keeps_every_byte_and_is_never_overwritten(tmp_path) -> None:
    (tmp_path / "1" / "variables").mkdir(parents=True)
    (tmp_path / "1" / "variables" / "x").write_bytes(b"weights")
    copy_version(tmp_path / "1", tmp_path / "2")
    assert (tmp_path / "2" / "variables" / "x").read_bytes() == b"weights"
    with pytest.raises(FitRankError, match="2 exists: a version is never overwritten"):
        copy_version(tmp_path / "1", tmp_path / "2")


def test_labels_name_their_versions() -> None:
    assert Labels(stable=2, canary=1).versions == (1, 2)
