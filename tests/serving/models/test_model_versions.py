"""Which versions are loaded, unloaded and retried, and in which order.

A loader that only records its calls stands in for TensorFlow.
"""

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig

from fitrank_tf.core.errors import FitRankError
from serving.models.model_versions import ModelVersions, VersionOptions
from serving.models.version_status import ModelEvent, VersionState, VersionStatus
from serving.status import StatusError

AT_ONCE = VersionOptions(load_retry_interval_micros=0)


class Loaded:
    """The loader's result; only its identity counts."""

    def __init__(self, version: int) -> None:
        self.version = version


class RecordingLoader:
    """Loads a version whose directory holds the file `whole`, and rejects others."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def load(self, name: str, version: int, directory: Path) -> Loaded:
        self.asked.append(version)
        if not (directory / "whole").exists():
            raise FitRankError(f"{directory}: half written") from StatusError(
                grpc.StatusCode.DATA_LOSS, "cut"
            )
        return Loaded(version)


@pytest.fixture
def loader() -> RecordingLoader:
    return RecordingLoader()


@pytest.fixture
def make(tmp_path: Path, loader: RecordingLoader) -> Callable[..., ModelVersions]:
    """Makes a model with a policy and options; its events are in `events`."""

    def versions_of(policy: str = "", options: VersionOptions = AT_ONCE) -> ModelVersions:
        model = ModelVersions(config_of(tmp_path, policy), loader, options, events.append)
        model.events = events
        return model

    events: list[ModelEvent] = []
    return versions_of


def config_of(base_path: Path, policy: str = "") -> ModelConfig:
    config = ModelConfig(name="m", base_path=str(base_path))
    text_format.Parse(policy, config.model_version_policy)
    return config


def write(base_path: Path, *versions: int, name: str = "whole") -> None:
    for version in versions:
        (base_path / str(version)).mkdir(exist_ok=True)
        (base_path / str(version) / name).touch()


def states(model: ModelVersions) -> dict[int, VersionState]:
    return {status.version: status.state for status in model.statuses()}


def test_new_version_is_loaded_before_the_old_one_goes(tmp_path, make, loader):
    write(tmp_path, 1)
    model = make()
    model.load_all()
    del model.events[:]
    write(tmp_path, 2)
    model.poll()
    assert list(model.serving.versions) == [2]
    assert loader.asked == [1, 2]
    # No request holds version 1, so it has ended by now.
    assert states(model) == {1: VersionState.END, 2: VersionState.AVAILABLE}
    seen = [(event.status.version, event.status.state) for event in model.events]
    assert seen == [
        (2, VersionState.START),
        (2, VersionState.LOADING),
        (2, VersionState.AVAILABLE),
        (1, VersionState.UNLOADING),
    ]


def test_version_in_use_is_unloading_until_it_is_released(tmp_path, make):
    write(tmp_path, 1)
    model = make()
    model.load_all()
    in_work = model.serving.latest
    write(tmp_path, 2)
    model.poll()
    assert in_work.version == 1
    assert states(model)[1] is VersionState.UNLOADING
    assert not model.retire()
    del in_work
    assert states(model)[1] is VersionState.END
    assert model.retire()
    assert model.events[-1].status == VersionStatus(1, VersionState.END)
    assert not model.retire()


@pytest.mark.parametrize(
    ("policy", "first", "after", "kept"),
    [
        ("", [1, 2], [2, 3], [3]),
        ("latest { num_versions: 2 }", [1, 2], [1, 2, 3], [2, 3]),
        ("all { }", [1, 2], [2, 3], [2, 3]),
        ("specific { versions: 1 }", [1, 2], [1, 2, 3], [1]),
        ("specific { versions: 1 versions: 2 }", [1, 2], [2, 3], [2]),
        # A roll-back: the newest version is deleted.
        ("", [1, 2], [1], [1]),
        # An empty base path leaves all loaded versions.
        ("all { }", [1, 2], [], [1, 2]),
    ],
)
def test_policy_decides_what_stays(tmp_path, make, policy, first, after, kept):
    write(tmp_path, *first)
    model = make(policy)
    model.load_all()
    write(tmp_path, *after)
    for version in set(first) - set(after):
        shutil.rmtree(tmp_path / str(version))
    model.poll()
    assert list(model.serving.versions) == kept


def test_newest_old_version_stays_while_new_ones_cannot_be_loaded(tmp_path, make):
    write(tmp_path, 1, 2)
    model = make("all { }")
    model.load_all()
    write(tmp_path, 3, name="half")
    for version in (1, 2):
        shutil.rmtree(tmp_path / str(version))
    model.poll()
    assert list(model.serving.versions) == [2]
    write(tmp_path, 3)
    model.poll()
    model.poll()
    assert list(model.serving.versions) == [3]


@pytest.mark.parametrize(
    ("always_present", "versions"), [(True, [1]), (False, [])], ids=["ours", "stock"]
)
def test_last_directory_gone(tmp_path, make, caplog, always_present, versions: list[int]):
    write(tmp_path, 1)
    model = make("", VersionOptions(servable_versions_always_present=always_present))
    model.load_all()
    shutil.rmtree(tmp_path / "1")
    with caplog.at_level(logging.WARNING):
        model.poll()
        model.poll()
    assert list(model.serving.versions) == versions
    assert caplog.text.count("no version under") == int(always_present)


def test_missing_base_path_changes_nothing(tmp_path, make):
    write(tmp_path, 1)
    model = make("", VersionOptions(servable_versions_always_present=False))
    model.load_all()
    shutil.rmtree(tmp_path)
    model.poll()
    assert list(model.serving.versions) == [1]


def test_failed_version_has_its_error_and_leaves_the_old_one(tmp_path, make):
    write(tmp_path, 1)
    model = make()
    model.load_all()
    write(tmp_path, 2, name="half")
    model.poll()
    assert list(model.serving.versions) == [1]
    [_, status] = model.statuses()
    assert status == VersionStatus(
        2,
        VersionState.END,
        grpc.StatusCode.DATA_LOSS.value[0],
        f"{tmp_path / '2'}: half written",
    )
    assert model.events[-1].status == status


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_failed_version_is_retried_up_to_the_limit(tmp_path, make, loader, retries):
    write(tmp_path, 1, name="half")
    model = make("", VersionOptions(retries, 0))
    for _ in range(10):
        model.poll()
    assert loader.asked == [1] * (1 + retries)


def test_retry_waits_for_the_interval(tmp_path, make, loader, monkeypatch):
    now = 1000.0
    monkeypatch.setattr("serving.models.model_versions.time.monotonic", lambda: now)
    write(tmp_path, 1, name="half")
    model = make("", VersionOptions(1, 60_000_000))
    model.poll()
    now = 1059.9
    model.poll()
    assert loader.asked == [1]
    now = 1060.0
    model.poll()
    assert loader.asked == [1, 1]


def test_changed_directory_is_retried_once_it_stops_changing(tmp_path, make, loader):
    write(tmp_path, 1, name="half")
    model = make("", VersionOptions(0, 0))
    model.poll()
    for name in ("a", "b"):
        # A copy in progress: each poll finds another file.
        write(tmp_path, 1, name=name)
        model.poll()
    write(tmp_path, 1)
    model.poll()
    assert loader.asked == [1]
    model.poll()
    assert loader.asked == [1, 1]
    assert list(model.serving.versions) == [1]
    assert states(model) == {1: VersionState.AVAILABLE}


def test_unloaded_version_can_come_back(tmp_path, make):
    write(tmp_path, 1, 2)
    model = make("specific { versions: 1 }")
    model.load_all()
    for wanted in (2, 1):
        config = config_of(tmp_path, f"specific {{ versions: {wanted} }}")
        model.configure(config, {})
        model.poll()
        assert list(model.serving.versions) == [wanted]
        assert states(model)[wanted] is VersionState.AVAILABLE


def test_statuses_do_not_grow_for_ever(tmp_path, make):
    write(tmp_path, 1)
    model = make()
    model.load_all()
    for version in range(2, 60):
        write(tmp_path, version)
        model.poll()
        shutil.rmtree(tmp_path / str(version - 1))
    model.poll()
    known = [status.version for status in model.statuses()]
    assert known == list(range(43, 60))


@pytest.mark.parametrize("name", ["max_num_load_retries", "load_retry_interval_micros"])
def test_negative_options_are_named(name: str):
    with pytest.raises(FitRankError, match=f"--{name}=-1"):
        VersionOptions(**{name: -1})
