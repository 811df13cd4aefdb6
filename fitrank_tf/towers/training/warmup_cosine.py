"""The learning rate of a training: linear warm-up, then a cosine down to nearly nothing.

By hand, because Keras' `CosineDecay` branches and so takes long to trace (see below).
"""

import math
from typing import Any

import keras
from keras import KerasTensor, ops

_START, _END = 0.01, 1e-3


class WarmupCosine(keras.optimizers.schedules.LearningRateSchedule):
    """Rises in a line, then falls along half a cosine (Loshchilov & Hutter, 2017).

    The values are those of `keras.optimizers.schedules.CosineDecay` with a warm-up, without
    its branches: AdamW asks for the rate once for every weight, and hundreds of branches
    take longer to trace than the towers.

    Args:
        peak: the highest rate.
        warmup_steps: until the peak, from a hundredth of it.
        decay_steps: from the peak to a thousandth of it, where it stays.
    """

    def __init__(self, peak: float, warmup_steps: int, decay_steps: int):
        super().__init__()
        self.peak = peak
        self.warmup_steps, self.decay_steps = max(1, warmup_steps), max(1, decay_steps)

    def __call__(self, step: KerasTensor) -> KerasTensor:
        """float32 scalar, the rate of step `step`, counted from 0."""
        step = ops.cast(step, "float32")
        rising = _START + (1.0 - _START) * step / self.warmup_steps
        done = ops.clip((step - self.warmup_steps) / self.decay_steps, 0.0, 1.0)
        falling = _END + (1.0 - _END) * 0.5 * (1.0 + ops.cos(math.pi * done))
        return self.peak * ops.where(step < self.warmup_steps, rising, falling)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            "peak": self.peak,
            "warmup_steps": self.warmup_steps,
            "decay_steps": self.decay_steps,
        }
