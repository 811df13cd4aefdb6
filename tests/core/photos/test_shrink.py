import io

import numpy as np
import pytest
from PIL import Image

from fitrank_tf.core.photos.shrink import shrunk


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize(
    ("given", "size", "expected"),
    [((400, 200), (100, 100), (100, 50)), ((30, 60), (96, 40), (20, 40))]
    + [((50, 20), (96, 128), (50, 20))],
)
def test_it_fits_in_its_own_proportions(kind: str, given, size, expected) -> None:
    # A ramp from left to right keeps its means under any filter.
    ramp = np.tile(np.linspace(0, 255, given[0]), (given[1], 1)).astype(np.uint8)
    encoded = io.BytesIO()
    Image.fromarray(ramp).convert("RGB").save(encoded, kind)
    small = shrunk(encoded.getvalue(), size)
    assert small.size == expected and small.mode == "RGB"
    columns = np.asarray(small)[..., 0].mean(axis=0)
    ends = np.arange(expected[0]) + 0.5
    assert columns == pytest.approx(ends / expected[0] * 255, abs=6)
