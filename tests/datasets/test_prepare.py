"""Catalogues are prepared atomically."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.files import cache_dir
from fitrank_tf.datasets.prepare import prepare
from fitrank_tf.datasets.product_builder import ProductBuilder
from fitrank_tf.datasets.product_source import ProductRow, ProductSource
from tests.datasets.small_catalogues import noise_photo


class FewProducts(ProductSource):
    """Three products; counts the calls of `rows`, and can be made to fail."""

    where = "memory"

    def __init__(self, failure: BaseException | None = None):
        self.times_read, self._failure = 0, failure

    def rows(self) -> Iterator[ProductRow]:
        self.times_read += 1
        for number in range(3):
            yield ProductRow(str(number), f"Shirt {number}", {}, (str(number),))

    def read_photo(self, photo: str) -> bytes:
        if self._failure and photo == "2":
            raise self._failure
        return noise_photo(int(photo))

    def fingerprint(self) -> str:
        return "few"


class FewProductsBuilder(ProductBuilder, skip_registration=True):
    """Products of `FewProducts`."""


def prepare_few(source: FewProducts, folder: Path) -> ProductBuilder:
    return prepare(lambda data_dir: FewProductsBuilder(source, data_dir), folder)


def num_prepared(builder: ProductBuilder) -> int:
    return sum(split.num_examples for split in builder.info.splits.values())


def test_prepared_once_and_then_reused(tmp_path: Path) -> None:
    source = FewProducts()
    for _ in range(2):
        assert num_prepared(prepare_few(source, tmp_path / "few")) == 3
    assert source.times_read == 1


def test_preparing_prints_nothing_of_tfds(tmp_path: Path, capfd) -> None:
    prepare_few(FewProducts(), tmp_path / "few")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), MemoryError()])
def test_an_interrupted_preparation_leaves_nothing(
    tmp_path: Path, failure: BaseException
) -> None:
    with pytest.raises(type(failure)):
        prepare_few(FewProducts(failure), tmp_path / "few")
    assert not (tmp_path / "few").exists()
    assert num_prepared(prepare_few(FewProducts(), tmp_path / "few")) == 3


def test_remains_of_a_killed_preparation_are_not_used(tmp_path: Path) -> None:
    whole = Path(prepare_few(FewProducts(), tmp_path / "few").data_path)
    # As TFDS leaves it when killed: everything still under the temporary name.
    killed = whole.rename(whole.with_name(f"incomplete.ABCDEF_{whole.name}"))
    next(killed.glob("*.tfrecord*")).write_bytes(b"half a record")
    assert num_prepared(prepare_few(FewProducts(), tmp_path / "few")) == 3
    assert not killed.exists()


def test_the_second_of_two_processes_waits_for_the_first(tmp_path: Path) -> None:
    source, counts = FewProducts(), []

    def run() -> None:
        counts.append(num_prepared(prepare_few(source, tmp_path / "few")))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [3, 3]
    assert source.times_read == 1


def test_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FitRankError, match=r"file/cache: cannot be written.*FITRANK_CACHE"):
        prepare_few(FewProducts(), tmp_path / "file" / "cache" / "few")


def test_cache_dir_follows_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FITRANK_CACHE", str(tmp_path))
    assert cache_dir() == tmp_path
    monkeypatch.delenv("FITRANK_CACHE")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert cache_dir() == Path("/home/somebody/.cache/fitrank_tf")
