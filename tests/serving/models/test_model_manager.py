"""Swaps under load, labels, reloads and failed loads, with real SavedModels."""

import gc
import shutil
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import pytest
from google.protobuf import text_format
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig

from fitrank_tf.core.errors import FitRankError
from serving.batching.parameters import BatchingParameters
from serving.models.model_config import read_model_configs
from serving.models.model_manager import ManagerOptions, ModelManager
from serving.models.model_versions import VersionOptions
from serving.models.servable_loader import LoaderOptions
from serving.models.version_status import ModelEvent, VersionState
from serving.status import StatusError
from tests.serving.toy_models import QUERIES

PATIENCE = 60.0
BY_HAND = ManagerOptions(
    versions=VersionOptions(max_num_load_retries=0), file_system_poll_wait_seconds=0
)


def config_of(base_path: Path, policy: str = "", name: str = "search", **labels: int):
    config = ModelConfig(name=name, base_path=str(base_path), model_platform="tensorflow")
    text_format.Parse(policy, config.model_version_policy)
    config.version_labels.update(labels)
    return config


def request_for(name: str, version: int | None = None, label: str = "") -> PredictRequest:
    request = PredictRequest()
    request.model_spec.name = name
    if version is not None:
        request.model_spec.version.value = version
    if label:
        request.model_spec.version_label = label
    return request


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)


@pytest.fixture
def publish(bundle: Path, tmp_path: Path) -> Callable[[int], Path]:
    """Publishes a version as an export does, by renaming a complete directory.

    Version N is a copy of version 1 (N odd) or 2 (N even) of `search`, so a response shows
    which of the two computed it.
    """

    def publish_version(version: int, model: str = "search") -> Path:
        base_path = tmp_path / model
        base_path.mkdir(exist_ok=True)
        source = bundle / "search" / str(1 if version % 2 else 2)
        shutil.copytree(source, base_path / f".tmp-{version}")
        return (base_path / f".tmp-{version}").rename(base_path / str(version))

    return publish_version


@pytest.fixture
def start() -> Iterator[Callable[..., ModelManager]]:
    """Starts managers, and closes them."""
    managers: list[ModelManager] = []

    def start_manager(
        configs: list[ModelConfig], options: ManagerOptions = BY_HAND, **more: object
    ) -> ModelManager:
        managers.append(ModelManager(configs, options, **more))
        return managers[-1]

    yield start_manager
    for manager in managers:
        manager.close()


def ask(manager: ModelManager, request: PredictRequest) -> tuple[int, int]:
    """The version that was found, and which of the two copies computed the response."""
    servable = manager.find(request.model_spec)
    inputs = {"query": np.array([query.encode() for query in QUERIES], object)}
    outputs = servable.run("serving_default", inputs, ["first_stage_ranks", "ids"])
    ranks = outputs["first_stage_ranks"]
    source = ranks[0, 0].item()
    np.testing.assert_array_equal(ranks, [[source, source + 1, source + 2]] * 2)
    assert outputs["ids"][0].tolist() == [b"11", b"12", b"13"]
    return servable.version, source


def test_summary_names_models_with_versions(bundle, start):
    manager = start(read_model_configs(bundle / "models.config"))
    assert manager.summary() == "affine (7), search (1, 2)"


def test_label_on_a_version_that_is_not_loaded_is_an_error(bundle, start):
    # Version 1 exists, but the default policy loads only the latest.
    config = config_of(bundle / "search", stable=1)
    with pytest.raises(
        FitRankError, match=r"label 'stable' points at version 1, which is not"
    ):
        start([config])


@pytest.mark.parametrize(
    "loader",
    [LoaderOptions(), LoaderOptions(batching=BatchingParameters(num_batch_threads=2))],
    ids=["single", "batched"],
)
def test_no_request_fails_while_versions_come_and_go(
    publish, start, tmp_path, loader: LoaderOptions
):
    publish(1)
    manager = start(
        [config_of(tmp_path / "search")],
        ManagerOptions(loader=loader, file_system_poll_wait_seconds=0.01),
    )
    stop, seen = threading.Event(), set()

    def keep_asking() -> list[tuple[int, int]]:
        answers = []
        while not stop.is_set():
            answers.append(ask(manager, request_for("search")))
            seen.add(answers[-1][0])
        return answers

    with ThreadPoolExecutor(4) as pool:
        clients = [pool.submit(keep_asking) for _ in range(4)]
        try:
            for version in range(2, 7):
                publish(version)
                wait_until(lambda version=version: version in seen)
                shutil.rmtree(tmp_path / "search" / str(version - 1))
        finally:
            stop.set()
    answers = [answer for client in clients for answer in client.result()]
    assert all(source == (1 if version % 2 else 2) for version, source in answers)
    for client in clients:
        versions = [version for version, _ in client.result()]
        assert versions == sorted(versions)


