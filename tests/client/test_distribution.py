"""`fitrank-tf-client`: the client alone, in an environment without TensorFlow."""

import json
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

import fitrank_tf
from tests.clean_environment import run_clean
from tests.datasets.small_catalogues import noise_photo

REPOSITORY = Path(__file__).resolve().parents[2]
PROJECT = REPOSITORY / "distributions" / "client"
_DECLARED = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
_LOADED = """
import sys
import fitrank_tf.cli.client, fitrank_tf.cli.main, fitrank_tf.client
import fitrank_tf.core.photos.query
print(*(sys.modules[n].__file__ for n in sys.modules if n.split(".")[0] == "fitrank_tf"))
"""
_SNIPPET = """
import asyncio, sys
from pathlib import Path
import fitrank_tf as fr

address, photo = sys.argv[1:]
with fr.SearchClient(address, model="shop") as client:
    [answer] = client.search(["shirt"], top_k=1, filters={"gender": "Men"}, explain=True)
    [like] = client.similar([Path(photo)])

async def search():
    async with fr.AsyncSearchClient(address) as client:
        return await client.search(["red shirt"])

[found] = asyncio.run(search())
print(answer.understood, [hit.id for hit in answer], len(like), len(found))
assert not {"tensorflow", "keras", "pyarrow"} & set(sys.modules)
"""


def test_all_that_the_client_imports_is_in_it() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", _LOADED], capture_output=True, text=True, check=True
    )
    wheel = _DECLARED["tool"]["hatch"]["build"]["targets"]["wheel"]
    held = {(PROJECT / source).resolve() for source in wheel["force-include"]}
    loaded = {Path(name) for name in ran.stdout.split()}
    assert len(loaded) > 10
    assert not {path for path in loaded if not held & {path, *path.parents}}


def test_it_needs_what_the_whole_package_needs() -> None:
    whole = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    names = {text.split(">")[0]: text for text in whole["project"]["dependencies"]}
    assert {text.split(">")[0] for text in _DECLARED["project"]["dependencies"]} == {
        "grpcio",
        "numpy",
        "pillow",
        "protobuf",
    }
    for text in _DECLARED["project"]["dependencies"]:
        assert names[text.split(">")[0]].startswith(text)


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """`bin/` of an environment with the wheel and what it declares."""
    folder = tmp_path_factory.mktemp("client")
    pip = (sys.executable, "-m", "pip", "wheel", "--no-deps", "-q", "-w", folder, PROJECT)
    built = run_clean(folder, *pip)
    assert built.returncode == 0, built.stderr[-3000:]
    [wheel] = folder.glob("fitrank_tf_client-*.whl")
    assert wheel.name.startswith(f"fitrank_tf_client-{fitrank_tf.__version__}-")
    with zipfile.ZipFile(wheel) as opened:
        names = opened.namelist()
    assert not [name for name in names if "__pycache__" in name]
    assert [name for name in names if name.endswith("licenses/LICENSE")]
    venv.create(folder / "venv", with_pip=True)
    binaries = folder / "venv" / "bin"
    ran = run_clean(folder, binaries / "pip", "install", "-q", wheel)
    assert ran.returncode == 0, ran.stderr[-3000:]
    return binaries


@pytest.mark.slow
def test_a_clean_environment_searches_without_tensorflow(
    installed, address, tmp_path
) -> None:
    (tmp_path / "photo.png").write_bytes(noise_photo(1))
    (tmp_path / "snippet.py").write_text(_SNIPPET, encoding="utf-8")
    python = (installed / "python", "snippet.py", address, tmp_path / "photo.png")
    ran = run_clean(tmp_path, *python)
    assert (ran.stdout, ran.stderr) == ("shirt of Men ['11'] 4 3\n", "")
    listed = run_clean(tmp_path, installed / "pip", "list", "--format=json").stdout
    names = {package["name"].lower() for package in json.loads(listed)}
    assert {"fitrank-tf-client", "grpcio"} <= names
    assert not {name for name in names if "tensorflow" in name or "keras" in name}


@pytest.mark.slow
def test_the_command_is_there_and_names_what_it_lacks(installed, address, tmp_path) -> None:
    fitrank = installed / "fitrank"
    ran = run_clean(
        tmp_path, fitrank, "client", "red shirt", "--address", address, "--json"
    )
    assert [hit["id"] for hit in json.loads(ran.stdout)["hits"]] == ["11", "12", "13"]
    for arguments, gist in (
        (("train",), "`fitrank train` is not in fitrank-tf-client"),
        (("client", "--image=https://localhost:1/a.jpg"), "pip install requests"),
    ):
        ran = run_clean(tmp_path, fitrank, *arguments)
        assert (ran.returncode, ran.stdout) == (2, "")
        [line] = ran.stderr.splitlines()
        assert line.startswith("error: ") and gist in line
