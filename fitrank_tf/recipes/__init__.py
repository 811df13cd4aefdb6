"""Recipes: short Python files, each of which returns a `RunConfig`.

A recipe module has `recipe(dataset: str) -> RunConfig`. The data set's name is an argument
because training on the embedded catalogue has to end within minutes, and may take the
better part of an hour on a real one.
"""

import importlib
import pkgutil

from fitrank_tf.config import RunConfig
from fitrank_tf.core.errors import FitRankError


def recipe_names() -> list[str]:
    """The names of all recipes."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def load_recipe(name: str, dataset: str) -> RunConfig:
    """The recipe's configuration for a data set.

    Args:
        name: one of `recipe_names()`.
        dataset: name of the data set.

    Raises:
        FitRankError: if there is no recipe of that name.
    """
    if name not in recipe_names():
        raise FitRankError(
            f"--recipe {name}: unknown; choose one of {', '.join(recipe_names())}"
        )
    return importlib.import_module(f"{__name__}.{name}").recipe(dataset)
