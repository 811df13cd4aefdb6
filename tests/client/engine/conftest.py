"""A bundle whose products are in an embedded engine, and a server of its model."""

import pytest

from tests.export.engine.toy_engine import drawn_catalogue, model_server
from tests.export.toy_bundle import write_toy_bundle

LIST_SIZE = 20


@pytest.fixture(scope="session")
def loaded(tmp_path_factory):
    """(bundle, engine's file, address of the model server), which nobody changes."""
    pytest.importorskip("milvus_lite", reason="the extra milvus is not installed")
    from fitrank_tf.client.engine.milvus import Milvus
    from fitrank_tf.export.engine.load import load_engine

    folder = tmp_path_factory.mktemp("engine")
    catalogue = drawn_catalogue(300)
    bundle = write_toy_bundle(folder / "bundle", catalogue, LIST_SIZE, ["search"])
    load_engine(bundle, Milvus(str(folder / "toy.db")))
    with model_server(bundle) as address:
        yield bundle, str(folder / "toy.db"), address
