"""Fixtures of the features' tests."""

import pytest

from fitrank_tf.features.extract import FeatureExtractor
from fitrank_tf.features.feature_models import FeatureModels
from tests.small_feature_models import small_models


@pytest.fixture(scope="session")
def models() -> FeatureModels:
    """A stand-in detector and untrained heads."""
    return small_models()


@pytest.fixture(scope="session")
def extractor(models) -> FeatureExtractor:
    return FeatureExtractor(models)
