"""Complete SavedModels load and run; half-written and damaged ones give one-line errors."""

import shutil
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_text
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from fitrank_tf.core.errors import FitRankError
from serving.models.servable import Servable, SessionOptions, as_array
from serving.status import StatusError


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
    outputs = servable.run("serving_default", inputs, ["y"])
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
    outputs = servable.run(
        "serving_default", {"text": tf.constant(["red shirt", "bag"])}, ["tokens"]
    )
    assert outputs["tokens"].tolist() == [[b"red", b"shirt"], [b"bag", b""]]


def test_signature_with_non_tensors_is_not_served(bundle, tmp_path):
    directory = tmp_path / "7"
    shutil.copytree(bundle / "affine" / "7", directory)
    path = directory / "saved_model.pb"
    saved_model = SavedModel.FromString(path.read_bytes())
    total = saved_model.meta_graphs[0].signature_def["total"].outputs["total"]
    total.coo_sparse.values_tensor_name = total.name
    path.write_bytes(saved_model.SerializeToString())
    servable = Servable("affine", 7, directory)
    assert servable.signature("serving_default").method_name
    with pytest.raises(StatusError, match='Serving signature key "total" not found'):
        servable.signature("total")


@pytest.mark.parametrize("fetched", [["y", "shape"], ["shape", "y"], ["y"]])
def test_outputs_are_in_the_order_of_fetched(bundle: Path, fetched: list[str]):
    servable = Servable("affine", 7, bundle / "affine" / "7")
    inputs = {"x": np.ones([2, 3], np.float32), "shift": np.array([[0], [5]], np.int32)}
    outputs = servable.run("serving_default", inputs, fetched)
    assert list(outputs) == fetched
    np.testing.assert_array_equal(outputs["y"], [[101.0, 110.0], [106.0, 115.0]])


@pytest.mark.parametrize(
    "value",
    [
        tf.constant(["a\0", "\0"]),
        np.array([b"a\0", b"\0"], object),
        tf.constant("a\0"),
        np.array("été"),
    ],
    ids=["tensor", "objects", "scalar", "unicode"],
)
def test_strings_keep_their_zeros(value):
    array = as_array(value)
    assert array.dtype == object
    wanted = value.numpy() if isinstance(value, tf.Tensor) else value.tolist()
    assert array.tolist() == (wanted.tolist() if isinstance(wanted, np.ndarray) else wanted)


def test_input_of_another_dtype_is_rejected(bundle: Path):
    servable = Servable("affine", 7, bundle / "affine" / "7")
    with pytest.raises(tf.errors.InvalidArgumentError, match="double"):
        servable.run("total", {"x": np.zeros([1, 3])}, ["total"])


def test_concurrent_threads_get_their_own_outputs(bundle: Path):
    servable = Servable("affine", 7, bundle / "affine" / "7")

    def total(row: int) -> float:
        x = np.array([[row, 2 * row, 3 * row]], np.float32)
        return servable.run("total", {"x": x}, ["total"])["total"].item()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(total, range(200))) == [6.0 * row for row in range(200)]


def test_memory_goes_with_the_last_reference_and_not_before(bundle: Path):
    servable = Servable("affine", 7, bundle / "affine" / "7")
    session = weakref.ref(servable._session)
    in_work = servable
    del servable
    assert in_work.run("total", {"x": np.ones([1, 3], np.float32)}, ["total"])
    assert session() is not None
    # Without a garbage collection: the session and its weights must not wait for one.
    del in_work
    assert session() is None


@pytest.mark.parametrize(
    ("options", "intra_op", "inter_op"),
    [
        (SessionOptions(), 0, 0),
        (SessionOptions(tensorflow_session_parallelism=3), 3, 3),
        (SessionOptions(tensorflow_intra_op_parallelism=2), 2, 0),
        (SessionOptions(0, 2, 4), 2, 4),
    ],
)
def test_parallelism_reaches_the_session(options, intra_op: int, inter_op: int):
    config = options.config()
    assert config.intra_op_parallelism_threads == intra_op
    assert config.inter_op_parallelism_threads == inter_op


@pytest.mark.parametrize(
    "options",
    [
        {"tensorflow_session_parallelism": -1},
        {"tensorflow_inter_op_parallelism": -1},
        {"tensorflow_session_parallelism": 2, "tensorflow_intra_op_parallelism": 1},
    ],
)
def test_bad_parallelism_is_named(options: dict[str, int]):
    with pytest.raises(FitRankError, match="--tensorflow_"):
        SessionOptions(**options)


def test_scann_graph_runs_in_a_session(tmp_path: Path):
    scann_ops = pytest.importorskip("scann.scann_ops.py.scann_ops")
    points = np.random.default_rng(0).normal(size=(200, 8)).astype(np.float32)
    searcher = scann_ops.builder(points, 5, "dot_product").score_brute_force().build()

    class Neighbours(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.index = searcher.serialize_to_module()

        @tf.function(input_signature=[tf.TensorSpec([None, 8], tf.float32, name="query")])
        def search(self, query: tf.Tensor) -> dict[str, tf.Tensor]:
            rows, _ = scann_ops.searcher_from_module(self.index).search_batched(query)
            return {"rows": rows}

    module = Neighbours()
    tf.saved_model.save(
        module,
        str(tmp_path / "1"),
        signatures=module.search,
        options=tf.saved_model.SaveOptions(namespace_whitelist=["Scann"]),
    )
    query = points[:3] + 0.1
    outputs = Servable("s", 1, tmp_path / "1").run(
        "serving_default", {"query": query}, ["rows"]
    )
    best = np.argsort(-(query @ points.T), axis=1)[:, :5]
    np.testing.assert_array_equal(outputs["rows"], best)
