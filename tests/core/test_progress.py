"""Progress: lines at their time, a bar on a terminal, nothing for short work."""

import io
import logging
import re
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from fitrank_tf._legacy import tf_keras
from fitrank_tf.core import progress
from fitrank_tf.core.progress import LogHandler, Progress, fit_hooks, tracked


class _Clock:
    """A clock that the test advances."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.INFO, logger=progress.__name__)
    return lambda: [record.getMessage() for record in caplog.records]


@pytest.fixture
def terminal(monkeypatch) -> _Terminal:
    stream = _Terminal()
    # sys.stderr itself is pytest's, which sets it anew before the test begins.
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=stream))
    return stream


def _work(clock: _Clock, seconds: float, steps: int, shown: Progress) -> None:
    for _ in range(steps):
        clock.now += seconds
        shown.add()


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.02, []),
        (0.05, ["features: 100 photos in 5 s"]),
        (
            0.25,
            [
                "features: 40 of 100 photos, 4/s, 00:15 left",
                "features: 80 of 100 photos, 4/s, 00:05 left",
                "features: 100 photos in 25 s",
            ],
        ),
        # A step that takes longer than a line's time gets one line.
        (30.0, None),
    ],
)
def test_without_a_terminal_a_line_every_ten_seconds(
    clock, lines, capsys, seconds, expected
) -> None:
    with Progress("features", 100, "photos", clock=clock) as shown:
        _work(clock, seconds, 100, shown)
    if expected is None:
        assert len(lines()) == 101
        assert lines()[0] == "features: 1 of 100 photos, 0.0333/s, 49:30 left"
    else:
        assert lines() == expected
    assert capsys.readouterr() == ("", "")


def test_work_done_before_counts_as_done_but_not_as_fast(clock, lines) -> None:
    with Progress("towers", 1000, "images", done=600, clock=clock) as shown:
        clock.now += 10.0
        shown.move_to(800, {"loss": np.float32(1.72164), "images/s": 20})
    first, last = lines()
    assert first == (
        "towers: 800 of 1000 images, 20/s, 00:10 left, loss 1.7216, images/s 20.000"
    )
    assert last == "towers: 800 of 1000 images in 10 s"


def test_without_a_total_no_remaining_time_is_shown(clock, lines) -> None:
    with Progress("csv", None, "products", clock=clock) as shown:
        _work(clock, 2.0, 6, shown)
    assert lines() == ["csv: 5 products, 0.5/s", "csv: 6 products in 12 s"]


def test_failed_work_is_not_logged_as_done(clock, lines) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        Progress("features", 9, "photos", clock=clock) as shown,
    ):
        _work(clock, 5.0, 2, shown)
        raise ZeroDivisionError
    assert lines() == ["features: 2 of 9 photos, 0.2/s, 00:35 left"]


def test_values_are_read_only_when_they_are_shown(clock) -> None:
    class Loss:
        read = 0

        def __float__(self) -> float:
            self.read += 1
            return 1.0

    loss = Loss()
    with Progress("re-ranker", 100, "steps", clock=clock) as shown:
        for _ in range(100):
            clock.now += 0.25
            shown.add(1, {"loss": loss})
    assert loss.read == 2


def test_on_a_terminal_a_bar_that_leaves_a_line(clock, lines, terminal) -> None:
    with Progress("features", 100, "photos", clock=clock) as shown:
        _work(clock, 0.1, 20, shown)
        assert terminal.getvalue() == ""
        for _ in range(60):
            clock.now += 0.1
            shown.add(1, {"loss": 0.5})
        bar = terminal.getvalue()
        assert lines() == []
    drawn = [int(count) for count in re.findall(r"(\d+)/100 ", bar)]
    # Begun after 3 s, drawn anew five times a second at most.
    assert drawn[0] >= 30 and drawn == sorted(drawn)
    assert 20 <= len(set(drawn)) <= 27
    assert "features" in bar and "loss 0.50000" in bar
    assert terminal.getvalue().rstrip(" ").endswith("\r")
    assert lines() == ["features: 80 of 100 photos in 8 s"]


def test_on_a_terminal_short_work_shows_nothing(clock, lines, terminal) -> None:
    with Progress("features", 20, "photos", clock=clock) as shown:
        _work(clock, 0.1, 20, shown)
    assert terminal.getvalue() == ""
    assert lines() == []


def test_a_log_line_does_not_run_into_a_bar(clock, terminal) -> None:
    handler = LogHandler(terminal)
    record = logging.LogRecord("fitrank_tf", logging.INFO, "", 0, "wrote it", (), None)
    with Progress("features", 9, "photos", clock=clock) as shown:
        clock.now += 5.0
        shown.add()
        assert "1/9" in terminal.getvalue()
        handler.emit(record)
    before, after = terminal.getvalue().split("wrote it\n")
    # The bar is wiped from the line, then drawn on the next one.
    assert re.search(r"\r +\r$", before)
    assert "1/9" in after


@pytest.mark.parametrize(("items", "total"), [([1, 2, 3], None), (iter([1, 2, 3]), 3)])
def test_tracked_gives_the_same_items(items, total, lines, monkeypatch) -> None:
    clock = _Clock()
    monkeypatch.setattr(progress.time, "monotonic", clock)
    monkeypatch.setattr(Progress.__init__, "__defaults__", (0, clock))
    got = []
    for item in tracked(items, "grading", "queries", total):
        clock.now += 8.0
        got.append(item)
    assert got == [1, 2, 3]
    assert lines() == [
        "grading: 2 of 3 queries, 0.125/s, 00:08 left",
        "grading: 3 queries in 24 s",
    ]


@pytest.mark.parametrize("library", [keras, tf_keras], ids=["keras", "tf_keras"])
@pytest.mark.parametrize(("steps_at_once", "per_step"), [(1, 1), (2, 1), (1, 2.5)], ids=str)
def test_fit_shows_steps_and_epochs(
    library, steps_at_once, per_step, lines, monkeypatch
) -> None:
    network = library.Sequential([library.layers.Dense(1)])
    network.compile("sgd", "mse", steps_per_execution=steps_at_once)
    shown = Progress("training", 18, "steps", clock=_Clock())
    done = []
    move_to = shown.move_to
    monkeypatch.setattr(
        shown, "move_to", lambda count, values: (done.append(count), move_to(count, values))
    )
    network.fit(
        np.ones((24, 2), np.float32),
        np.ones((24, 1), np.float32),
        batch_size=4,
        epochs=3,
        verbose=0,
        callbacks=[library.callbacks.LambdaCallback(**fit_hooks(shown, 3, per_step))],
    )
    steps = range(steps_at_once, 19, steps_at_once)
    assert done == [step * per_step for step in steps]
    assert len(lines()) == 3
    for number, line in enumerate(lines(), 1):
        assert re.fullmatch(rf"epoch {number} of 3: loss \d\.\d+(e-\d+)?", line)
