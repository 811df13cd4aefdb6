"""Every command that a page shows is one that its parser accepts."""

import importlib
import re
import shlex

import pytest

from docs.results import SECTIONS, read_result
from fitrank_tf.cli.main import module_of
from tests.docs.test_links import ROOT, pages

_FENCED = re.compile(r"^ *```\w*\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
_COMMAND = re.compile(r"(?<!\")(?:fitrank |python -m pipelines\.)([a-z_-]+)(.*)")
_MODULES = {"benchmark": "benchmarks.command", "soak": "benchmarks.soak.command"}
# What the pages write DATA for.
_DATA = "--dataset fashion_product_images --manual_dir ../shared/data"


def _lines() -> list[str]:
    blocks = [
        block for page in pages() for block in _FENCED.findall((ROOT / page).read_text())
    ]
    measured = [read_result(n)["command"] for names in SECTIONS.values() for n in names]
    return "\n".join([*blocks, *measured]).replace("\\\n", " ").splitlines()


def _shown() -> list[tuple[str, str]]:
    """(command, its arguments), each once; remarks and the shell's part are cut off."""
    lines = (re.split(r" #| > |\.\.\.", line)[0] for line in _lines())
    found = (_COMMAND.search(line) for line in lines if not line.startswith("#"))
    return sorted({(match[1], match[2].strip()) for match in found if match})


def test_pages_show_every_command_of_the_package():
    shown = {name.replace("-", "_") for name, _ in _shown()}
    shims = {path.stem for path in (ROOT / "pipelines").glob("[a-z]*.py")}
    assert shown >= shims


@pytest.mark.parametrize("command, arguments", _shown())
def test_parser_accepts_the_command(command, arguments):
    name = command.replace("-", "_")
    module = importlib.import_module(
        _MODULES.get(name) or module_of(name.replace("_", "-"))
    )
    words = shlex.split(re.sub(r"\bDATA\b", _DATA, arguments))
    if "--help" in words:
        pytest.skip("prints its options")
    parsed = module.parse(words)
    # Of extract-features, what is left over is Beam's.
    assert not isinstance(parsed, tuple) or parsed[1] == []
