"""Filters as typed on the command line."""

import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.filters import parse_filters

KNOWN = ("gender", "colour")


@pytest.mark.parametrize(
    ("pairs", "filters"),
    [
        ([], {}),
        (["gender=Women"], {"gender": "Women"}),
        (
            ["gender=Women|Unisex", " colour=a=b"],
            {"gender": "Women|Unisex", "colour": "a=b"},
        ),
    ],
)
def test_pairs_become_filters(pairs, filters) -> None:
    assert parse_filters(pairs, KNOWN) == filters


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (["gender"], "attribute=value"),
        (["gender="], "attribute=value"),
        (["=Women"], "attribute=value"),
        (["size=M"], "choose from colour, gender"),
        (["colour=Red", "colour=Blue"], r"colour=Red\|Blue"),
    ],
)
def test_malformed_filters_are_refused(pairs, message) -> None:
    with pytest.raises(FitRankError, match=message):
        parse_filters(pairs, KNOWN)
