"""A model repository: the folder that a production server reads.

    <repository>/<model>/<version>/      SavedModels, copied from bundles
    <repository>/models.config           which versions are loaded, and their labels
    <repository>/batching.config, monitoring.config

A bundle is what a training run or `build_index` writes and may write anew; a repository
keeps versions until nothing refers to them, so that a server can go back.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.files import write_atomically
from fitrank_tf.export.bundle import model_path, model_versions, read_bundle_info
from fitrank_tf.export.serving_config import (
    BATCHING_FILE,
    MODELS_FILE,
    MONITORING_FILE,
    Labels,
    batching_config,
    models_config,
    monitoring_config,
    read_labels,
)
from fitrank_tf.export.signatures import copy_version

# Models for production; the baseline and the detector stay in the bundle.
SERVED_MODELS: tuple[str, ...] = (
    "query_encoder",
    "image_encoder",
    "facet_heads",
    "reranker",
    "similar",
    "search",
)
# Exported too where a bundle has them: `engine_search` of `fitrank load-engine`.
SERVED_IF_THERE: tuple[str, ...] = ("engine_search",)


class Repository:
    """A folder that servers read.

    Args:
        folder: made if it is not there.
        base_path: where servers find it, "/models" in TF-Serving's image.

    Raises:
        FitRankError: if it has a `models.config` that cannot be read.
    """

    def __init__(self, folder: Path, base_path: str):
        self._folder, self._base_path = folder, base_path
        self.labels: Mapping[str, Labels] = read_labels(folder / MODELS_FILE)

    def add(self, bundle: Path, models: tuple[str, ...] = ()) -> None:
        """Copies a bundle's newest versions; those that are new become the canary.

        A model that was not there before is stable at once.

        Args:
            bundle: its directory.
            models: names; `SERVED_MODELS`, and `SERVED_IF_THERE`, without.

        Raises:
            FitRankError: if the bundle lacks a model, or a version of this number is there
                with other contents.
        """
        read_bundle_info(bundle)
        if not models:
            there = (name for name in SERVED_IF_THERE if model_versions(bundle, name))
            models = (*SERVED_MODELS, *there)
        lacking = [name for name in models if not model_versions(bundle, name)]
        if lacking:
            raise FitRankError(f"bundle {bundle} has no model '{lacking[0]}'")
        labels = dict(self.labels)
        for name in models:
            version = self._copy(model_path(bundle, name), name)
            stable = labels[name].stable if name in labels else version
            labels[name] = Labels(stable, version)
        self._write(labels)

    def promote(self) -> None:
        """Makes every canary the stable version."""
        self._relabel(lambda _, labels: Labels(labels.canary, labels.canary))

    def roll_back(self) -> None:
        """Withdraws canaries; without one, the previous version becomes stable again.

        TF-Serving moves a label only to a version that it has loaded, so going back behind
        the stable version takes this and then `promote`.

        Raises:
            FitRankError: if no canary is on trial and no older version is kept.
        """
        if any(labels.on_trial for labels in self.labels.values()):
            self._relabel(lambda _, labels: Labels(labels.stable, labels.stable))
            return
        older = {name: self._older(name, labels) for name, labels in self.labels.items()}
        if older == {name: labels.stable for name, labels in self.labels.items()}:
            raise FitRankError(
                f"{self._folder}: no canary is on trial and no version older than the "
                "stable ones is kept: there is nothing to go back to"
            )
        self._relabel(lambda name, labels: Labels(labels.stable, older[name]))

    def _older(self, name: str, labels: Labels) -> int:
        """The newest version below the stable one, or that where there is none."""
        there = model_versions(self._folder, name)
        return max((v for v in there if v < labels.stable), default=labels.stable)

    def _relabel(self, change: Callable[[str, Labels], Labels]) -> None:
        if not self.labels:
            raise FitRankError(
                f"{self._folder / MODELS_FILE}: no model yet; export a bundle first"
            )
        self._write({name: change(name, labels) for name, labels in self.labels.items()})

    def _copy(self, source: Path, name: str) -> int:
        target = self._folder / name / source.name
        if target.exists():
            if _graph(source) != _graph(target):
                raise FitRankError(
                    f"{target} is another model than {source}: a version is never "
                    "overwritten; train the bundle again in the place of the one that "
                    "was exported here, or name another --output_dir"
                )
            return int(source.name)
        copy_version(source, target)
        return int(source.name)

    def _write(self, labels: Mapping[str, Labels]) -> None:
        """Writes the files, `models.config` last, after all that it refers to."""
        texts = {
            BATCHING_FILE: batching_config(),
            MONITORING_FILE: monitoring_config(),
            MODELS_FILE: models_config(labels, self._base_path),
        }
        for name, text in texts.items():
            write_atomically(self._folder / name, text.encode())
        self.labels = labels


def _graph(version: Path) -> tuple[bytes, int]:
    """Identifies a version's content: its graph and the size of its weights."""
    weights = sum(path.stat().st_size for path in (version / "variables").iterdir())
    return (version / "fingerprint.pb").read_bytes(), weights
