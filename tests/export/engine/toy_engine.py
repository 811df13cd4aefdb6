"""Catalogues with every kind of attribute, and servers of engines and of their models."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from fitrank_tf.client.engine.layout import ENGINE_MODEL
from fitrank_tf.datasets.attributes import Attribute
from fitrank_tf.export.graphs.served_catalogue import SearchableCatalogue, SearchTables
from serving.models.model_config import single_model_config
from serving.models.model_manager import ManagerOptions, ModelManager
from serving.process.options import ServerOptions
from serving.server import serve
from tests.export.toy_parts import T, V

FILTERS = (
    Attribute("gender"),
    Attribute("materials", "categories"),
    Attribute("heel_height", "number"),
    Attribute("höhe"),
)
GENDERS = ("Men", "Women", 'Wo"men', "O'Neill", "a\\b", "50%_off", "S|M", "", "  mEN ")
MATERIALS = ("wool", "wool|silk", r"S\|M|silk", 'the "best"|wool', "")
WORDS = ("shirt", "shirts", "bag", "kurta", "blue", "red", "for", "the", "été")


def drawn_catalogue(size: int, seed: int = 0) -> SearchableCatalogue:
    """Products at random angles, with odd values and titles of which many are equal."""
    draw = np.random.default_rng(seed)
    angles = draw.uniform(0, np.pi / 2, size)
    embeddings = np.stack([np.cos(angles), np.sin(angles), 0 * angles, 0 * angles], axis=1)
    tables = (
        embeddings,
        draw.normal(size=(size, T)),
        draw.uniform(size=(size, V)),
        draw.uniform(0, 50, size=(size, 2, 4)),
    )
    heels = np.round(draw.uniform(-5, 120, size), 1).tolist()
    attributes = {
        "gender": tuple(draw.choice(GENDERS, size).tolist()),
        "materials": tuple(draw.choice(MATERIALS, size).tolist()),
        "heel_height": tuple(f"{h:.10g}" if h > 0 else "" for h in heels),
        "höhe": tuple(draw.choice(["S", "M", "ÜBER"], size).tolist()),
    }
    titles = [" ".join(draw.choice(WORDS, draw.integers(0, 4))) for _ in range(size)]
    return SearchableCatalogue(
        tuple(f"p{row}" for row in range(size)),
        tuple(titles),
        attributes,
        SearchTables(*(np.asarray(table, np.float32) for table in tables)),
        FILTERS,
    )


@contextlib.contextmanager
def model_server(bundle: Path, poll_seconds: float = 0.0) -> Iterator[str]:
    """The address of a server of a bundle's `engine_search`, newest version."""
    config = single_model_config(ENGINE_MODEL, str(bundle / ENGINE_MODEL))
    loading = ManagerOptions(file_system_poll_wait_seconds=poll_seconds)
    manager = ModelManager([config], loading)
    server, port = serve(manager, ServerOptions(port=0, grpc_max_threads=4))
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()
        manager.close()


@contextlib.contextmanager
def engine_server(folder: Path, port: int) -> Iterator[subprocess.Popen]:
    """The embedded engine as a process of its own, which can be killed."""
    command = ["server", "--data-dir", str(folder), "--host", "127.0.0.1", "--port"]
    process = subprocess.Popen(
        [sys.executable, "-m", "milvus_lite", *command, str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_until(holds, seconds: float = 60.0) -> None:
    """Waits for a condition, of which exceptions count as not yet."""
    until = time.monotonic() + seconds
    while True:
        with contextlib.suppress(Exception):
            if holds():
                return
        assert time.monotonic() < until, "the condition did not come true in time"
        time.sleep(0.1)
