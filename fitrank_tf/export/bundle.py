"""The model bundle: a directory with everything for serving and nothing for training.

    <bundle>/bundle.json                 config, data fingerprint, packages, metrics
    <bundle>/<model>/<version>/          SavedModels, as TF-Serving loads them; the newest
                                         counts, the one before it is kept to go back to
    <bundle>/feature_heads/              what names colours, patterns and attributes
    <bundle>/report/                     table, runs, qrels, contact sheet

`clip_query_encoder` and `clip_image_encoder` are the baseline, the other models
the fine-tuned system; `search_scann` is there where ScaNN is. A bundle is
written aside and renamed, so that there is never half of one.
"""

import contextlib
import dataclasses
import importlib.metadata
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fitrank_tf.core.command_line import command_line
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.files import folder_written_aside
from fitrank_tf.datasets.attributes import Declaration
from fitrank_tf.features.schema import FeatureSchema

FORMAT_VERSION = 10
BUNDLE_FILE = "bundle.json"
REPORT_DIR = "report"
FEATURE_HEADS_DIR = "feature_heads"
MODELS: tuple[str, ...] = (
    "clip_query_encoder",
    "clip_image_encoder",
    "query_encoder",
    "image_encoder",
    "detector",
    "facet_heads",
    "reranker",
    "similar",
    "search",
)
# Optional: written only where their requirements are installed, or an engine is loaded.
OPTIONAL_MODELS: tuple[str, ...] = ("search_scann", "engine_search")
_ALL_MODELS = (*MODELS, *OPTIONAL_MODELS)
_PACKAGES = ("tensorflow", "keras", "keras-hub", "keras-cv", "tensorflow-ranking", "scann")


@dataclasses.dataclass(frozen=True)
class BundleInfo:
    """The contents of `bundle.json`.

    Attributes:
        config: the run's configuration as plain values.
        dataset: name of the training catalogue.
        fingerprint: of its content.
        image_size: side of the towers' input, in pixels.
        list_size: candidates of the re-ranker.
        schema: of the feature vector.
        facets: names of the re-ranker's facets.
        declaration: the training catalogue's attributes.
        metrics: {"<system>/<query kind>": {measure: value}}.
        packages: versions that wrote it.
        format_version: of this layout.
    """

    config: Mapping[str, Any]
    dataset: str
    fingerprint: str
    image_size: int
    list_size: int
    schema: FeatureSchema
    facets: tuple[str, ...]
    declaration: Declaration = dataclasses.field(default_factory=Declaration)
    metrics: Mapping[str, Mapping[str, float]] = dataclasses.field(default_factory=dict)
    packages: Mapping[str, str] = dataclasses.field(default_factory=dict)
    format_version: int = FORMAT_VERSION

    def to_json(self) -> str:
        """The text of `bundle.json`."""
        plain = {
            field.name: getattr(self, field.name) for field in dataclasses.fields(self)
        }
        plain["schema"] = json.loads(self.schema.to_json())
        plain["declaration"] = self.declaration.to_plain()
        return json.dumps(plain, indent=2) + "\n"


def package_versions() -> dict[str, str]:
    """Returns the installed versions of the packages that a bundle depends on."""
    versions = {}
    for name in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    return versions


def read_bundle_info(bundle: Path) -> BundleInfo:
    """Reads and checks `bundle.json`.

    Raises:
        FitRankError: if there is no bundle, its file is damaged, it is of
            another format version, or a model is missing.
    """
    path = bundle / BUNDLE_FILE
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FitRankError(
            f"no bundle in {bundle} ({BUNDLE_FILE} is missing); make one with "
            f"`{command_line('train')}` or name another with --bundle"
        ) from None
    except (OSError, ValueError) as error:
        raise FitRankError(
            f"{path} cannot be read ({error}); train the bundle again"
        ) from error
    found = plain.get("format_version") if isinstance(plain, dict) else None
    if found != FORMAT_VERSION:
        raise FitRankError(
            f"{path} has format version {found!r}, this program reads {FORMAT_VERSION}; "
            "train the bundle again or use the release that wrote it"
        )
    missing = [name for name in MODELS if not model_versions(bundle, name)]
    if not (bundle / FEATURE_HEADS_DIR).is_dir():
        missing.append(FEATURE_HEADS_DIR)
    if missing:
        raise FitRankError(
            f"bundle {bundle} lacks the model {missing[0]!r}; train it again"
        )
    return _parse(path, plain)


def _parse(path: Path, plain: dict[str, Any]) -> BundleInfo:
    names = {field.name for field in dataclasses.fields(BundleInfo)}
    lacking = sorted(names - set(plain))
    if lacking:
        raise FitRankError(f"{path} lacks the field {lacking[0]!r}; train the bundle again")
    plain["schema"] = FeatureSchema.from_json(json.dumps(plain["schema"]))
    plain["facets"] = tuple(plain["facets"])
    plain["declaration"] = Declaration.from_plain(plain["declaration"])
    return BundleInfo(**{name: plain[name] for name in names})


def model_versions(bundle: Path, model: str) -> list[int]:
    """Returns the versions of a model, oldest first."""
    folder = bundle / model
    if not folder.is_dir():
        return []
    return sorted(int(child.name) for child in folder.iterdir() if child.name.isdigit())


def model_path(bundle: Path, model: str) -> Path:
    """Returns the directory of a model's newest version."""
    return bundle / model / str(model_versions(bundle, model)[-1])


def next_version(bundle: Path) -> int:
    """Returns the number of the next version: one above the existing ones."""
    return 1 + max(
        (v for name in _ALL_MODELS for v in model_versions(bundle, name)), default=0
    )


def check_replaceable(bundle: Path) -> None:
    """Refuses an existing path that is not a bundle.

    Raises:
        FitRankError: if `bundle` is a file, or a folder with other contents.
    """
    if not bundle.exists():
        return
    if not bundle.is_dir() or (
        any(bundle.iterdir()) and not (bundle / BUNDLE_FILE).is_file()
    ):
        raise FitRankError(
            f"--output_dir {bundle} exists and is no bundle; name another folder, "
            "nothing was written"
        )


@contextlib.contextmanager
def write_bundle(bundle: Path) -> Iterator[Path]:
    """Context of a folder to write a bundle into, renamed to `bundle` on success.

    An older bundle in this place stays until then; after an error it is as it
    was, and nothing is left behind.
    """
    check_replaceable(bundle)
    with folder_written_aside(bundle) as unfinished:
        yield unfinished
        written = [name for name in _ALL_MODELS if (unfinished / name).is_dir()]
        # For servers to go back to.
        link_newest(bundle, unfinished, written)


def link_newest(old: Path, new: Path, names: Sequence[str] = _ALL_MODELS) -> None:
    """Links the newest version of models of a bundle into another one that lacks it."""
    for name in names:
        for version in model_versions(old, name)[-1:]:
            kept = new / name / str(version)
            if not kept.exists():
                shutil.copytree(model_path(old, name), kept, copy_function=os.link)
