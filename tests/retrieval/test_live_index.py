"""The live index against a sort of all that a dictionary holds, change by change."""

import sys
import threading

import numpy as np
import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.retrieval.live_index import LiveIndex

DIM = 16
NEVER = 10**9
with_and_without_scann = pytest.mark.parametrize(
    "scann_from",
    [
        NEVER,
        pytest.param(
            60,
            marks=pytest.mark.skipif(
                sys.platform != "linux", reason="scann exists for Linux only"
            ),
        ),
    ],
    ids=["exact", "scann"],
)


def unit_rows(rng: np.random.Generator, count: int) -> np.ndarray:
    """float32 [count, DIM]."""
    rows = rng.standard_normal((count, DIM))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def check(index: LiveIndex, held: dict[str, np.ndarray], queries, k: int) -> None:
    """Compares with a stable sort; `held` is in the order in which products came."""
    found = index.search(queries, k)
    assert found.ids.shape == found.scores.shape == (len(queries), k)
    assert len(index) == len(held)
    ids = np.array([*held, ""], object)[:-1]
    vectors = np.array(list(held.values())).reshape(-1, DIM).astype(np.float64)
    scores = queries.astype(np.float64) @ vectors.T
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    count = order.shape[1]
    np.testing.assert_array_equal(found.ids[:, :count], ids[order])
    expected = np.take_along_axis(scores, order, axis=1)
    np.testing.assert_allclose(found.scores[:, :count], expected, atol=1e-6)
    assert (found.ids[:, count:] == "").all()
    assert np.isneginf(found.scores[:, count:]).all()


