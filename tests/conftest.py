"""What the tests share: the real data if it lies beside the checkout."""

import os
from pathlib import Path

import pytest

# Before any test imports TensorFlow: legacy Keras can only be chosen first.
os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED_DATA = REPOSITORY.parent / "shared" / "data"
FASHION_ARCHIVE = SHARED_DATA / "fashion-product-images-dataset.zip"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """`../shared/data`, which holds the real products' archive."""
    if not FASHION_ARCHIVE.is_file():
        pytest.skip(f"real data is not beside the checkout: no {FASHION_ARCHIVE}")
    return SHARED_DATA


@pytest.fixture(scope="session")
def model_folders(tmp_path_factory) -> tuple[Path, Path]:
    """A stand-in detector and untrained heads: their two folders."""
    from small_feature_models import save_small_models

    return save_small_models(tmp_path_factory.mktemp("feature_models"))
