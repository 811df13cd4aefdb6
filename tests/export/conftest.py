"""Toy parts of a search and a bundle of them, saved once."""

import shutil
from pathlib import Path

import pytest
import tensorflow as tf

from fitrank_tf.export.graphs.served_catalogue import SearchableCatalogue
from tests.export.toy_bundle import write_toy_bundle
from tests.export.toy_parts import save_toy_parts, toy_catalogue


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


@pytest.fixture(scope="session")
def pristine_bundle(tmp_path_factory) -> Path:
    """A toy bundle that nobody changes."""
    return write_toy_bundle(tmp_path_factory.mktemp("toy") / "bundle")


@pytest.fixture
def bundle(pristine_bundle, tmp_path) -> Path:
    """A toy bundle that a test may change."""
    return shutil.copytree(pristine_bundle, tmp_path / "bundle")
