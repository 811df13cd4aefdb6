"""What titles say beside what photos show, by hand."""

import numpy as np
import pytest

from fitrank_tf.datasets.attributes import CATEGORIES, Attribute
from fitrank_tf.queries.lexicon import FacetLexicon
from fitrank_tf.rerank.title_facets import TitleFacets, title_trust

LEXICON = FacetLexicon(
    (("colour", ("Black", "Blue", "Red")), ("occasion", ("Beach", "Office"))),
    attributes=(Attribute("occasion", CATEGORIES),),
)
PHOTO = np.array([[0.6, 0.3, 0.1, 0.2, 0.4]], np.float32)


@pytest.mark.parametrize(
    ("named", "mixed"),
    [
        ([0, 0, 0, 0, 0], [0.6, 0.3, 0.1, 0.2, 0.4]),
        ([0, 0, 1, 0, 0], [0.12, 0.06, 0.02 + 0.8, 0.2, 0.4]),
        # Two colours share what the title says as 0.6 to 0.3.
        ([1, 1, 0, 0, 0], [0.12 + 0.8 * 2 / 3, 0.06 + 0.8 / 3, 0.02, 0.2, 0.4]),
        # What a title denies it does not name.
        ([-1, 0, 0, 0, 0], [0.6, 0.3, 0.1, 0.2, 0.4]),
        ([0, 0, 0, 1, 0], [0.6, 0.3, 0.1, 0.9, 0.4]),
        ([0, 0, 0, 1, 0.3], [0.6, 0.3, 0.1, 0.9, 0.4]),
        # What is near counts where nothing is named, by its weight.
        ([0, 0.4, 1, 0, 0], [0.12, 0.06, 0.02 + 0.8, 0.2, 0.4]),
        ([0, 0.2, 0.6, 0, 0], [0.12, 0.06 + 0.4, 0.02 + 0.4, 0.2, 0.4]),
    ],
)
def test_a_title_is_believed_as_far_as_it_is_trusted(named, mixed) -> None:
    titles = TitleFacets(LEXICON, {"colour": 0.8, "occasion": 0.9})
    found = titles(PHOTO, np.array([named], np.float32)).numpy()
    np.testing.assert_allclose(found, [mixed], rtol=1e-4)
    assert found[0, :3].sum() == pytest.approx(1.0, abs=1e-5)


def test_a_value_that_the_photo_excludes_may_be_named() -> None:
    titles = TitleFacets(LEXICON, {"colour": 0.5, "occasion": 0.5})
    found = titles(
        np.array([[1, 0, 0, 0, 0]], np.float32), np.eye(5, dtype=np.float32)[1:2]
    )
    np.testing.assert_allclose(found, [[0.5, 0.5, 0, 0, 0]], atol=1e-6)


def test_trust_is_the_share_of_titles_that_are_right() -> None:
    """30 titles say Red, 20 rightly; 10 products have no colour; none names an occasion."""
    named = np.zeros((40, 5), np.float32)
    named[:, 2] = 1.0
    codes = np.full((40, 3), -1, np.int32)
    codes[:20, 0], codes[20:30, 0] = 2, 0
    trust = title_trust(LEXICON, named, codes)
    assert trust == {"colour": (20 + 5) / (30 + 10), "occasion": 0.5}