def test_label_moves_without_a_failed_request(publish, start, tmp_path):
    publish(1)
    publish(2)
    base_path, both = tmp_path / "search", "specific { versions: 1 versions: 2 }"
    manager = start([config_of(base_path, both, stable=1)])
    stop = threading.Event()

    def keep_asking() -> list[tuple[int, int]]:
        answers = []
        while not stop.is_set():
            answers.append(ask(manager, request_for("search", label="stable")))
        return answers

    with ThreadPoolExecutor(2) as pool:
        clients = [pool.submit(keep_asking) for _ in range(2)]
        try:
            for _ in range(3):
                manager.reload([config_of(base_path, both, stable=2)])
                manager.reload([config_of(base_path, "specific { versions: 2 }", stable=2)])
                manager.reload([config_of(base_path, both, stable=2)])
                manager.reload([config_of(base_path, both, stable=1)])
                manager.reload([config_of(base_path, "specific { versions: 1 }", stable=1)])
                manager.reload([config_of(base_path, both, stable=1)])
        finally:
            stop.set()
    for client in clients:
        assert {source for _, source in client.result()} == {1, 2}


@pytest.mark.parametrize(
    ("damage", "gist"),
    [
        (lambda d: (d / "saved_model.pb").unlink(), "half written"),
        (lambda d: shutil.rmtree(d / "variables"), "cannot be loaded"),
    ],
    ids=["no-pb", "no-variables"],
)
def test_half_copied_version_waits_until_it_is_whole(
    publish, start, tmp_path, damage, gist: str
):
    publish(1)
    manager = start([config_of(tmp_path / "search")])
    whole = publish(3, model="elsewhere")
    copy = tmp_path / "search" / "3"
    shutil.copytree(whole, copy)
    damage(copy)
    manager.poll()
    assert ask(manager, request_for("search")) == (1, 1)
    [_, status] = manager.statuses("search")
    assert (status.version, status.state) == (3, VersionState.END)
    assert status.error_code != 0
    assert gist in status.error_message

    shutil.copytree(whole, copy, dirs_exist_ok=True)
    manager.poll()
    manager.poll()
    assert manager.versions("search") == [3]
    assert [status.state for status in manager.statuses("search")] == [
        VersionState.END,
        VersionState.AVAILABLE,
    ]


def test_replaced_version_is_freed_when_its_last_request_ends(publish, start, tmp_path):
    publish(1)
    manager = start([config_of(tmp_path / "search")])
    in_work = manager.find(request_for("search").model_spec)
    graph = weakref.ref(in_work._session.graph)
    publish(2)
    manager.poll()
    assert ask(manager, request_for("search")) == (2, 2)
    assert in_work.version == 1
    assert manager.statuses("search")[0].state is VersionState.UNLOADING
    in_work.run("serving_default", {"query": np.array([b"a"], object)}, ["ids"])
    gc.disable()
    try:
        del in_work
        assert manager.statuses("search")[0].state is VersionState.END
        manager.poll()
        assert graph() is None
    finally:
        gc.enable()


def test_reload_adds_keeps_and_drops_models(bundle, start):
    affine = config_of(bundle / "affine", name="affine")
    manager = start([config_of(bundle / "search"), affine])
    kept = manager.find(request_for("affine").model_spec)
    manager.reload([affine, config_of(bundle / "search", name="other")])
    assert manager.summary() == "affine (7), other (2)"
    assert manager.find(request_for("affine").model_spec) is kept
    with pytest.raises(StatusError, match=r"Latest\(search\)") as raised:
        manager.find(request_for("search").model_spec)
    assert raised.value.code is grpc.StatusCode.NOT_FOUND
    assert [status.state for status in manager.statuses("search")] == [VersionState.END]


