"""What a benchmark leaves out where an alternative is not installed."""

import importlib.util
from collections.abc import Sequence


def missing_packages(name: str, packages: Sequence[str]) -> str | None:
    """The line that says why a system is left out; None if it can run.

    Args:
        name: of the system.
        packages: that it imports.
    """
    absent = [package for package in packages if importlib.util.find_spec(package) is None]
    if not absent:
        return None
    return (
        f"{name} is skipped: {', '.join(absent)} not installed; "
        '`pip install "fitrank-tf[bench]"`'
    )
