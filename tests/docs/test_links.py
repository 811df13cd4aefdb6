"""Relative links and the paths in backticks, of every page, without a tool."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
# Paths of the tree; a name in capitals or with a wildcard stands for another one.
_ROOMS = "benchmarks|docs|examples|fitrank_tf|pipelines|serving|tests"
_PATH = re.compile(rf"`((?:{_ROOMS})/[a-z0-9_./]*)`")


def pages() -> list[str]:
    listed = subprocess.check_output(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        text=True,
    )
    return listed.split()


def _anchor(heading: str) -> str:
    words = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
    return words.strip().replace(" ", "-")


def _anchors(page: Path) -> set[str]:
    return {_anchor(heading) for heading in _HEADING.findall(_prose(page))}


def _prose(page: Path) -> str:
    return _FENCE.sub("", page.read_text())


@pytest.mark.parametrize("page", pages())
def test_links_lead_somewhere(page):
    path = ROOT / page
    for target in _LINK.findall(_prose(path)):
        if re.match(r"https?:|mailto:", target):
            continue
        file, _, anchor = target.partition("#")
        found = (path.parent / file).resolve() if file else path
        assert found.exists(), f"{page}: {target}"
        assert not anchor or anchor in _anchors(found), f"{page}: {target}"


@pytest.mark.parametrize("page", pages())
def test_paths_named_in_the_text_exist(page):
    for path in _PATH.findall((ROOT / page).read_text()):
        assert (ROOT / path).exists(), f"{page}: {path}"


def test_pages_of_the_site_link_to_no_file_outside_it():
    # mkdocs cannot follow such links; a path in backticks takes their place.
    for page in (ROOT / "docs").rglob("*.md"):
        for target in _LINK.findall(_prose(page)):
            if not re.match(r"https?:|mailto:|#", target):
                inside = (page.parent / target.partition("#")[0]).resolve()
                assert inside.is_relative_to(ROOT / "docs"), f"{page}: {target}"


def test_readme_is_short():
    assert (ROOT / "README.md").stat().st_size <= 6 * 1024