def test_reload_applies_another_policy(bundle, start):
    manager = start([config_of(bundle / "search")])
    manager.reload([config_of(bundle / "search", "all { }")])
    assert manager.versions("search") == [1, 2]
    manager.reload([config_of(bundle / "search", "specific { versions: 1 }")])
    assert manager.versions("search") == [1]


@pytest.mark.parametrize(
    ("configs", "code", "gist"),
    [
        (
            lambda b: [config_of(b / "affine", name="new"), config_of(b / "no", name="no")],
            grpc.StatusCode.UNKNOWN,
            "1 model(s) did not become available: {{no due to error: model 'no': no ",
        ),
        (
            lambda b: [config_of(b / "search"), config_of(b / "affine")],
            grpc.StatusCode.INVALID_ARGUMENT,
            "model 'search' appears twice",
        ),
        (
            lambda b: [ModelConfig(name="m", base_path="/m", model_platform="torch")],
            grpc.StatusCode.INVALID_ARGUMENT,
            "model_platform 'torch'",
        ),
        (
            lambda b: [config_of(b / "search", "all { }", stable=1)],
            grpc.StatusCode.FAILED_PRECONDITION,
            "Request to assign label to version 1 of model search, which is not currently "
            "available for inference",
        ),
        (
            lambda b: [config_of(b / "affine", name="affine", stable=7)],
            grpc.StatusCode.FAILED_PRECONDITION,
            "Request to assign label to version 7 of model affine",
        ),
    ],
    ids=["new-model", "twice", "platform", "label", "label-of-new-model"],
)
def test_reload_that_cannot_be_served_changes_nothing(bundle, start, configs, code, gist):
    manager = start([config_of(bundle / "search", newest=2)])
    with pytest.raises(StatusError) as raised:
        manager.reload(configs(bundle))
    assert raised.value.code is code
    assert gist in raised.value.message
    assert manager.summary() == "search (2)"
    assert ask(manager, request_for("search", label="newest")) == (2, 2)


def test_reload_keeps_a_served_model_whose_directory_is_missing(bundle, start):
    manager = start([config_of(bundle / "search")])
    manager.reload(
        [config_of(bundle / "nothing"), config_of(bundle / "affine", name="affine")]
    )
    assert manager.summary() == "affine (7), search (2)"


def test_label_may_be_ahead_of_its_version_only_where_that_is_allowed(
    publish, start, tmp_path
):
    publish(1)
    options = ManagerOptions(
        file_system_poll_wait_seconds=0, allow_version_labels_for_unavailable_models=True
    )
    base_path = tmp_path / "search"
    manager = start([config_of(base_path, stable=1, canary=2)], options)
    with pytest.raises(StatusError, match=r"Specific\(search, 2\)"):
        manager.find(request_for("search", label="canary").model_spec)
    # The flag covers only new labels: assigned ones cannot move to unloaded versions.
    with pytest.raises(StatusError) as raised:
        manager.reload([config_of(base_path, stable=2)])
    assert raised.value.code is grpc.StatusCode.FAILED_PRECONDITION
    publish(2)
    manager.reload([config_of(base_path, "all { }", stable=1, canary=2, next=3)])
    assert ask(manager, request_for("search", label="canary")) == (2, 2)
    assert ask(manager, request_for("search", label="stable")) == (1, 1)


def test_listener_receives_loads_and_failures(publish, start, tmp_path):
    events: list[ModelEvent] = []
    publish(1)
    manager = start([config_of(tmp_path / "search")], listener=events.append)
    (publish(2) / "saved_model.pb").unlink()
    manager.poll()
    ended = [event for event in events if event.seconds > 0]
    assert [(event.name, event.status.version) for event in ended] == [
        ("search", 1),
        ("search", 2),
    ]
    assert ended[0].status.state is VersionState.AVAILABLE
    assert ended[1].status.error_code != 0


def test_closed_manager_serves_nothing_and_stops_polling(publish, start, tmp_path):
    publish(1)
    manager = start(
        [config_of(tmp_path / "search")], ManagerOptions(file_system_poll_wait_seconds=0.01)
    )
    servable = weakref.ref(manager.find(request_for("search").model_spec))
    manager.close()
    assert manager.versions("search") == []
    assert servable() is None
    with pytest.raises(StatusError):
        manager.find(request_for("search").model_spec)
