"""Finished stages are reused, unfinished ones resumed; another key is another stage."""

import pytest

from fitrank_tf.training.work_dir import WorkDir

KEY = 64 * "a"


def _make(work: WorkDir, key=KEY):
    folder = work.folder("base", key)
    with work.making(folder) as unfinished:
        (unfinished / "weights").write_text("trained", encoding="utf-8")
    return folder


def test_a_finished_stage_is_reused_by_the_next_run(tmp_path) -> None:
    folder = _make(WorkDir(tmp_path))
    again = WorkDir(tmp_path)
    assert again.folder("base", KEY) == folder
    assert again.is_finished(folder)
    assert (folder / "weights").read_text(encoding="utf-8") == "trained"


@pytest.mark.parametrize(
    ("stage", "key"), [("lora", KEY), ("base", 64 * "b"), ("base", 64 * "c")]
)
def test_another_stage_or_key_has_another_folder(tmp_path, stage, key) -> None:
    work = WorkDir(tmp_path)
    folder = _make(work)
    assert work.folder(stage, key) != folder
    assert not work.is_finished(work.folder(stage, key))


def test_an_interrupted_stage_is_not_finished_and_finds_its_files_again(tmp_path) -> None:
    work = WorkDir(tmp_path)
    folder = work.folder("base", KEY)
    with pytest.raises(KeyboardInterrupt), work.making(folder) as unfinished:
        (unfinished / "epoch_1").write_text("kept", encoding="utf-8")
        raise KeyboardInterrupt
    assert not work.is_finished(folder)
    with WorkDir(tmp_path).making(folder) as unfinished:
        assert (unfinished / "epoch_1").read_text(encoding="utf-8") == "kept"
    assert work.is_finished(folder)


def test_a_fresh_run_makes_each_stage_once(tmp_path) -> None:
    folder = _make(WorkDir(tmp_path))
    fresh = WorkDir(tmp_path, fresh=True)
    assert not fresh.is_finished(folder)
    _make(fresh)
    assert fresh.is_finished(folder)


def test_a_fresh_run_ignores_the_files_of_an_interrupted_one(tmp_path) -> None:
    work = WorkDir(tmp_path)
    folder = work.folder("base", KEY)
    with pytest.raises(KeyboardInterrupt), work.making(folder) as unfinished:
        (unfinished / "epoch_1").write_text("old", encoding="utf-8")
        raise KeyboardInterrupt
    with WorkDir(tmp_path, fresh=True).making(folder) as unfinished:
        assert list(unfinished.iterdir()) == []
