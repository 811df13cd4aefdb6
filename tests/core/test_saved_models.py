"""Models load from folders whose names TensorFlow would take for a pattern."""

from pathlib import Path

import pytest
import tensorflow as tf

from fitrank_tf.core.saved_models import load_saved_model, without_pattern


class Times(tf.Module):
    def __init__(self, words: Path):
        super().__init__()
        self.factor = tf.Variable(3.0)
        self.words = tf.saved_model.Asset(str(words))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def __call__(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": x * self.factor, "words": tf.io.read_file(self.words.asset_path)}


@pytest.mark.parametrize(
    "name",
    ["plain", "bundle [1] *", "what?", "[a-z]", "50% {off}", "é ü", "back\\slash", "]["],
)
def test_a_model_loads_and_is_saved_again_from_any_folder(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "words.txt").write_text("red")
    folder = tmp_path / name / "1"
    tf.saved_model.save(Times(tmp_path / "words.txt"), str(folder))
    loaded = load_saved_model(folder)
    again = tmp_path / name / "2"
    tf.saved_model.save(loaded, str(again))
    for model in (loaded, load_saved_model(again)):
        answer = model(tf.constant([2.0]))
        assert (answer["y"].numpy().tolist(), answer["words"].numpy()) == ([6.0], b"red")


def test_a_plain_folder_is_named_as_it_is() -> None:
    assert without_pattern(Path("saved_models/default")) == "saved_models/default"


def test_a_relative_folder_is_linked_from_where_it_is(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "a [1]").mkdir()
    monkeypatch.chdir(tmp_path)
    link = Path(without_pattern(Path("a [1]")))
    assert link.samefile(tmp_path / "a [1]")
    assert without_pattern(Path("a [1]")) == str(link)
