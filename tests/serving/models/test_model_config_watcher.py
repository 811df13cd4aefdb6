"""A changed file is applied; a broken one is not, and is logged once."""

import logging
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from serving.models.model_config import read_model_configs
from serving.models.model_config_watcher import ModelConfigWatcher
from serving.models.model_manager import ManagerOptions, ModelManager

PATIENCE = 60.0


def model(bundle: Path, name: str, more: str = "") -> str:
    return (
        f'config {{ name: "{name}" base_path: "{bundle}/{name}" '
        f'model_platform: "tensorflow" {more} }}'
    )


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def write_models(*models: str) -> Path:
        new = tmp_path / ".models.config"
        new.write_text(f"model_config_list {{ {' '.join(models)} }}")
        return new.rename(tmp_path / "models.config")

    return write_models


@pytest.fixture
def manager(bundle: Path, write) -> Iterator[ModelManager]:
    configs = read_model_configs(write(model(bundle, "affine")))
    manager = ModelManager(configs, ManagerOptions(file_system_poll_wait_seconds=0))
    yield manager
    manager.close()


def test_changed_file_is_applied(bundle, manager, write, tmp_path):
    watcher = ModelConfigWatcher(manager, tmp_path / "models.config", 0)
    write(model(bundle, "affine"), model(bundle, "search"))
    watcher.poll()
    assert manager.summary() == "affine (7), search (2)"
    write(model(bundle, "search", "model_version_policy { all { } }"))
    watcher.poll()
    assert manager.summary() == "search (1, 2)"


def test_unchanged_file_is_not_applied_again(bundle, manager, tmp_path, monkeypatch):
    watcher = ModelConfigWatcher(manager, tmp_path / "models.config", 0)
    watcher.poll()
    monkeypatch.setattr(manager, "reload", lambda configs: pytest.fail("reloaded"))
    watcher.poll()


@pytest.mark.parametrize(
    ("spoil", "gist"),
    [
        (lambda path: path.write_text("model_config_list {"), "models.config:"),
        (lambda path: path.write_text(""), "no model"),
        (Path.unlink, "cannot be read"),
        (
            lambda path: path.write_text(path.read_text().replace("affine", "nowhere")),
            "did not become available",
        ),
    ],
    ids=["cut", "empty", "missing", "new-model"],
)
def test_file_that_cannot_be_served_is_logged_once(
    bundle, manager, write, tmp_path, caplog, spoil: Callable[[Path], object], gist: str
):
    path = tmp_path / "models.config"
    watcher = ModelConfigWatcher(manager, path, 0)
    spoil(path)
    with caplog.at_level(logging.ERROR):
        watcher.poll()
        watcher.poll()
    assert manager.summary() == "affine (7)"
    [record] = [r for r in caplog.records if "stay as they are" in r.message]
    assert gist in record.message
    write(model(bundle, "search"))
    watcher.poll()
    assert manager.summary() == "search (2)"


def test_label_waits_for_its_version(bundle, manager, write, tmp_path):
    watcher = ModelConfigWatcher(manager, tmp_path / "models.config", 0)
    shutil.copytree(bundle / "search" / "1", tmp_path / "search" / "1")
    write(model(tmp_path, "search"))
    watcher.poll()
    write(model(tmp_path, "search", 'version_labels { key: "newest" value: 2 }'))
    watcher.poll()
    assert manager._models["search"].serving.labels == {}
    shutil.copytree(bundle / "search" / "2", tmp_path / "search" / "2")
    manager.poll()
    watcher.poll()
    assert manager._models["search"].serving.labels == {"newest": 2}


def test_thread_applies_the_file_by_itself(bundle, manager, write, tmp_path, monkeypatch):
    reloaded = threading.Event()
    reload = manager.reload

    def reload_and_notify(configs: list) -> None:
        reload(configs)
        reloaded.set()

    monkeypatch.setattr(manager, "reload", reload_and_notify)
    write(model(bundle, "search"))
    watcher = ModelConfigWatcher(manager, tmp_path / "models.config", 0.01)
    assert reloaded.wait(PATIENCE)
    watcher.stop()
    assert manager.summary() == "search (2)"
