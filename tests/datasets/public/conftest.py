"""Fixtures of the tests of one public data set each, whose `Builder` a test imports."""

import shutil
from pathlib import Path

import pytest

from fitrank_tf.datasets.catalogue import Catalogue, CatalogueSource, open_catalogue


@pytest.fixture(scope="module")
def catalogue(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Catalogue:
    """The dummy data of a data set without configurations, prepared."""
    source = CatalogueSource(
        request.module.Builder.name, manual_dir=str(request.module.DUMMY)
    )
    return open_catalogue(source, str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def copy(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of the dummy data, to be changed."""
    return shutil.copytree(request.module.DUMMY, tmp_path / "copy")
