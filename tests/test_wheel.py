"""The wheel in a clean virtual environment, in an empty folder outside the checkout."""

import shutil
import sys
import venv
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

import fitrank_tf
from tests.clean_environment import run_clean
from tests.training.small_chain import SMALL

REPOSITORY = Path(__file__).resolve().parent.parent
PARTS = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "fitrank_tf")
SHIPPED = ("detector", "features", "fitrank_tiny")
_MOST_BYTES = 60e6
# With the shipped models: what is small is the catalogue and the number of steps.
_QUICK = [
    f"--set={assignment}"
    for assignment in SMALL
    if assignment.split("=")[0]
    not in {"towers.preset"} | {a.split("=")[0] for a in SMALL[1:11]}
]
_SNIPPET = f"""
import fitrank_tf as fr
catalogue = fr.open_catalogue("csv_catalogue", table="p.csv", images="photos")
bundle = fr.train(
    catalogue,
    recipe="tiny",
    output_dir="saved_models/mine",
    overrides={[option.removeprefix("--set=") for option in _QUICK]},
)
for hit in bundle.search("red check shirt", top_k=5, filters={{"gender": "Men"}}):
    print(hit.id, hit.score, hit.explanation)
print(fr.evaluate(bundle, catalogue).table())
"""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


def _checked(folder: Path, *command: str | Path) -> str:
    ran = run_clean(folder, *command)
    assert ran.returncode == 0, ran.stderr[-3000:]
    return ran.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built from a copy of the checkout in which something else was trained."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    ignored = shutil.ignore_patterns("__pycache__")
    for part in (*PARTS, *(f"saved_models/{name}" for name in SHIPPED)):
        path = REPOSITORY / part
        if path.is_dir():
            shutil.copytree(path, source / part, ignore=ignored)
        else:
            shutil.copy(path, source / part)
    trained = source / "saved_models" / "default" / "search"
    trained.mkdir(parents=True)
    (trained / "trained_here").write_text("not to be shipped")
    pip = (sys.executable, "-m", "pip", "wheel", "--no-deps", "-q")
    _checked(folder, *pip, "-w", folder, source)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """`bin/` of an environment with the wheel and what it declares."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=True)
    _checked(folder, folder / "bin" / "pip", "install", "-q", wheel)
    return folder / "bin"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("empty")


def test_the_wheel_holds_one_package_with_the_shipped_models(wheel) -> None:
    assert wheel.stat().st_size < _MOST_BYTES
    assert wheel.name.startswith(f"fitrank_tf-{fitrank_tf.__version__}-")
    with zipfile.ZipFile(wheel) as opened:
        names = set(opened.namelist())
    tops = {name.split("/")[0] for name in names}
    assert tops == {"fitrank_tf", f"fitrank_tf-{fitrank_tf.__version__}.dist-info"}
    models = {name for name in names if name.startswith("fitrank_tf/saved_models/")}
    for shipped in SHIPPED:
        root = REPOSITORY / "saved_models" / shipped
        files = {p.relative_to(root.parent) for p in root.rglob("*") if p.is_file()}
        assert {f"fitrank_tf/saved_models/{file}" for file in files} <= models
    assert {name.split("/")[2] for name in models} == set(SHIPPED)
    assert "fitrank_tf/py.typed" in names
    assert "fitrank_tf/datasets/annotations/fashion_product_images.json" in names


def test_training_says_how_tf_ranking_is_installed_and_then_runs(installed, folder) -> None:
    train = (installed / "fitrank", "train", "--num_items=160", *_QUICK)
    ran = run_clean(folder, *train)
    assert ran.returncode == 2
    install = ran.stderr.splitlines()[-1].split("`")[1]
    assert install.startswith("pip install --no-deps tensorflow-ranking==")
    assert not (folder / "saved_models").exists()
    _checked(folder, installed / install.split()[0], *install.split()[1:])
    assert "nDCG@10" in _checked(folder, *train)
    printed = _checked(folder, installed / "fitrank", "search", "red check shirt")
    assert printed.splitlines()[0] == "red check shirt"
    assert len(printed.splitlines()) == 11


def test_the_snippet_runs_on_a_catalogue_of_ones_own(installed, folder) -> None:
    (folder / "photos").mkdir()
    rows = ["id,text,image,gender,article_type,colour"]
    noise = np.random.default_rng(0)
    for number in range(120):
        gender = ("Men", "Women")[number % 2]
        colour = ("Red", "Blue", "Green", "Black")[number % 4]
        kind = ("Shirts", "Tops", "Jeans")[number % 3]
        title = f"Brand {number} {gender} {colour} Check {kind}"
        rows.append(f"{number},{title},{number}.jpg,{gender},{kind},{colour}")
        photo = noise.integers(0, 256, (64, 48, 3)).astype(np.uint8)
        cv2.imwrite(str(folder / "photos" / f"{number}.jpg"), photo)
    (folder / "p.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (folder / "snippet.py").write_text(_SNIPPET, encoding="utf-8")
    printed = _checked(folder, installed / "python", "snippet.py")
    hits = [line for line in printed.splitlines() if line.split(" ")[0].isdigit()]
    # Rows of the summary line begin with a number too.
    found = [line for line in hits if "queries" not in line]
    assert len(found) == 5 and all(int(line.split()[0]) % 2 == 0 for line in found)
    assert printed.count("| title") >= 3
