"""Filters as users type them: `gender=Women`, `colour=Red|Maroon`."""

from collections.abc import Collection, Sequence

from fitrank_tf.core.errors import FitRankError


def parse_filters(pairs: Sequence[str], known: Collection[str]) -> dict[str, str]:
    """Filter texts by attribute.

    Args:
        pairs: `attribute=value`, alternatives parted by "|".
        known: the attributes that can be filtered by.

    Raises:
        FitRankError: for a pair without "=" or value, an unknown attribute, or one that is
            given twice.
    """
    filters: dict[str, str] = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        name = name.strip()
        if not value.strip() or not name:
            raise FitRankError(f"filter '{pair}': write it as attribute=value")
        if name not in known:
            raise FitRankError(
                f"filter '{pair}': unknown attribute; choose of {', '.join(sorted(known))}"
            )
        if name in filters:
            raise FitRankError(
                f"filter '{pair}': {name} is filtered already; write alternatives as "
                f"{name}={filters[name]}|{value}"
            )
        filters[name] = value
    return filters
