"""compose.yaml and kubernetes.yaml: flags, image, files and probes fit the server."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
import yaml

from fitrank_tf.cli import client
from serving.process.options import flag_parser
from serving.server import Server

SERVING = Path(__file__).resolve().parents[2] / "serving"
MODELS = "/models"
PORTS = {8500, 8501}


def compose() -> dict[str, Any]:
    content = yaml.safe_load((SERVING / "compose.yaml").read_text())
    [service] = content["services"].values()
    return service


def kubernetes() -> dict[str, dict[str, Any]]:
    documents = yaml.safe_load_all((SERVING / "kubernetes.yaml").read_text())
    return {document["kind"]: document for document in documents}


def pod() -> dict[str, Any]:
    return kubernetes()["Deployment"]["spec"]["template"]


def container() -> dict[str, Any]:
    [only] = pod()["spec"]["containers"]
    return only


FLAGS = {"compose": compose()["command"], "kubernetes": container()["args"]}
CHECKS = {
    "compose": compose()["healthcheck"]["test"][1:],
    "kubernetes": container()["readinessProbe"]["exec"]["command"],
}


@pytest.mark.parametrize("where", FLAGS)
def test_flags_are_known_and_set(where: str):
    arguments = flag_parser().parse_args(FLAGS[where])
    assert arguments.allow_version_labels_for_unavailable_models is True
    assert arguments.enable_batching is True
    assert arguments.model_config_file_poll_wait_seconds > 0
    assert arguments.file_system_poll_wait_seconds > 0
    # The export writes this file into the mounted repository.
    assert arguments.model_config_file == f"{MODELS}/models.config"
    assert arguments.batching_parameters_file == f"{MODELS}/batching.config"
    assert arguments.monitoring_config_file == f"{MODELS}/monitoring.config"


@pytest.mark.parametrize("image", [compose()["image"], container()["image"]])
def test_image_has_the_version_of_the_exporting_tensorflow(image: str):
    assert image == f"tensorflow/serving:{tf.__version__}"


def test_compose_mounts_the_repository_and_opens_loopback_only():
    [volume] = compose()["volumes"]
    source, target, mode = volume.rsplit(":", 2)
    assert source.startswith("${MODEL_REPOSITORY:?")
    assert (target, mode) == (MODELS, "ro")
    assert {tuple(port.split(":")) for port in compose()["ports"]} == {
        ("127.0.0.1", str(port), str(port)) for port in PORTS
    }


def test_kubernetes_parts_name_each_other():
    parts = kubernetes()
    assert set(parts) == {"PersistentVolumeClaim", "Deployment", "Service"}
    labels = pod()["metadata"]["labels"]
    assert parts["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert parts["Service"]["spec"]["selector"] == labels
    named = {port["name"]: port["containerPort"] for port in container()["ports"]}
    assert set(named.values()) == PORTS
    for port in parts["Service"]["spec"]["ports"]:
        assert named[port["targetPort"]] == port["port"]
    for probe in ("startupProbe", "livenessProbe"):
        assert container()[probe]["tcpSocket"]["port"] in named
    [volume], [mount] = pod()["spec"]["volumes"], container()["volumeMounts"]
    assert mount == {"name": volume["name"], "mountPath": MODELS, "readOnly": True}
    claim = volume["persistentVolumeClaim"]["claimName"]
    assert claim == parts["PersistentVolumeClaim"]["metadata"]["name"]


def test_update_takes_no_pod_before_another_is_ready():
    update = kubernetes()["Deployment"]["spec"]["strategy"]
    assert update["type"] == "RollingUpdate"
    assert update["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    [_, pause] = container()["lifecycle"]["preStop"]["exec"]["command"]
    assert int(pause) < pod()["spec"]["terminationGracePeriodSeconds"]


@pytest.fixture(scope="module")
def server(start_models, bundle: Path) -> Server:
    return start_models(bundle / "search", rest_api_port=0)


@pytest.mark.parametrize("where", CHECKS)
@pytest.mark.parametrize(
    ("change", "healthy"),
    [
        (lambda command, port: command.replace("8501", str(port)), True),
        # No such model.
        (
            lambda command, port: command.replace("8501", str(port)).replace(
                "models/search", "models/other"
            ),
            False,
        ),
        # Nothing listens there.
        (lambda command, port: command.replace("8501", "1"), False),
    ],
    ids=["available", "no-model", "no-server"],
)
def test_check_is_of_the_model_s_state(server: Server, where: str, change, healthy: bool):
    *shell, command = CHECKS[where]
    changed = change(command, server.rest_api_port)
    result = subprocess.run([*shell, changed], capture_output=True, timeout=30)
    assert (result.returncode == 0) is healthy


def test_compose_with_milvus_runs_what_it_names():
    content = yaml.safe_load((SERVING / "compose.milvus.yaml").read_text())
    services = content["services"]
    assert set(services["milvus"]["depends_on"]) == {"etcd", "minio"}
    checked = {name for name, service in services.items() if "healthcheck" in service}
    needed = {
        name for service in services.values() for name in service.get("depends_on", ())
    }
    assert needed <= checked | {"tensorflow-serving"}
    for service in services.values():
        mounted = {volume.partition(":")[0] for volume in service.get("volumes", ())}
        assert mounted <= set(content["volumes"])
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    build = services["client"]["build"]["dockerfile_inline"]
    [entry] = [line for line in build.splitlines() if line.startswith("ENTRYPOINT")]
    program, command, *options = json.loads(entry.removeprefix("ENTRYPOINT "))
    assert (program, command) == ("fitrank", "client")
    parsed = client.parse([*options, "red check shirt"])
    assert parsed.address == "tensorflow-serving:8500"
    assert parsed.engine == "http://milvus:19530"
