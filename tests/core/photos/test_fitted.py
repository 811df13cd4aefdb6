"""A photo fills its place and keeps its shape."""

import numpy as np
import pytest

from fitrank_tf.core.photos.fitted import fitted


@pytest.mark.parametrize(
    ("height", "width", "size"),
    [
        (480, 360, (180, 240)),
        (100, 100, (180, 180)),
        (1000, 100, (24, 240)),
        (60, 240, (180, 45)),
        (3000, 1, (1, 240)),
    ],
)
def test_a_photo_keeps_its_shape(height, width, size) -> None:
    photo = fitted(np.full((height, width, 3), 90, np.uint8), 180, 240)
    assert photo.size == size
    assert photo.getcolors() == [(size[0] * size[1], (90, 90, 90))]
