"""FitRank-TF: fashion search with CLIP towers, image features and a neural re-ranker.

    import fitrank_tf as fr

    catalogue = fr.open_catalogue("csv_catalogue", table="p.csv", images="photos")
    bundle = fr.train(catalogue, recipe="tiny", output_dir="saved_models/mine")
    for hit in bundle.search("red check shirt", top_k=5, filters={"gender": "Men"}):
        print(hit.id, hit.score, hit.explanation)
    print(fr.evaluate(bundle, catalogue).table())

The names below are imported when they are first read. Those that run models set up
TensorFlow by `prepare_tensorflow`; importing this package imports no TensorFlow and changes
no environment variable.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fitrank_tf.api import Evaluation, evaluate, load_bundle, open_catalogue, train
    from fitrank_tf.client import Answer, AsyncSearchClient, Hit, SearchClient
    from fitrank_tf.config import (
        ContrastiveConfig,
        EvaluationConfig,
        LoraConfig,
        RerankerConfig,
        RunConfig,
        TowersConfig,
        override,
    )
    from fitrank_tf.core.errors import FitRankError
    from fitrank_tf.core.tensorflow_setup import prepare_tensorflow
    from fitrank_tf.datasets.catalogue import Catalogue, CatalogueSource
    from fitrank_tf.evaluation.metrics import evaluate_run
    from fitrank_tf.export.loaded_bundle import LoadedBundle as Bundle
    from fitrank_tf.features.extract import FeatureExtractor
    from fitrank_tf.features.feature_models import FeatureModels
    from fitrank_tf.recipes import load_recipe
    from fitrank_tf.retrieval.choose_index import build_index
    from fitrank_tf.towers.presets import towers_from_preset
    from fitrank_tf.towers.towers import Towers

__version__ = "0.2.0"

__all__ = [
    "Answer",
    "AsyncSearchClient",
    "Bundle",
    "Catalogue",
    "CatalogueSource",
    "ContrastiveConfig",
    "Evaluation",
    "EvaluationConfig",
    "FeatureExtractor",
    "FeatureModels",
    "FitRankError",
    "Hit",
    "LoraConfig",
    "RerankerConfig",
    "RunConfig",
    "SearchClient",
    "Towers",
    "TowersConfig",
    "build_index",
    "evaluate",
    "evaluate_run",
    "load_bundle",
    "load_recipe",
    "open_catalogue",
    "override",
    "prepare_tensorflow",
    "towers_from_preset",
    "train",
]

# Module -> its names here.
_WITHOUT_TENSORFLOW = {
    "fitrank_tf.client": ("Answer", "AsyncSearchClient", "Hit", "SearchClient"),
    "fitrank_tf.config": (
        "ContrastiveConfig",
        "EvaluationConfig",
        "LoraConfig",
        "RerankerConfig",
        "RunConfig",
        "TowersConfig",
        "override",
    ),
    "fitrank_tf.core.errors": ("FitRankError",),
    "fitrank_tf.core.tensorflow_setup": ("prepare_tensorflow",),
    "fitrank_tf.evaluation.metrics": ("evaluate_run",),
    "fitrank_tf.recipes": ("load_recipe",),
}
_WITH_TENSORFLOW = {
    "fitrank_tf.api": ("Evaluation", "evaluate", "load_bundle", "open_catalogue", "train"),
    "fitrank_tf.datasets.catalogue": ("Catalogue", "CatalogueSource"),
    "fitrank_tf.export.loaded_bundle": ("Bundle",),
    "fitrank_tf.features.extract": ("FeatureExtractor",),
    "fitrank_tf.features.feature_models": ("FeatureModels",),
    "fitrank_tf.retrieval.choose_index": ("build_index",),
    "fitrank_tf.towers.presets": ("towers_from_preset",),
    "fitrank_tf.towers.towers": ("Towers",),
}
_HOMES = {
    name: module
    for modules in (_WITHOUT_TENSORFLOW, _WITH_TENSORFLOW)
    for module, names in modules.items()
    for name in names
}
_OTHER_NAMES = {"Bundle": "LoadedBundle"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOMES[name]
    if home in _WITH_TENSORFLOW:
        importlib.import_module("fitrank_tf.core.tensorflow_setup").prepare_tensorflow()
    value = getattr(importlib.import_module(home), _OTHER_NAMES.get(name, name))
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
