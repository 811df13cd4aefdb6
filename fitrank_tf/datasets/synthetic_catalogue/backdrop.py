"""Backdrops of photos: mostly white studios, sometimes coloured or textured walls."""

import cv2
import numpy as np

# float32 [H, W, 3] in 0..255.
Backdrop = np.ndarray


def _white(rng: np.random.Generator, height: int, width: int) -> Backdrop:
    return np.full((height, width, 3), rng.uniform(249, 255), np.float32)


def _ramp(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """float32 [H, W, 1] from 0 to 1 across the photo, in any direction."""
    angle = rng.uniform(0, 2 * np.pi)
    x = np.linspace(-0.5, 0.5, width, dtype=np.float32) * np.float32(np.cos(angle))
    y = np.linspace(-0.5, 0.5, height, dtype=np.float32) * np.float32(np.sin(angle))
    ramp = y[:, None] + x[None]
    return ((ramp - ramp.min()) / np.ptp(ramp))[..., None]


def _studio(rng: np.random.Generator, height: int, width: int) -> Backdrop:
    """Near-white paper, darker towards one side."""
    light = rng.uniform(238, 252) + rng.uniform(-3, 3, size=3)
    fall = rng.uniform(10, 45)
    return (light - fall * _ramp(rng, height, width)).astype(np.float32)


def _coloured(rng: np.random.Generator, height: int, width: int) -> Backdrop:
    """A pastel wall."""
    tone = rng.uniform(150, 240, size=3)
    return (tone + rng.uniform(-25, 25) * _ramp(rng, height, width)).astype(np.float32)


def _textured(rng: np.random.Generator, height: int, width: int) -> Backdrop:
    """Boards or plaster: coarse noise, drawn out in one direction."""
    tone = rng.uniform(120, 225) + rng.uniform(-18, 18, size=3)
    rows, columns = [(40, 6), (5, 40), (28, 21)][rng.integers(3)]
    grain = rng.standard_normal((rows, columns)).astype(np.float32)
    relief = cv2.resize(grain, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.clip(tone + rng.uniform(5, 14) * relief[..., None], 0, 255).astype(np.float32)


_KINDS = (_white, _studio, _coloured, _textured)
_SHARES = (0.55, 0.22, 0.13, 0.10)


def random_backdrop(rng: np.random.Generator, height: int, width: int) -> Backdrop:
    """A backdrop, float32 [height, width, 3] in 0..255."""
    kind = _KINDS[rng.choice(len(_KINDS), p=_SHARES)]
    return kind(rng, height, width)
