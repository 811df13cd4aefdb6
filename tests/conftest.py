"""What the tests share: workers, memory, real data, a bundle trained once."""

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fitrank_tf.core.tensorflow_setup import prepare_tensorflow

# Before any test imports TensorFlow.
prepare_tensorflow()
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED_DATA = REPOSITORY.parent / "shared" / "data"
FASHION_ARCHIVE = SHARED_DATA / "fashion-product-images-dataset.zip"


# Their tests share one trained bundle, so they run in one worker.
CHAIN = ("cli", "studies", "training", "test_api.py")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Gives tests of one file to one worker, and those of the trained bundle too."""
    from xdist.scheduler import LoadScopeScheduling

    class FileScheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::")[0]
            return "chain" if set(Path(file).parts) & set(CHAIN) else file

    return FileScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests that need the real data."""
    for item in items:
        if "shared_data" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.real_data)


@pytest.fixture(scope="module", autouse=True)
def _memory_released() -> Iterator[None]:
    """Releases the graphs of a file: without it one process grows to 7 GB.

    What imported modules hold is left out of later collections, which would take 1.5 s for
    each file otherwise.
    """
    before = len(sys.modules)
    yield
    for name in ("keras", "tf_keras"):
        if name in sys.modules:
            sys.modules[name].backend.clear_session()
    gc.collect()
    if len(sys.modules) > before:
        gc.freeze()


@pytest.fixture(autouse=True)
def _same_draws() -> None:
    """Seeds TensorFlow's global generator: a test draws the same after any other test.

    An operation's seed alone does not fix its draws: they depend on the global seed too.
    """
    if "tensorflow" in sys.modules:
        sys.modules["tensorflow"].random.set_seed(0)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """`../shared/data`, which holds the real products' archive."""
    if not FASHION_ARCHIVE.is_file():
        pytest.skip(f"real data is not beside the checkout: no {FASHION_ARCHIVE}")
    return SHARED_DATA


@pytest.fixture(scope="session")
def model_folders(tmp_path_factory) -> tuple[Path, Path]:
    """A stand-in detector and untrained heads: their two folders."""
    from tests.small_feature_models import save_small_models

    return save_small_models(tmp_path_factory.mktemp("feature_models"))


@pytest.fixture(scope="session")
def small_chain(model_folders: tuple[Path, Path]) -> tuple[str, ...]:
    """The assignments that `bundle` is trained with; its feature models are stand-ins."""
    from tests.training.small_chain import SMALL

    detector, heads = model_folders
    return (*SMALL, f"detector.preset={detector}", f"feature_heads={heads}")


@pytest.fixture(scope="session")
def trained_bundle(tmp_path_factory, small_chain):
    """A bundle trained on 160 drawn products, once for all tests."""
    from fitrank_tf.cli import train

    folder = tmp_path_factory.mktemp("chain") / "bundle"
    options = [f"--set={assignment}" for assignment in small_chain]
    train.main(["--num_items=160", f"--output_dir={folder}", *options])
    return folder


@pytest.fixture(scope="session")
def bundle(trained_bundle):
    """The trained bundle, where a folder of tests has no other one."""
    return trained_bundle


@pytest.fixture(scope="session")
def other_catalogue(tmp_path_factory):
    """Kaggle's small layout with six products that training never saw."""
    import cv2
    import numpy as np

    folder = tmp_path_factory.mktemp("other")
    (folder / "images").mkdir()
    rows = ["id,gender,articleType,baseColour,productDisplayName"]
    for number, colour in enumerate(["Red", "Blue", "Green", "Black", "White", "Grey"]):
        rows.append(f"{100 + number},Men,Shirts,{colour},Acme Men {colour} Shirt")
        photo = np.full((64, 48, 3), 40 * number, np.uint8)
        cv2.imwrite(str(folder / "images" / f"{100 + number}.jpg"), photo)
    (folder / "styles.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (folder / "q.tsv").write_text("q1\tred shirt\nq2\tblue shirt\n", encoding="utf-8")
    (folder / "q.qrels").write_text("q1 0 100 1\nq2 0 101 1\n", encoding="utf-8")
    return folder
