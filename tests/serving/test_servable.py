"""Whole SavedModels load; half-written and damaged ones give one clear line."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_text

from fitrank_tf.errors import FitRankError
from serving.servable import Servable


def cut(name: str) -> Callable[[Path], object]:
    """Keeps the first half of a file, as an interrupted copy does."""

    def damage(directory: Path) -> None:
        path = directory / name
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    return damage


def rename_op(directory: Path) -> None:
    path = directory / "saved_model.pb"
    path.write_bytes(path.read_bytes().replace(b"MatMul", b"NotMul"))


def rename_tag(directory: Path) -> None:
    path = directory / "saved_model.pb"
    path.write_bytes(path.read_bytes().replace(b"\x22\x05serve", b"\x22\x05train", 1))


@pytest.mark.parametrize(
    ("damage", "gist"),
    [
        (lambda d: (d / "saved_model.pb").unlink(), "no saved_model.pb"),
        (cut("saved_model.pb"), "cannot be loaded"),
        (
            lambda d: (d / "saved_model.pb").write_bytes(b""),
            "no graph with the tag 'serve'",
        ),
        (rename_tag, "no graph with the tag 'serve'"),
        (rename_op, "NotMul"),
        (lambda d: shutil.rmtree(d / "variables"), "cannot be loaded"),
        (cut("variables/variables.index"), "cannot be loaded"),
        (cut("variables/variables.data-00000-of-00001"), "cannot be loaded"),
    ],
    ids=["no-pb", "half-pb", "empty-pb", "tag", "op", "no-vars", "half-index", "half-data"],
)
def test_damaged_version_gives_one_line(bundle: Path, tmp_path: Path, damage, gist: str):
    directory = tmp_path / "7"
    shutil.copytree(bundle / "affine" / "7", directory)
    damage(directory)
    with pytest.raises(FitRankError, match=gist) as raised:
        Servable("affine", 7, directory)
    assert str(directory) in str(raised.value)
    assert "export it again" in str(raised.value) or "export it with" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_variables_live_as_long_as_the_servable(bundle: Path):
    servable = Servable("affine", 7, bundle / "affine" / "7")
    inputs = {"x": tf.constant([[1.0, 2.0, 3.0]]), "shift": tf.constant([[0]])}
    outputs = servable.run("serving_default", inputs)
    np.testing.assert_array_equal(outputs["y"], [[301.0, 320.0]])


def test_tokenisers_ops_are_registered(tmp_path: Path):
    class Splitter(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
        def split(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
            tokens = tensorflow_text.WhitespaceTokenizer().tokenize(text)
            return {"tokens": tokens.to_tensor("")}

    module = Splitter()
    tf.saved_model.save(module, str(tmp_path / "1"), signatures=module.split)
    servable = Servable("splitter", 1, tmp_path / "1")
    outputs = servable.run("serving_default", {"text": tf.constant(["red shirt", "bag"])})
    assert outputs["tokens"].numpy().tolist() == [[b"red", b"shirt"], [b"bag", b""]]
