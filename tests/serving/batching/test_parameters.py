"""BatchingParameters: TF-Serving's format, defaults and errors."""

from pathlib import Path

import pytest

from fitrank_tf.core.errors import FitRankError
from serving.batching.parameters import (
    BatchingParameters,
    batching_from_flags,
    read_batching_parameters,
)

# The example of TF-Serving's batching guide, with every field.
GUIDE = """
max_batch_size { value: 128 }
batch_timeout_micros { value: 2000 }   # a comment
max_enqueued_batches { value: 1000000 }
num_batch_threads { value: 8 }
thread_pool_name { value: "pool" }
allowed_batch_sizes: 1
allowed_batch_sizes: [8, 64]
pad_variable_length_inputs: true
enable_large_batch_splitting { value: true }
max_execution_batch_size { value: 64 }
"""


@pytest.fixture
def write(tmp_path: Path):
    def write_file(text: str) -> Path:
        path = tmp_path / "batching.config"
        path.write_text(text)
        return path

    return write_file


def test_file_of_the_guide(write):
    assert read_batching_parameters(write(GUIDE)) == BatchingParameters(
        max_batch_size=128,
        batch_timeout_micros=2000,
        max_enqueued_batches=1_000_000,
        num_batch_threads=8,
        thread_pool_name="pool",
        allowed_batch_sizes=(1, 8, 64),
        pad_variable_length_inputs=True,
        enable_large_batch_splitting=True,
        max_execution_batch_size=64,
    )


def test_empty_file_gives_tf_serving_s_defaults(write):
    parameters = read_batching_parameters(write(""))
    assert parameters == BatchingParameters()
    assert parameters.max_batch_size == parameters.full_batch == 1000
    assert parameters.batch_timeout_micros == 0
    assert parameters.max_enqueued_batches == 10
    assert parameters.num_batch_threads >= 1


def test_explicit_zero_is_not_the_default(write):
    with pytest.raises(FitRankError, match="num_batch_threads is 0"):
        read_batching_parameters(write("num_batch_threads { value: 0 }"))


@pytest.mark.parametrize(
    ("text", "gist"),
    [
        ("max_batch_size: 4", "batching.config:1:"),
        ("max_batchsize { value: 4 }", 'no field named "max_batchsize"'),
        ("max_batch_size { value: 0 }", "max_batch_size is 0"),
        ("max_enqueued_batches { value: 0 }", "max_enqueued_batches is 0"),
        ("batch_timeout_micros { value: -1 }", "batch_timeout_micros is -1"),
        ("allowed_batch_sizes: 4", "last entry was 4; expected 1000"),
        (
            "max_batch_size { value: 8 } allowed_batch_sizes: [1, 4]",
            "Last entry in allowed_batch_sizes must match max_batch_size",
        ),
        (
            "max_batch_size { value: 8 } allowed_batch_sizes: [4, 4, 8]",
            r"allowed_batch_sizes is \[4, 4, 8\]: give rising sizes",
        ),
        ("max_batch_size { value: 8 } allowed_batch_sizes: [0, 8]", "rising sizes from 1"),
        (
            "enable_large_batch_splitting { value: true } "
            "max_batch_size { value: 8 } max_execution_batch_size { value: 16 }",
            "max_execution_batch_size is 16: give a size from 1 to max_batch_size, 8",
        ),
        (
            "enable_large_batch_splitting { value: true } max_batch_size { value: 8 } "
            "max_execution_batch_size { value: 4 } allowed_batch_sizes: [1, 8]",
            "last entry was 8; expected 4",
        ),
    ],
)
def test_unusable_file_is_named_in_one_line(write, text: str, gist: str):
    with pytest.raises(FitRankError, match=gist) as raised:
        read_batching_parameters(write(text))
    assert "batching.config" in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "make", [lambda p: None, Path.mkdir, lambda p: p.write_bytes(b"\xff")]
)
def test_unreadable_file_is_named(tmp_path: Path, make):
    path = tmp_path / "batching.config"
    make(path)
    with pytest.raises(FitRankError, match=r"cannot be read.*--batching_parameters_file"):
        read_batching_parameters(path)


@pytest.mark.parametrize(
    ("fields", "full"),
    [
        ({"max_batch_size": 8}, 8),
        ({"max_batch_size": 8, "max_execution_batch_size": 4}, 8),
        ({"max_batch_size": 8, "enable_large_batch_splitting": True}, 8),
        (
            {
                "max_batch_size": 8,
                "enable_large_batch_splitting": True,
                "allowed_batch_sizes": (2, 4),
            },
            4,
        ),
        (
            {
                "max_batch_size": 8,
                "enable_large_batch_splitting": True,
                "max_execution_batch_size": 3,
            },
            3,
        ),
    ],
)
def test_size_of_a_full_batch(fields: dict, full: int):
    assert BatchingParameters(**fields).full_batch == full


@pytest.mark.parametrize(("rows", "padded"), [(1, 1), (2, 4), (4, 4), (5, 16), (16, 16)])
def test_batch_is_padded_to_the_next_allowed_size(rows: int, padded: int):
    parameters = BatchingParameters(max_batch_size=16, allowed_batch_sizes=(1, 4, 16))
    assert parameters.padded(rows) == padded
    assert BatchingParameters(max_batch_size=16).padded(rows) == rows


def test_flags(write):
    assert batching_from_flags(False, "") is None
    assert batching_from_flags(True, "") == BatchingParameters()
    path = str(write("max_batch_size { value: 5 }"))
    assert batching_from_flags(True, path) == BatchingParameters(max_batch_size=5)
    with pytest.raises(FitRankError, match="without --enable_batching"):
        batching_from_flags(False, path)
