"""Versions are whole or not there, and carry warm-up records that run."""

import pytest
import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.export.signatures import DEFAULT_SIGNATURE, ServedModule, save_served
from fitrank_tf.export.warmup import BATCH_SIZES


class _Doubling(ServedModule):
    """Numbers written as texts, and lists of numbers, doubled."""

    def __init__(self, example: bytes):
        super().__init__(name="doubling")
        self._example = example

    def examples(self):
        return {"number": self._example}

    def signatures(self):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="number")])
        def double(number):
            return {"twice": 2.0 * tf.strings.to_number(number)}

        @tf.function(
            input_signature=[tf.TensorSpec([None, None], tf.float32, name="numbers")]
        )
        def double_lists(numbers):
            return {"twice": 2.0 * numbers}

        return {DEFAULT_SIGNATURE: double, "lists": double_lists}


def _records(version_dir) -> list[PredictionLog]:
    path = version_dir / "assets.extra" / "tf_serving_warmup_requests"
    return [
        PredictionLog.FromString(record.numpy())
        for record in tf.data.TFRecordDataset(str(path))
    ]


def test_one_record_a_signature_and_batch_size(tmp_path) -> None:
    path = save_served(_Doubling(b"1.5"), tmp_path / "model", 3)
    assert [child.name for child in (tmp_path / "model").iterdir()] == ["3"]
    seen = []
    for record in _records(path):
        request = record.predict_log.request
        [(name, value)] = request.inputs.items()
        signature = request.model_spec.signature_name
        seen.append((signature, name, tf.make_ndarray(value).shape[0]))
    wanted = [(DEFAULT_SIGNATURE, "number"), ("lists", "numbers")]
    assert sorted(seen) == sorted((*w, size) for w in wanted for size in BATCH_SIZES)


def test_records_hold_the_example(tmp_path) -> None:
    records = _records(save_served(_Doubling(b"1.5"), tmp_path / "model", 1))
    texts = [
        tf.make_ndarray(record.predict_log.request.inputs["number"]).tolist()
        for record in records
        if "number" in record.predict_log.request.inputs
    ]
    assert {text for batch in texts for text in batch} == {b"1.5"}


def test_a_model_that_refuses_its_example_becomes_no_version(tmp_path) -> None:
    with pytest.raises(FitRankError, match="warm-up request of signature serving_default"):
        save_served(_Doubling(b"no number"), tmp_path / "model", 1)
    assert not (tmp_path / "model" / "1").exists()
    # And what was left of it is in nobody's way.
    assert save_served(_Doubling(b"2"), tmp_path / "model", 1).is_dir()


def test_a_version_is_never_overwritten(tmp_path) -> None:
    save_served(_Doubling(b"1"), tmp_path / "model", 1)
    before = (tmp_path / "model" / "1" / "saved_model.pb").stat().st_mtime_ns
    with pytest.raises(FitRankError, match="exists"):
        save_served(_Doubling(b"1"), tmp_path / "model", 1)
    assert (tmp_path / "model" / "1" / "saved_model.pb").stat().st_mtime_ns == before
