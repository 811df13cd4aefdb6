"""What the page of clients shows is run against a server of toy models."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from docs.results import ROOT
from tests.client.toy_shop import SHOP_IDS
from tests.datasets.small_catalogues import noise_photo

PAGE = (ROOT / "docs" / "guides" / "clients.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def _for_toys(snippet: str, ports: tuple[int, int]) -> str:
    """The snippet with the toy server's port; its model of filters is `shop`."""
    snippet = snippet.replace("8501", str(ports[1])).replace("8500", str(ports[0]))
    snippet = snippet.replace("models/search:", "models/shop:")
    return re.sub(r'SearchClient\("[^"]*"', r'\g<0>, "shop"', snippet)


def _shell(command: str, folder: Path) -> dict:
    assert shutil.which("curl"), "install curl"
    ran = subprocess.run(
        ["bash", "-c", f"{command.strip()} --silent --fail-with-body"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(ran.stdout)


def test_curl_sends_what_the_server_takes(ports, tmp_path) -> None:
    (tmp_path / "photo.jpg").write_bytes(noise_photo(1))
    plain, explained, photo = (
        _shell(_for_toys(command, ports), tmp_path) for command in _blocks("bash")
    )
    ids = [item.decode() for item in SHOP_IDS]
    assert [row["ids"] for row in plain["predictions"]] == [ids]
    assert explained["outputs"]["understood"] == ["red check shirt of Men"]
    assert explained["outputs"]["ids"] == [["11", "13", "", ""]]
    assert [row["ids"] for row in photo["predictions"]] == [ids]


@pytest.mark.parametrize(
    ("arguments", "ids", "understood"),
    [
        (["shirt"], ["11", "12", "13", "14"], "shirt of "),
        (["été", 1, "Women"], ["12"], "été of Women"),
        (["shirt", 10, "Women"], ["12", "14"], "shirt of Women"),
    ],
)
def test_javascript_reads_the_answer(ports, arguments, ids, understood) -> None:
    if not shutil.which("node"):
        pytest.skip("no Node.js here")
    [snippet] = _blocks("javascript")
    called = ", ".join(json.dumps(argument) for argument in arguments)
    program = f"{_for_toys(snippet, ports)}\nsearch({called}).then((found) =>"
    program += " console.log(JSON.stringify(found)));"
    ran = subprocess.run(
        ["node", "--eval", program], capture_output=True, text=True, check=True
    )
    answer = json.loads(ran.stdout)
    assert answer["understood"] == understood
    assert [hit["id"] for hit in answer["hits"]] == ids
    assert {hit["explanation"] for hit in answer["hits"]} == {"text +1.00"}
    assert set(answer["hits"][0]) == {"id", "title", "score", "explanation"}


def test_python_runs(ports, tmp_path, monkeypatch, capsys) -> None:
    (tmp_path / "photo.jpg").write_bytes(noise_photo(1))
    monkeypatch.chdir(tmp_path)
    waiting, in_a_loop, stubs = (_for_toys(block, ports) for block in _blocks("python"))
    exec(waiting, {})
    printed = capsys.readouterr().out.splitlines()
    assert printed[:2] == [
        "red check shirt of Men",
        "1 11 0.875 Red Shirt text +1.00 1",
    ]
    exec(re.sub(r"[ab]\.example:\d+", f"127.0.0.1:{ports[0]}", in_a_loop), {})
    exec(stubs, {})
    assert "b'" in capsys.readouterr().out
