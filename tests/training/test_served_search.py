"""The same ranking in this process, by the client and by the raw stubs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from fitrank_tf.cli import client, search
from fitrank_tf.client import SearchClient
from fitrank_tf.export.loaded_bundle import LoadedBundle
from serving.models.model_config import single_model_config
from serving.models.model_manager import ModelManager
from serving.server import ServerOptions, serve
from tests.fashion import ATTRIBUTES as FILTERS

CASES = [
    ("red check shirt", {}),
    ("red check shirt", {"gender": "Men"}),
    pytest.param(
        "dress", {"colour": "blue|red", "gender": "Women"}, marks=pytest.mark.slow
    ),
    pytest.param("shirt", {"gender": "Nobody"}, marks=pytest.mark.slow),
]


@pytest.fixture(scope="module")
def port(bundle):
    """Of a server of the bundle's searching models."""
    models = [single_model_config(n, str(bundle / n)) for n in ("search", "similar")]
    manager = ModelManager(models)
    server, port = serve(manager, ServerOptions(port=0))
    yield port
    server.stop(None)
    manager.close()


def _options(filters: dict[str, str]) -> list[str]:
    return [f"--filter={name}={value}" for name, value in filters.items()]


def _printed(bundle, query: str, filters: dict[str, str], capsys) -> list[str]:
    capsys.readouterr()
    search.main(["--bundle", str(bundle), "--top_k=20", query, *_options(filters)])
    return [line.split()[1] for line in capsys.readouterr().out.splitlines()[1:]]


@pytest.mark.parametrize(("query", "filters"), CASES)
def test_the_client_ranks_as_search_does(bundle, port, capsys, query, filters) -> None:
    wanted = _printed(bundle, query, filters, capsys)
    address = f"--address=127.0.0.1:{port}"
    arguments = [query, address, "--json", "--top_k=20", *_options(filters)]
    client.main(arguments)
    answer = json.loads(capsys.readouterr().out)
    assert [hit["id"] for hit in answer["hits"]] == wanted
    assert answer["understood"] == LoadedBundle(bundle).understand([query])[0]
    assert all(hit["explanation"] and hit["first_stage_rank"] for hit in answer["hits"])
    assert (len(wanted) == 0) == ("Nobody" in filters.values())


def test_the_client_says_what_was_understood(bundle, port) -> None:
    queries = ["red check shirt", "dress, not blue", "zzz"]
    with SearchClient(f"127.0.0.1:{port}") as asked:
        said = [answer.understood for answer in asked.search(queries, explain=True)]
    assert said == LoadedBundle(bundle).understand(queries)
    assert "colour not Blue" in said[1] and said[2] == ""


@pytest.mark.slow
@pytest.mark.parametrize(("query", "filters"), CASES[:2])
def test_the_raw_stubs_get_the_same(bundle, port, capsys, tmp_path, query, filters) -> None:
    inputs = {"query": query}
    if filters:
        inputs |= {name: filters.get(name, "") for name in FILTERS}
    script = Path(__file__).with_name("raw_stubs.py")
    ran = subprocess.run(
        [sys.executable, str(script), str(port), json.dumps(inputs)],
        cwd=tmp_path,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(ran.stdout)
    assert answer["ids"] == _printed(bundle, query, filters, capsys)
    assert answer["scores"] == sorted(answer["scores"], reverse=True)


@pytest.mark.slow
def test_a_photo_finds_what_the_model_finds(bundle, port, tmp_path, capsys) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (40, 30, 3)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "photo.png"), photo)
    data = (tmp_path / "photo.png").read_bytes()
    similar = LoadedBundle(bundle).model("similar").signatures
    inputs = {name: [b""] for name in ("text", *FILTERS)} | {"image": [data]}
    inputs["text"] = [b"in red"]
    asked = {name: np.array(value, object) for name, value in inputs.items()}
    asked["top_k"] = np.array([5], np.int32)
    plain = similar["serving_default"](image=asked["image"])["ids"].numpy()[0]
    moved = similar["filtered"](**asked)["ids"].numpy()[0]
    for texts, wanted in (([], plain), (["in red"], moved)):
        arguments = ["--image", str(tmp_path / "photo.png"), *texts, "--json", "--top_k=5"]
        client.main([*arguments, f"--address=127.0.0.1:{port}"])
        hits = json.loads(capsys.readouterr().out)["hits"]
        assert [hit["id"] for hit in hits] == [item.decode() for item in wanted[:5]]
