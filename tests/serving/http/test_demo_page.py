"""The demo's page beside the REST API, on one port."""

import json
from pathlib import Path

import pytest
from starlette.routing import Mount

from fitrank_tf.demo.app import demo_app
from fitrank_tf.demo.photos import ProductPhotos
from serving.models.model_manager import ModelManager
from serving.process.metrics import Metrics
from serving.process.options import ServerOptions
from serving.server import serve
from tests.demo.toy import ToySearch
from tests.serving.conftest import DEFAULT_LOADING
from tests.serving.toy_http import call


@pytest.fixture(scope="module")
def port(example_model: Path):
    from serving.models.model_config import single_model_config

    configs = [single_model_config(example_model.name, str(example_model))]
    manager = ModelManager(configs, DEFAULT_LOADING, Metrics().model_event)
    pages = [Mount("/demo", demo_app(ToySearch(), ProductPhotos({})))]
    server, _ = serve(manager, ServerOptions(port=0, rest_api_port=0), pages=pages)
    yield server.rest_api_port
    server.stop(None).wait()
    manager.close()


def test_the_page_and_its_data(port: int) -> None:
    page = call(port, "GET", "/demo/")
    assert page.code == 200 and b"<html" in page.body
    assert "default-src 'none'" in page.headers["content-security-policy"]
    found = json.loads(call(port, "GET", "/demo/api/search?q=red").body)
    assert found["columns"][0]["hits"]


def test_the_api_is_as_without_a_page(port: int, example_model: Path) -> None:
    status = call(port, "GET", f"/v1/models/{example_model.name}")
    assert status.json["model_version_status"][0]["state"] == "AVAILABLE"
    assert call(port, "GET", "/other").code == 404


def test_no_foreign_name_of_this_machine_reads_the_page(port: int) -> None:
    assert call(port, "GET", "/demo/", headers={"Host": "evil.example"}).code == 400
