"""Tokenizer files that do not fit are named; older ones are read."""

import json

import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.towers.checkpoints.convert import towers_from_checkpoint
from tests.towers.checkpoints.small_checkpoints import (
    CONTEXT,
    FOLDER,
    change_json,
    copy_checkpoint,
)


def _change_vocabulary(folder, change) -> None:
    path = folder / "vocab.json"
    vocabulary = json.loads(path.read_text(encoding="utf-8"))
    change(vocabulary)
    path.write_text(json.dumps(vocabulary), encoding="utf-8")


def _swap_end_with_a(vocabulary: dict) -> None:
    end = vocabulary["<|endoftext|>"]
    vocabulary["<|endoftext|>"], vocabulary["a"] = vocabulary["a"], end


def _rename_end(vocabulary: dict) -> None:
    vocabulary["<end>"] = vocabulary.pop("<|endoftext|>")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: v.update(extra=len(v)), r"tokens, but the text tower reads \d+"),
        (lambda v: v.update(a=9999), "do not count from 0"),
        (lambda v: v.update(a="1"), "do not count from 0"),
        (_swap_end_with_a, r"'<\|endoftext\|>' is token \d+, but it must be the last"),
        (_rename_end, r"no token '<\|endoftext\|>'"),
    ],
)
def test_vocabulary_that_does_not_fit(change, message: str, tmp_path) -> None:
    folder = copy_checkpoint("huggingface", tmp_path)
    _change_vocabulary(folder, change)
    with pytest.raises(FitRankError, match=message):
        towers_from_checkpoint(folder, CONTEXT)


@pytest.mark.parametrize("merge", ["nota token", "q z", "one"])
def test_merges_that_do_not_fit(merge: str, tmp_path) -> None:
    folder = copy_checkpoint("huggingface", tmp_path)
    with (folder / "merges.txt").open("a", encoding="utf-8") as file:
        file.write(f"{merge}\n")
    with pytest.raises(FitRankError, match="merges do not fit"):
        towers_from_checkpoint(folder, CONTEXT)


def test_folder_without_tokenizer_is_named(tmp_path) -> None:
    folder = copy_checkpoint("huggingface", tmp_path)
    (folder / "merges.txt").unlink()
    with pytest.raises(FitRankError, match=r"no tokenizer.*merges\.txt"):
        towers_from_checkpoint(folder, CONTEXT)


@pytest.mark.parametrize(
    ("place", "value"),
    [("model.type", "WordPiece"), ("model.end_of_word_suffix", ""), ("model.vocab", 1)],
)
def test_tokenizer_of_another_kind_is_named(place: str, value, tmp_path) -> None:
    folder = copy_checkpoint("open_clip", tmp_path)
    change_json(folder / "tokenizer.json", place, value)
    with pytest.raises(FitRankError, match=rf"tokenizer\.json: {place} "):
        towers_from_checkpoint(folder, CONTEXT)


def test_merges_of_older_tokenizer_files(tmp_path) -> None:
    """ "left right" where newer files have ["left", "right"]."""
    folder = copy_checkpoint("open_clip", tmp_path)
    path = folder / "tokenizer.json"
    merges = json.loads(path.read_text(encoding="utf-8"))["model"]["merges"]
    change_json(
        path, "model.merges", [m if isinstance(m, str) else " ".join(m) for m in merges]
    )
    old = towers_from_checkpoint(folder, CONTEXT).tokenizer
    new = towers_from_checkpoint(FOLDER / "open_clip", CONTEXT).tokenizer
    assert old.merges == new.merges
