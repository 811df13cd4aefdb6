"""How far long work is: a bar on a terminal, elsewhere a log line every 10 seconds.

Work of a few seconds shows nothing; of longer work a log line says at its end how long it
took. On a terminal a program's log goes through `LogHandler`, so that lines and bars do
not run into each other.
"""

import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from typing import Any, Self, TextIO, TypeVar

from tqdm import tqdm

logger = logging.getLogger(__name__)

# Seconds.
_LEAST_SHOWN = 3.0
_BETWEEN_LINES = 10.0
_BETWEEN_REDRAWS = 0.2

T = TypeVar("T")


class Progress:
    """Counts what is done of some work. To be used in a `with` statement.

    Args:
        name: of the work, e.g. "features".
        total: how much there is to do; None if nobody knows.
        unit: what is counted, in the plural, e.g. "photos".
        done: how much an interrupted run has done before.
        clock: gives the time in seconds.

    Example:
        with Progress("features", len(photos), "photos") as shown:
            for batch in batches:
                ...
                shown.add(len(batch))
    """

    def __init__(
        self,
        name: str,
        total: float | None,
        unit: str,
        done: float = 0,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.done = done
        self._name, self._total, self._unit = name, total, unit
        self._first, self._clock = done, clock
        self._started = clock()
        self._on_terminal = sys.stderr.isatty()
        self._due = self._started + (_LEAST_SHOWN if self._on_terminal else _BETWEEN_LINES)
        self._bar: tqdm | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error: type | None, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
        if error is None and self._seconds >= _LEAST_SHOWN:
            logger.info("%s: %s in %.0f s", self._name, self._so_far(), self._seconds)

    def add(self, count: int = 1, values: Mapping[str, Any] | None = None) -> None:
        """So much more is done; see `move_to`."""
        self.move_to(self.done + count, values)

    def move_to(self, done: float, values: Mapping[str, Any] | None = None) -> None:
        """Sets how much is done, and shows it if it is time to.

        Args:
            done: counted from the beginning of the work.
            values: numbers or scalar tensors to show beside; they are only read when
                they are shown.
        """
        self.done = done
        if self._clock() < self._due:
            return
        text = format_values(values or {})
        if self._on_terminal:
            self._draw(text)
        else:
            logger.info("%s: %s%s", self._name, self._line(), text and f", {text}")
        self._due = self._clock() + (
            _BETWEEN_REDRAWS if self._on_terminal else _BETWEEN_LINES
        )

    @property
    def _seconds(self) -> float:
        return max(self._clock() - self._started, 1e-9)

    def _draw(self, text: str) -> None:
        if self._bar is None:
            self._bar = tqdm(
                desc=self._name,
                total=self._total,
                unit=f" {self._unit}",
                initial=self._first,
                leave=False,
                # Without it tqdm draws at once, with nothing done.
                delay=1e-6,
                dynamic_ncols=True,
                file=sys.stderr,
            )
            self._bar.start_t -= self._seconds
        self._bar.n = self.done
        self._bar.set_postfix_str(text)

    def _line(self) -> str:
        rate = (self.done - self._first) / self._seconds
        parts = [self._so_far(), f"{rate:.3g}/s"]
        if self._total is not None and rate > 0:
            left = max(self._total - self.done, 0) / rate
            parts.append(f"{tqdm.format_interval(left)} left")
        return ", ".join(parts)

    def _so_far(self) -> str:
        of_all = "" if self._total in (None, self.done) else f" of {self._total:.0f}"
        return f"{self.done:.0f}{of_all} {self._unit}"


def tracked(
    items: Iterable[T], name: str, unit: str, total: int | None = None
) -> Iterator[T]:
    """The same items, one after the other, with their progress shown.

    Args:
        items: to go through.
        name: of the work.
        unit: what the items are, in the plural.
        total: how many there are; None asks `items`, if they have a length.
    """
    if total is None and isinstance(items, Sized):
        total = len(items)
    with Progress(name, total, unit) as shown:
        for item in items:
            yield item
            shown.add()


def fit_hooks(
    shown: Progress, epochs: int, per_step: float = 1
) -> dict[str, Callable[..., None]]:
    """What shows the steps of a Keras `fit`, and logs the values of each epoch.

    Both Keras 3 and `tf_keras` take it: `LambdaCallback(**fit_hooks(shown, epochs))`. The
    values are those of the callbacks before it, which write theirs to the same dict.

    Args:
        shown: counts steps, or what they take.
        epochs: of the whole training.
        per_step: how much `shown` counts for one step, e.g. photos of a batch.
    """
    first = shown.done

    def on_epoch_begin(epoch: int, logs: Mapping[str, float] | None = None) -> None:
        nonlocal first
        first = shown.done

    def on_train_batch_end(batch: int, logs: Mapping[str, float] | None = None) -> None:
        # Of several steps at once only the last one comes here.
        shown.move_to(first + (batch + 1) * per_step, logs)

    def on_epoch_end(epoch: int, logs: Mapping[str, float] | None = None) -> None:
        logger.info("epoch %d of %d: %s", epoch + 1, epochs, format_values(logs or {}))

    return {
        "on_epoch_begin": on_epoch_begin,
        "on_train_batch_end": on_train_batch_end,
        "on_epoch_end": on_epoch_end,
    }


def format_values(values: Mapping[str, Any]) -> str:
    """`loss 1.7216, images/s 59.54`: names and numbers of four digits or more."""
    return ", ".join(f"{name} {float(value):#.5g}" for name, value in values.items())


class LogHandler(logging.StreamHandler[TextIO]):
    """Writes log lines to stderr; a bar that is drawn makes room for them."""

    def emit(self, record: logging.LogRecord) -> None:
        """Writes one record."""
        with tqdm.external_write_mode(file=self.stream):
            super().emit(record)
