"""Optional packages, which are installed with extras of this package."""

import contextlib
import importlib.util
from collections.abc import Iterator, Sequence

from fitrank_tf.core.errors import FitRankError


def install_command(extra: str) -> str:
    """The shell command that installs an extra."""
    return f'pip install "fitrank-tf[{extra}]"'


@contextlib.contextmanager
def imports_of(extra: str) -> Iterator[None]:
    """Context in which an extra's packages are imported.

    Args:
        extra: one of `[project.optional-dependencies]` in pyproject.toml.

    Raises:
        FitRankError: if an imported package is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise FitRankError(
            f"{error.name} is not installed; `{install_command(extra)}`"
        ) from error


def missing_packages(name: str, packages: Sequence[str]) -> str | None:
    """The message that a system of a benchmark is skipped because of missing packages.

    Args:
        name: name of the system.
        packages: packages that the system imports.

    Returns:
        One line, or None if all packages are installed.
    """
    absent = [package for package in packages if importlib.util.find_spec(package) is None]
    if not absent:
        return None
    install = install_command("bench")
    return f"{name} is skipped: {', '.join(absent)} not installed; `{install}`"
