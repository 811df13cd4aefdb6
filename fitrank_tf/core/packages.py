"""Packages that only some commands need: they come with extras of this one."""

import contextlib
import importlib.util
from collections.abc import Iterator, Sequence

from fitrank_tf.core.errors import FitRankError


def install_command(extra: str) -> str:
    """The shell command that installs an extra."""
    return f'pip install "fitrank-tf[{extra}]"'


@contextlib.contextmanager
def imports_of(extra: str) -> Iterator[None]:
    """Around imports of an extra's packages.

    Args:
        extra: one of `[project.optional-dependencies]` in pyproject.toml.

    Raises:
        FitRankError: if one of them is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise FitRankError(
            f"{error.name} is not installed; `{install_command(extra)}`"
        ) from error


def missing_packages(name: str, packages: Sequence[str]) -> str | None:
    """The line that says why a system is left out of a comparison; None if it can run.

    Args:
        name: of the system.
        packages: that it imports.
    """
    absent = [package for package in packages if importlib.util.find_spec(package) is None]
    if not absent:
        return None
    install = install_command("bench")
    return f"{name} is skipped: {', '.join(absent)} not installed; `{install}`"
