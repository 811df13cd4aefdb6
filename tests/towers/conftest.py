"""Fixtures of the models' tests."""

import numpy as np
import pytest

from fitrank_tf.towers.towers import Towers
from tests.towers.small_towers import small_towers


@pytest.fixture
def towers() -> Towers:
    return small_towers()


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (3, 32, 32, 3)).astype("uint8")
