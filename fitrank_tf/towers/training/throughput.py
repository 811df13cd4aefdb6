"""How many photos a second a training gets through."""

import time

import keras


class Throughput(keras.callbacks.Callback):
    """Adds `images/s` to what an epoch logs, for the progress line and TensorBoard.

    Keras gives every callback the same dict, so this one comes before those that show it.

    Args:
        images_per_step: photos that one step learns from.
    """

    def __init__(self, images_per_step: float):
        super().__init__()
        self._images_per_step = images_per_step
        self._steps, self._first, self._started = 0, 0, 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Starts the clock."""
        self._steps, self._started = 0, time.monotonic()

    def on_train_batch_begin(
        self, batch: int, logs: dict[str, float] | None = None
    ) -> None:
        """Remembers the first of the steps taken at once."""
        self._first = batch

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Counts the steps."""
        self._steps += batch - self._first + 1

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Adds the rate."""
        seconds = max(time.monotonic() - self._started, 1e-9)
        logs["images/s"] = self._steps * self._images_per_step / seconds
