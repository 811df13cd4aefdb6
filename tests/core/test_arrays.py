"""Files of named arrays are read back unchanged or refused by name."""

import numpy as np
import pytest

from fitrank_tf.core.arrays import load_arrays, save_arrays
from fitrank_tf.core.errors import FitRankError

ARRAYS = {
    "head/labels": np.array(["a", "b"]),
    "head/kernel_0": np.arange(6, dtype=np.float32).reshape(2, 3),
    "head/alpha": np.float32(3),
}


def test_arrays_come_back_and_nothing_else_is_written(tmp_path) -> None:
    save_arrays(tmp_path / "arrays.npz", ARRAYS)
    loaded = load_arrays(tmp_path / "arrays.npz", "make it")
    assert loaded.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(loaded[name], array)
        assert loaded[name].dtype == array.dtype
    assert [path.name for path in tmp_path.iterdir()] == ["arrays.npz"]


def _cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


@pytest.mark.parametrize(
    "spoil",
    [lambda _: b"", lambda _: b"no numbers", lambda _: b"PK\x03\x04 no archive", _cut],
    ids=["empty", "text", "no archive", "cut short"],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, spoil) -> None:
    path = tmp_path / "arrays.npz"
    save_arrays(path, ARRAYS)
    path.write_bytes(spoil(path.read_bytes()))
    named = r"arrays\.npz cannot be read.*`fitrank make it`"
    with pytest.raises(FitRankError, match=named):
        load_arrays(path, "make it")


def test_a_file_of_one_array_is_no_set_of_them(tmp_path) -> None:
    np.save(tmp_path / "one.npy", np.arange(3))
    with pytest.raises(FitRankError, match=r"one\.npy cannot be read"):
        load_arrays(tmp_path / "one.npy", "make it")


def test_a_missing_file_is_named(tmp_path) -> None:
    with pytest.raises(FitRankError, match=r"none\.npz cannot be read"):
        load_arrays(tmp_path / "none.npz", "make it")
