"""Progress of long tasks: a bar on a terminal, elsewhere a log line every 10 seconds.

For tasks of less than 3 seconds nothing is shown; at the end of longer ones the duration is
logged. On a terminal the log goes through `LogHandler`, so that lines and bars do not mix.
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
    """Counts and shows the progress of a task; a context manager.

    Args:
        name: name of the task, e.g. "features".
        total: number of units of the whole task; None if unknown.
        unit: what is counted, in the plural, e.g. "photos".
        done: number of units done by an interrupted run before.
        clock: function that returns the time in seconds.

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
        """Adds `count` to the units done; see `move_to`."""
        self.move_to(self.done + count, values)

    def move_to(self, done: float, values: Mapping[str, Any] | None = None) -> None:
        """Sets the number of units done, and shows it if the last time is long enough ago.

        Args:
            done: units done since the beginning of the task.
            values: numbers or scalar tensors to show as well, read only when shown.
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
                # Without a delay tqdm draws a bar with nothing done at once.
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
    """Iterates over items and shows the progress.

    Args:
        items: the items.
        name: name of the task.
        unit: what the items are, in the plural.
        total: number of items; None takes the length of `items`, if it has one.

    Yields:
        The items in order.
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
    """Arguments of a Keras `LambdaCallback` that shows steps and logs each epoch's values.

    Keras 3 and `tf_keras` both accept `LambdaCallback(**fit_hooks(shown, epochs))`. Values
    of the callbacks before it are shown too, because callbacks share a dict of logs.

    Args:
        shown: counts steps, or units of which a step has several.
        epochs: number of epochs of the whole training.
        per_step: units of `shown` for one step, e.g. photos of a batch.

    Returns:
        {name of the callback's argument: function}.
    """
    first = shown.done

    def on_epoch_begin(epoch: int, logs: Mapping[str, float] | None = None) -> None:
        nonlocal first
        first = shown.done

    def on_train_batch_end(batch: int, logs: Mapping[str, float] | None = None) -> None:
        # When Keras runs several steps at once, this is called for the last one only.
        shown.move_to(first + (batch + 1) * per_step, logs)

    def on_epoch_end(epoch: int, logs: Mapping[str, float] | None = None) -> None:
        logger.info("epoch %d of %d: %s", epoch + 1, epochs, format_values(logs or {}))

    return {
        "on_epoch_begin": on_epoch_begin,
        "on_train_batch_end": on_train_batch_end,
        "on_epoch_end": on_epoch_end,
    }


def format_values(values: Mapping[str, Any]) -> str:
    """Names and numbers with five significant digits: `loss 1.7216, images/s 59.540`."""
    return ", ".join(f"{name} {float(value):#.5g}" for name, value in values.items())


class LogHandler(logging.StreamHandler[TextIO]):
    """Writes log lines to stderr above a progress bar, if one is drawn."""

    def emit(self, record: logging.LogRecord) -> None:
        """Writes one record."""
        with tqdm.external_write_mode(file=self.stream):
            super().emit(record)
