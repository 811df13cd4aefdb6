"""Filters as users type them: `gender=Women`, `colour=Red|Maroon`."""

from collections.abc import Collection, Mapping, Sequence

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
        check_filters({name: value}, known)
        if name in filters:
            raise FitRankError(
                f"filter '{pair}': {name} is filtered already; write alternatives as "
                f"{name}={filters[name]}|{value}"
            )
        filters[name] = value
    return filters


def check_filters(filters: Mapping[str, str], known: Collection[str]) -> None:
    """Refuses filters by other attributes than the known ones.

    Raises:
        FitRankError: if there is one.
    """
    for name, value in filters.items():
        if name not in known:
            raise FitRankError(
                f"filter '{name}={value}': unknown attribute; choose from "
                f"{', '.join(sorted(known))}"
            )