# Up to a thousand products ScaNN scores all that it finds again, so it misses nothing.
@with_and_without_scann
@pytest.mark.parametrize("seed", [0, 1])
def test_random_changes_and_searches(scann_from, seed) -> None:
    rng, index, held = np.random.default_rng(seed), LiveIndex(DIM, scann_from), {}
    queries, kinds = unit_rows(rng, 5), set()
    for step in range(60):
        if held and rng.random() < 0.4:
            gone = rng.choice(list(held), rng.integers(1, len(held) + 1) // 3 + 1, False)
            gone = [str(one) for one in gone]
            index.remove(gone)
            for one in gone:
                del held[one]
        else:
            numbers = rng.choice(400, rng.integers(1, 70), replace=False)
            ids, rows = [f"p{number}" for number in numbers], unit_rows(rng, len(numbers))
            index.upsert(ids, rows)
            held.update(zip(ids, rows))
        kinds.add(index.describe().split()[0])
        check(index, held, queries, k=(1, 10, 500)[step % 3])
    assert kinds == ({"exact"} if scann_from == NEVER else {"exact", "ScaNN"})


@with_and_without_scann
def test_from_nothing_to_many_and_back(scann_from) -> None:
    rng, index = np.random.default_rng(2), LiveIndex(DIM, scann_from)
    queries, rows = unit_rows(rng, 3), unit_rows(rng, 200)
    check(index, {}, queries, k=4)
    ids = [str(number) for number in range(200)]
    index.upsert(ids, rows)
    check(index, dict(zip(ids, rows)), queries, k=4)
    assert "7" in index and "200" not in index
    index.remove(ids)
    check(index, {}, queries, k=4)
    assert index.describe() == "exact search of 0 items"
    index.upsert(ids[:2], rows[:2])
    check(index, dict(zip(ids[:2], rows[:2])), queries, k=4)


@with_and_without_scann
def test_equal_products_come_in_the_order_of_their_coming(scann_from) -> None:
    index, row = LiveIndex(DIM, scann_from), unit_rows(np.random.default_rng(3), 1)
    ids = [f"p{number}" for number in range(99, -1, -1)]
    index.upsert(ids, np.repeat(row, 100, axis=0))
    assert index.search(row, 100).ids[0].tolist() == ids
    # What goes and comes again is the last; what is replaced keeps its place.
    index.remove(ids[:30])
    index.upsert([ids[3], ids[50]], np.repeat(row, 2, axis=0))
    assert index.search(row, 100).ids[0, :71].tolist() == [*ids[30:], ids[3]]
    index.rebalance()
    assert index.search(row, 100).ids[0, :71].tolist() == [*ids[30:], ids[3]]


@with_and_without_scann
def test_a_search_sees_all_of_a_change_or_nothing(scann_from) -> None:
    # A version of the catalogue is one vector for all; a search that saw two versions
    # would have two scores.
    index, query = LiveIndex(2, scann_from), np.array([[1, 0]], np.float32)
    ids = [f"p{number}" for number in range(120)]
    angles = np.linspace(0.1, 1.4, 60)
    versions = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    index.upsert(ids, np.repeat(versions[:1], 120, axis=0))
    done, wrong, counts = threading.Event(), [], set()

    def read() -> None:
        while not done.is_set():
            found = index.search(query, 120)
            real = found.ids[0] != ""
            counts.add(int(real.sum()))
            if len(set(found.scores[0, real].tolist())) != 1 or not real[:60].all():
                wrong.append(found)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    try:
        for version in versions:
            index.upsert(ids, np.repeat(version[np.newaxis], 120, axis=0))
            index.remove(ids[60:])
    finally:
        done.set()
        for reader in readers:
            reader.join()
    assert not wrong and counts <= {60, 120}


def test_scann_is_trained_anew_when_half_has_changed() -> None:
    pytest.importorskip("scann")
    rng, index = np.random.default_rng(4), LiveIndex(DIM, scann_from=100)
    index.upsert([f"a{number}" for number in range(100)], unit_rows(rng, 100))
    trained = "ScaNN search of {} items, trained on {}, {} changes since"
    assert index.describe() == trained.format(100, 100, 0)
    index.upsert([f"b{number}" for number in range(30)], unit_rows(rng, 30))
    index.remove([f"a{number}" for number in range(19)])
    assert index.describe() == trained.format(111, 100, 49)
    index.upsert(["b0"], unit_rows(rng, 1))
    assert index.describe() == trained.format(111, 111, 0)
    index.upsert(["c"], unit_rows(rng, 1))
    index.rebalance()
    assert index.describe() == trained.format(112, 112, 0)


class Breaking:
    """A searcher that fails half way."""

    def upsert(self, *changes) -> None:
        raise RuntimeError("no")

    delete = upsert


@pytest.mark.parametrize("change", ["upsert", "remove"])
def test_where_scann_fails_all_are_scored_until_it_is_trained_anew(change) -> None:
    pytest.importorskip("scann")
    rng, index = np.random.default_rng(5), LiveIndex(DIM, scann_from=50)
    ids, rows, queries = [str(n) for n in range(80)], unit_rows(rng, 80), unit_rows(rng, 2)
    index.upsert(ids, rows)
    index._searcher = Breaking()
    with pytest.raises(RuntimeError):
        index.remove(ids[:1]) if change == "remove" else index.upsert(ids[:1], rows[1:2])
    held = dict(zip(ids, rows))
    held.pop("0") if change == "remove" else held.update({"0": rows[1]})
    check(index, held, queries, k=90)
    assert index.describe().startswith("exact")
    index.upsert(["new"], rows[2:3])
    check(index, {**held, "new": rows[2]}, queries, k=90)
    assert index.describe().startswith("ScaNN")


def test_without_scann_all_are_scored(monkeypatch) -> None:
    for name in [n for n in sys.modules if n == "scann" or n.startswith("scann.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "scann", None)
    rng, index = np.random.default_rng(6), LiveIndex(DIM, scann_from=10)
    ids, rows = [str(number) for number in range(30)], unit_rows(rng, 30)
    index.upsert(ids, rows)
    check(index, dict(zip(ids, rows)), unit_rows(rng, 2), k=5)
    assert index.describe() == "exact search of 30 items"


@with_and_without_scann
def test_what_was_saved_is_found_again(tmp_path, scann_from) -> None:
    rng, index = np.random.default_rng(7), LiveIndex(DIM, scann_from)
    ids = [*(str(number) for number in range(97)), "a\nb", 'ö"', "x" * 500]
    rows, queries = unit_rows(rng, 100), unit_rows(rng, 4)
    index.upsert(ids, rows)
    index.remove(ids[10:20])
    index.save(tmp_path / "new" / "live.npz")
    loaded = LiveIndex.load(tmp_path / "new" / "live.npz", scann_from)
    held = dict(zip(ids, rows))
    for one in ids[10:20]:
        del held[one]
    check(loaded, held, queries, k=100)
    assert loaded.describe().split()[0] == index.describe().split()[0]
    loaded.upsert(["later"], rows[:1])
    assert len(loaded) == 91 and len(index) == 90
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["live.npz"]


def test_an_empty_index_is_saved_too(tmp_path) -> None:
    LiveIndex(DIM).save(tmp_path / "live.npz")
    assert len(LiveIndex.load(tmp_path / "live.npz")) == 0


@pytest.mark.parametrize(
    "arrays",
    [
        {"ids": np.frombuffer(b'["a"]', np.uint8)},
        {"ids": np.frombuffer(b'["a"', np.uint8), "embeddings": np.eye(1, dtype="f4")},
        {"ids": np.frombuffer(b"[]", np.uint8), "embeddings": np.eye(1, dtype="f4")},
        {"ids": np.array(["a"], object), "embeddings": np.eye(1, dtype="f4")},
        {"ids": np.frombuffer(b'["a"]', np.uint8), "embeddings": np.full((1, 1), np.nan)},
    ],
    ids=["no embeddings", "cut json", "too few ids", "pickle", "nan"],
)
def test_a_file_that_is_no_index(tmp_path, arrays) -> None:
    path = tmp_path / "live.npz"
    np.savez(path, **arrays)
    with pytest.raises(FitRankError, match=r"live.npz cannot be read as an index"):
        LiveIndex.load(path)


def test_no_file_and_no_place(tmp_path) -> None:
    with pytest.raises(FitRankError, match="cannot be read as an index"):
        LiveIndex.load(tmp_path / "none.npz")
    (tmp_path / "file").write_text("")
    with pytest.raises(FitRankError, match="cannot write"):
        LiveIndex(DIM).save(tmp_path / "file" / "live.npz")


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (["a", ""], "product id ''"),
        (["a", 3], "product id 3"),
        (["a", "a"], "'a' comes twice"),
        ("ab", "not one text"),
    ],
)
def test_bad_ids_change_nothing(ids, message) -> None:
    index = LiveIndex(DIM)
    index.upsert(["a"], unit_rows(np.random.default_rng(8), 1))
    with pytest.raises(FitRankError, match=message):
        index.upsert(ids, unit_rows(np.random.default_rng(9), 2))
    with pytest.raises(FitRankError, match=message):
        index.remove(ids)
    assert len(index) == 1


def test_removing_what_is_not_there_removes_nothing() -> None:
    index = LiveIndex(DIM)
    index.upsert(["a", "b"], unit_rows(np.random.default_rng(10), 2))
    with pytest.raises(FitRankError, match=r"product 'x' is not in the index \(2 such\)"):
        index.remove(["a", "x", "y"])
    assert "a" in index and len(index) == 2


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.zeros((2, DIM)), "float32"),
        (np.zeros((1, DIM), np.float32), r"shape \[2, 16\], got \[1, 16\]"),
        (np.zeros((2, 3), np.float32), r"shape \[2, 16\], got \[2, 3\]"),
        (np.full((2, DIM), np.inf, np.float32), "NaN or infinity"),
    ],
)
def test_bad_embeddings(rows, message) -> None:
    index = LiveIndex(DIM)
    with pytest.raises(ValueError, match=message):
        index.upsert(["a", "b"], rows)
    assert len(index) == 0


def test_bad_searches_and_sizes() -> None:
    index = LiveIndex(DIM)
    index.upsert([], np.zeros((0, DIM), np.float32))
    with pytest.raises(ValueError, match="3 dimensions"):
        index.search(np.ones((1, 3), np.float32), 1)
    with pytest.raises(ValueError, match="got 0"):
        index.search(np.ones((1, DIM), np.float32), 0)
    with pytest.raises(ValueError, match="at least 1"):
        LiveIndex(0)
