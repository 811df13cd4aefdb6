"""Words for length and fit, as shoppers say them; sleeves and shoes are no lengths."""

import pytest

from fitrank_tf.datasets.annotations.label_file import FITS, LENGTHS
from fitrank_tf.export.graphs.request_reader import RequestReader, read_facets
from fitrank_tf.queries.lexicon import FacetLexicon

LEXICON = FacetLexicon(
    (
        ("article_type", ("Dresses", "Jeans", "Kurtas", "Shirts", "Shorts", "Skirts")),
        ("sleeve", ("long", "short", "sleeveless")),
        ("length", LENGTHS),
        ("fit", FITS),
    )
)


@pytest.fixture(scope="module")
def reader() -> RequestReader:
    return RequestReader(LEXICON)


def test_a_maxi_is_a_long_dress_unless_a_noun_says_otherwise(reader: RequestReader) -> None:
    dresses, skirts, ankle = map(LEXICON.value_names.index, ("Dresses", "Skirts", "ankle"))
    alone, skirt, denied = read_facets(reader, ["red maxi", "maxi skirt", "no maxi"])
    assert alone[ankle] == 1.0 and 0.5 < alone[dresses] < 1.0
    assert skirt[ankle] == skirt[skirts] == 1.0 and skirt[dresses] == 0.0
    # Who wants no maxi may want another dress.
    assert denied[ankle] == -1.0 and denied[dresses] == 0.0


@pytest.mark.parametrize(
    ("text", "wanted", "denied"),
    [
        ("maxi dress", {"Dresses", "ankle"}, set()),
        ("knee-length skirt", {"Skirts", "knee"}, set()),
        ("midi dress", {"Dresses", "calf"}, set()),
        ("mini skirt not denim", {"Skirts", "thigh"}, set()),
        ("crop top", {"cropped"}, set()),
        ("floor length dress", {"Dresses", "ankle"}, set()),
        ("long kurta", {"Kurtas", "calf", "ankle"}, set()),
        ("long sleeve kurta", {"Kurtas", "long"}, set()),
        ("short sleeves shirt, slim fit", {"Shirts", "short", "slim"}, set()),
        ("shorts above the knee", {"Shorts", "thigh"}, set()),
        ("skinny jeans", {"Jeans", "slim"}, set()),
        ("jeans, not skinny", {"Jeans"}, {"slim"}),
        ("oversized shirt", {"Shirts", "loose"}, set()),
        ("baggy jeans but not too long", {"Jeans", "loose"}, {"calf", "ankle"}),
        ("relaxed fit shirt", {"Shirts", "loose"}, set()),
        ("regular fit shirt", {"Shirts", "regular"}, set()),
    ],
)
def test_they_mean_where_it_ends_and_how_close_it_lies(
    reader: RequestReader, text: str, wanted: set[str], denied: set[str]
) -> None:
    [read] = read_facets(reader, [text])
    named = dict(zip(LEXICON.value_names, read.tolist()))
    assert {value for value, weight in named.items() if weight == 1.0} == wanted
    assert {value for value, weight in named.items() if weight < 0.0} == denied
