"""Every recipe is a checked configuration, found by its name."""

import pytest

from fitrank_tf.config import RunConfig
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.recipes import load_recipe, recipe_names


@pytest.mark.parametrize("name", recipe_names())
@pytest.mark.parametrize("dataset", ["synthetic_catalogue", "fashion_product_images"])
def test_every_recipe_is_a_configuration(name: str, dataset: str) -> None:
    config = load_recipe(name, dataset)
    assert isinstance(config, RunConfig)
    assert config.recipe == name
    assert config.to_json()["towers"]["image_size"] == config.towers.image_size


def test_unknown_recipe_names_the_known() -> None:
    with pytest.raises(FitRankError, match=r"--recipe huge: unknown; choose one of .*tiny"):
        load_recipe("huge", "synthetic_catalogue")
