"""Parses filters of a search, such as `gender=Women` and `colour=Red|Maroon`."""

from collections.abc import Collection, Mapping, Sequence

from fitrank_tf.core.errors import FitRankError


def parse_filters(pairs: Sequence[str], known: Collection[str]) -> dict[str, str]:
    """Parses filters as typed on a command line.

    Args:
        pairs: texts `attribute=value`, alternative values separated by "|".
        known: the attributes that can be filtered by.

    Returns:
        {attribute: value}, alternatives still separated by "|".

    Raises:
        FitRankError: for a pair without "=" or value, an unknown attribute, or an attribute
            that is given twice.
    """
    filters: dict[str, str] = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        name = name.strip()
        if not value.strip() or not name:
            raise FitRankError(f"filter '{pair}': write it as attribute=value")
        check_filters({name: value}, known)
        if name in filters:
            raise FitRankError(
                f"filter '{pair}': {name} is filtered already; write alternatives as "
                f"{name}={filters[name]}|{value}"
            )
        filters[name] = value
    return filters


def check_filters(filters: Mapping[str, str], known: Collection[str]) -> None:
    """Checks that all filters are of known attributes.

    Args:
        filters: {attribute: value}.
        known: the attributes that can be filtered by.

    Raises:
        FitRankError: for an unknown attribute.
    """
    for name, value in filters.items():
        if name not in known:
            raise FitRankError(
                f"filter '{name}={value}': unknown attribute; choose from "
                f"{', '.join(sorted(known))}"
            )
