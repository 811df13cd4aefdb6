"""Toy parts of a search, saved once."""

import pytest
import tensorflow as tf
from toy_parts import save_toy_parts, toy_catalogue

from fitrank_tf.export.served_catalogue import SearchableCatalogue


@pytest.fixture(scope="session")
def parts_folder(tmp_path_factory):
    """A folder with the toy parts in the layout of a bundle."""
    folder = tmp_path_factory.mktemp("parts")
    save_toy_parts(folder)
    return folder


@pytest.fixture(scope="session")
def parts(parts_folder) -> dict[str, tf.Module]:
    """{name in a bundle: loaded toy SavedModel}."""
    return {
        path.name: tf.saved_model.load(str(path / "1")) for path in parts_folder.iterdir()
    }


@pytest.fixture(scope="session")
def catalogue() -> SearchableCatalogue:
    """Five products."""
    return toy_catalogue()
