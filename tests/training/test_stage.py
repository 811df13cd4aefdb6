"""A stage is made again when something that it depends on changes, and only then."""

import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fitrank_tf.core import code
from fitrank_tf.datasets.catalogue import CatalogueSource, open_catalogue
from fitrank_tf.recipes import load_recipe
from fitrank_tf.training import stage as stage_module
from fitrank_tf.training.run import STAGES, Run
from fitrank_tf.training.stage import Stage
from fitrank_tf.training.work_dir import WorkDir

IMPORT = "import numpy as np\n"
AFTER_FEATURES = {"features", "lora", "facet_heads", "lists", "reranker"}
LISTS = {"lists", "reranker"}


class _Lexicon:
    """Stands in for trained heads, of whose lexicon the lists' key speaks."""

    def to_json(self) -> dict:
        return {}


class _Heads:
    lexicon = _Lexicon()


@pytest.fixture(scope="module")
def catalogue():
    return open_catalogue(CatalogueSource(num_items=160))


def _keys(catalogue, root: Path, monkeypatch, folder: Path) -> dict[str, str]:
    """{stage: key} of the default recipe's run by the code in `root`; nothing is made."""
    monkeypatch.setattr(
        stage_module, "code_fingerprint", lambda names: code.code_fingerprint(names, root)
    )
    run = Run(load_recipe("tiny", "synthetic_catalogue"), catalogue, WorkDir(folder))
    run.facet_heads.__dict__["heads"] = _Heads()
    stages = {name: getattr(run, name) for name in STAGES}
    stages["lists"] = run.lists.of_all
    return {name: stage.key for name, stage in stages.items()}


@pytest.mark.parametrize(
    ("file", "line", "changed", "anew"),
    [
        (
            "features/colour/palette.py",
            "import numpy as np\n",
            "_MORE = 1\n",
            AFTER_FEATURES,
        ),
        (
            "core/ciede2000.py",
            "import numpy as np\n",
            "_X = 1\n",
            AFTER_FEATURES,
        ),
        (
            "queries/english_fashion.json",
            '"{season} {usage} {gender}',
            '"{usage} {season} {gender}',
            {"lora", "facet_heads", *LISTS},
        ),
        ("queries/query_sets.py", "_MOST_FACETS = 2, 5", "_MOST_FACETS = 3, 5", LISTS),
        ("queries/judgments.py", "import numpy as np\n", "import numpy\n", LISTS),
        ("queries/judgments.py", '"""', '"""In other words. ', set()),
    ],
    ids=[
        "palette",
        "colour difference",
        "template",
        "facets asked",
        "judgment rule",
        "docstring",
    ],
)
def test_a_change_of_code_changes_the_keys_of_dependent_stages(
    catalogue, monkeypatch, tmp_path, file: str, line: str, changed: str, anew
) -> None:
    root = tmp_path / "fitrank_tf"
    shutil.copytree(code.ROOT, root)
    before = _keys(catalogue, code.ROOT, monkeypatch, tmp_path)
    text = (root / file).read_text(encoding="utf-8")
    assert line in text
    (root / file).write_text(text.replace(line, changed, 1), encoding="utf-8")
    after = _keys(catalogue, root, monkeypatch, tmp_path)
    assert {name for name in before if after[name] != before[name]} == anew


class _Counted(Stage):
    name = "counted"

    def __init__(self, work: WorkDir, config: dict, *inputs: Stage):
        super().__init__(work)
        self._config, self._inputs, self.times = config, inputs, 0

    @property
    def inputs(self) -> tuple[Stage, ...]:
        return self._inputs

    @property
    def config(self) -> dict:
        return self._config

    @property
    def code(self) -> tuple[str, ...]:
        return (Stage.__module__,)

    def make(self, folder: Path) -> None:
        self.times += 1
        (folder / "file").write_text("made")


def test_a_stage_is_made_once_and_found_again(tmp_path) -> None:
    first = _Counted(WorkDir(tmp_path), {"a": 1})
    assert (first.folder / "file").read_text() == "made"
    again = _Counted(WorkDir(tmp_path), {"a": 1})
    assert again.folder == first.folder
    assert (first.times, again.times) == (1, 0)


@pytest.mark.parametrize("config", [{"a": 2}, {"b": 1}, {}])
def test_another_config_is_another_stage(tmp_path, config: dict) -> None:
    work = WorkDir(tmp_path)
    assert _Counted(work, config).folder != _Counted(work, {"a": 1}).folder


def test_a_changed_input_changes_the_key(tmp_path) -> None:
    work = WorkDir(tmp_path)
    one, other = (_Counted(work, {}, _Counted(work, {"a": value})) for value in (1, 2))
    assert one.key != other.key
    assert one.key == _Counted(work, {}, _Counted(work, {"a": 1})).key


def test_of_two_trainings_at_once_the_second_waits_and_finds_the_stage(tmp_path) -> None:
    inside, go_on = threading.Event(), threading.Event()

    class _Slow(_Counted):
        def make(self, folder: Path) -> None:
            inside.set()
            assert go_on.wait(60)
            super().make(folder)

    first, second = _Slow(WorkDir(tmp_path), {}), _Counted(WorkDir(tmp_path), {})
    threads = [threading.Thread(target=lambda of=of: of.folder) for of in (first, second)]
    threads[0].start()
    assert inside.wait(60)
    threads[1].start()
    threads[1].join(0.2)
    assert threads[1].is_alive()
    go_on.set()
    for thread in threads:
        thread.join()
    assert second.folder == first.folder
    assert (first.times, second.times) == (1, 0)


def test_a_killed_training_keeps_no_stage_locked(tmp_path) -> None:
    stage = _Counted(WorkDir(tmp_path), {})
    lock = f".{WorkDir(tmp_path).folder(stage.name, stage.key).name}.lock"
    code = (
        "import sys, time; from pathlib import Path; from fitrank_tf.core.files import *; "
    )
    code += "file = locked(Path(sys.argv[1])); print('locked', flush=True); time.sleep(60)"
    command = [sys.executable, "-c", code, str(tmp_path / lock)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        assert other.stdout and other.stdout.readline() == b"locked\n"
        thread = threading.Thread(target=lambda: stage.folder)
        thread.start()
        thread.join(0.2)
        assert thread.is_alive()
        other.kill()
    thread.join(60)
    assert stage.folder.is_dir()


def test_a_failed_stage_is_made_again(tmp_path) -> None:
    class _Failing(_Counted):
        def make(self, folder: Path) -> None:
            super().make(folder)
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        _ = _Failing(WorkDir(tmp_path), {}).folder
    assert _Counted(WorkDir(tmp_path), {}).folder.is_dir()
