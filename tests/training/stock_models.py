"""Runs `saved_model_cli` on SavedModels, in a process that imports nothing of ours.

    python stock_models.py FOLDER ...

Each FOLDER is a version; `search_scann` needs ScaNN's ops, which are registered when such a
folder is among them. What goes in is the version's own warm-up requests of `ROWS` rows. The
last line printed is JSON: {folder: {signature: {output: shape}}}.
"""

import contextlib
import io
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401  registers its ops
from tensorflow.python.tools import saved_model_cli
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

ROWS = 4
_WARMUP = "assets.extra/tf_serving_warmup_requests"


def main(folders: list[str]) -> None:
    """See the module."""
    if any("search_scann" in folder for folder in folders):
        from scann.scann_ops.py import scann_ops  # noqa: F401  registers its ops
    shapes = {folder: _signatures(folder) for folder in folders}
    ours = {"fitrank_tf", "serving", "keras_hub", "tensorflow_ranking"}
    assert not ours & set(sys.modules), ours & set(sys.modules)
    print(json.dumps(shapes))


def _signatures(folder: str) -> dict[str, dict[str, list[int]]]:
    shown = _cli("show", f"--dir={folder}", "--all")
    ran = {}
    for record in tf.data.TFRecordDataset(f"{folder}/{_WARMUP}"):
        request = PredictionLog.FromString(record.numpy()).predict_log.request
        inputs = {name: tf.make_ndarray(value) for name, value in request.inputs.items()}
        if len(next(iter(inputs.values()))) == ROWS:
            name = request.model_spec.signature_name
            assert f"signature_def['{name}']" in shown
            ran[name] = _run(folder, name, inputs)
    return ran


def _run(folder: str, name: str, inputs: dict[str, np.ndarray]) -> dict[str, list[int]]:
    with tempfile.TemporaryDirectory() as files:
        for alias, value in inputs.items():
            np.save(f"{files}/{alias}.npy", value, allow_pickle=True)
        given = ";".join(f"{alias}={files}/{alias}.npy" for alias in inputs)
        _cli(
            *("run", f"--dir={folder}", "--tag_set=serve", f"--signature_def={name}"),
            *(f"--inputs={given}", f"--outdir={files}/out"),
        )
        return {
            path.stem: list(np.load(path, allow_pickle=True).shape)
            for path in Path(files, "out").iterdir()
        }


def _cli(*arguments: str) -> str:
    """What the command prints.

    Raises:
        RuntimeError: if its exit status is not 0.
    """
    printed = io.StringIO()
    sys.argv = ["saved_model_cli", *arguments]
    with contextlib.redirect_stdout(printed):
        try:
            saved_model_cli.main()
        except SystemExit as ended:
            if ended.code:
                raise RuntimeError(f"{arguments}: {ended.code}") from ended
    return printed.getvalue()


main(sys.argv[1:])
