"""Fixtures of the models' tests."""

import numpy as np
import pytest
from small_towers import small_towers

from fitrank_tf.models.towers import Towers


@pytest.fixture
def towers() -> Towers:
    return small_towers()


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (3, 32, 32, 3)).astype("uint8")
