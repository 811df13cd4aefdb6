"""The exported models of a bundle, read by stock TensorFlow."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from fitrank_tf.export.bundle import MODELS, model_path
from tests.fashion import ATTRIBUTES as FILTERS
from tests.training.small_chain import SMALL

# In TensorFlow's registry, but of no use in a server: they call back into Python, or grow
# with every new word.
_NOT_SERVED = {"PyFunc", "EagerPyFunc", "PyFuncStateless", "MutableHashTableV2"}
_SEARCHES = {"serving_default", "filtered", "explained"}
# As in stock_models.py.
_ROWS = 4


def _exported() -> list[str]:
    return [name for name in (*MODELS, "search_scann") if name != "detector"]


def _list_size() -> int:
    [size] = [text for text in SMALL if text.startswith("reranker.list_size=")]
    return int(size.partition("=")[2])


@pytest.fixture(scope="module")
def shapes(bundle, tmp_path_factory) -> dict[str, dict[str, dict[str, list[int]]]]:
    """{model: {signature: {output: shape}}} by saved_model_cli, without code of ours."""
    folders = {str(model_path(bundle, name)): name for name in _exported()}
    script = Path(__file__).with_name("stock_models.py")
    ran = subprocess.run(
        [sys.executable, str(script), *folders],
        # Elsewhere, so that the checkout is not on Python's path.
        cwd=tmp_path_factory.mktemp("elsewhere"),
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    told = json.loads(ran.stdout.splitlines()[-1])
    return {folders[folder]: signatures for folder, signatures in told.items()}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "signatures"),
    [
        ("search", _SEARCHES),
        ("search_scann", _SEARCHES),
        ("similar", {"serving_default", "filtered"}),
        ("query_encoder", {"serving_default", "reading", "understood"}),
        ("clip_query_encoder", {"serving_default"}),
        ("image_encoder", {"serving_default", "with_features", "pixels"}),
        ("clip_image_encoder", {"serving_default", "pixels"}),
        ("facet_heads", {"serving_default", "titled"}),
        (
            "reranker",
            {
                *(
                    "serving_default",
                    "explained",
                    "feature_projection",
                    "kept",
                    "kept_explained",
                ),
                "tensorflow/serving/predict",
            },
        ),
    ],
)
def test_every_signature_runs_with_nothing_of_ours_and_has_the_batch_in_front(
    shapes, name: str, signatures: set[str]
) -> None:
    assert set(shapes[name]) == signatures
    assert {
        shape[0] for outputs in shapes[name].values() for shape in outputs.values()
    } == {_ROWS}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["search", "search_scann"])
def test_searches_answer_with_whole_lists_or_what_is_wanted(shapes, name: str) -> None:
    outputs = ("ids", "titles", "scores", "first_stage_ranks")
    # The warm-up requests want one product.
    best = {output: [_ROWS, 1] for output in outputs}
    assert shapes[name] == {
        "serving_default": {output: [_ROWS, _list_size()] for output in outputs},
        "filtered": best,
        "explained": {**best, "explanations": [_ROWS, 1], "understood": [_ROWS]},
    }


def _ops(version: Path) -> set[str]:
    model = SavedModel.FromString((version / "saved_model.pb").read_bytes())
    graph = model.meta_graphs[0].graph_def
    nodes = [*graph.node, *(n for f in graph.library.function for n in f.node_def)]
    return {node.op for node in nodes}


@pytest.mark.parametrize("name", _exported())
def test_no_op_calls_python_or_grows(bundle, name: str) -> None:
    ops = _ops(model_path(bundle, name))
    assert not ops & _NOT_SERVED
    assert any(op.startswith("Scann>") for op in ops) == (name == "search_scann")


def test_a_search_can_be_filtered_by_every_attribute(bundle) -> None:
    version = model_path(bundle, "search")
    model = SavedModel.FromString((version / "saved_model.pb").read_bytes())
    inputs = model.meta_graphs[0].signature_def["filtered"].inputs
    assert set(inputs) == {"query", "top_k", *FILTERS}
