"""Training the feature heads by command, on a catalogue of drawn products."""

import logging
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fitrank_tf.cli import train_features
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.shipped import find_shipped
from fitrank_tf.datasets.annotations.label_file import (
    FITS,
    LABEL_FIELDS,
    LENGTHS,
    PATTERNS,
    ProductLabels,
)
from fitrank_tf.datasets.catalogue import CatalogueSource, open_catalogue
from fitrank_tf.datasets.splits import TEST, TRAIN, split_of
from fitrank_tf.features.attributes.columns import NECKLINE_LABELS, SLEEVE_LABELS
from fitrank_tf.features.colour.names import COLOUR_NAMES
from fitrank_tf.features.extract import FeatureExtractor, feature_schema
from fitrank_tf.features.feature_models import (
    APPEARANCE_FILES,
    ATTRIBUTES_FILE,
    HEADS_FILE,
    FeatureModels,
    load_heads,
)
from tests.datasets.label_files import write_labels
from tests.datasets.small_catalogues import noise_photo, write_files

COUNT = 60
SMALL = (
    *("colour_names.epochs=2", "colour_names.hidden=8", "colour_names.batch_size=16"),
    *("patterns.epochs=2", "patterns.hidden=8", "patterns.batch_size=8"),
    *("attributes.epochs=1", "attributes.batch_size=16", "attributes.times_seen=1"),
    *("cut.epochs=2", "cut.hidden=8", "cut.batch_size=16"),
)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory) -> str:
    return str(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def labels(data_dir, tmp_path_factory) -> Path:
    """Labels of four test products, and of eight to train on."""
    source = CatalogueSource("synthetic_catalogue", num_items=COUNT)
    catalogue = open_catalogue(source, data_dir)
    products = [
        ProductLabels(
            item,
            split,
            {
                "sleeve": "long",
                "neckline": "collar",
                "pattern": PATTERNS[number % 4],
                "length": LENGTHS[number % 2],
                "fit": FITS[number % 2],
            },
        )
        for split, count in ((TRAIN, 8), (TEST, 4))
        for number, item in enumerate(catalogue.records(split).ids[:count])
    ]
    assert sum(product.split == TEST for product in products) > 1
    path = tmp_path_factory.mktemp("labels") / "labels.csv"
    write_labels(path, products)
    return path


@pytest.fixture(scope="module")
def options(data_dir, labels, model_folders) -> list[str]:
    assignments = (*SMALL, f"detector.preset={model_folders[0]}")
    return [
        *(f"--num_items={COUNT}", f"--data_dir={data_dir}", f"--labels={labels}"),
        *(f"--set={assignment}" for assignment in assignments),
    ]


@pytest.fixture(scope="module")
def trained(options, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("trained") / "heads"
    train_features.main([*options, f"--output_dir={folder}"])
    return folder


@pytest.mark.slow
def test_trained_heads_can_be_used(trained, model_folders) -> None:
    models = FeatureModels.load(model_folders[0], trained)
    photo = np.full((60, 40, 3), (200, 30, 30), np.uint8)
    [seen] = FeatureExtractor(models).extract_photos([photo])
    for name in ("colour_names", *LABEL_FIELDS):
        told = seen.features[feature_schema().slice(name)]
        assert told.sum() == pytest.approx(1.0, abs=1e-4)
    assert models.heads.pattern.labels == PATTERNS
    outputs = models.heads.attributes.output
    assert {name: of.shape[1] for name, of in outputs.items()} == {
        "sleeve": len(SLEEVE_LABELS),
        "neckline": len(NECKLINE_LABELS),
    }
    assert len(models.heads.namer.prototypes.lab) >= 3


@pytest.mark.slow
def test_nothing_but_the_heads_and_their_report_is_left(trained) -> None:
    assert sorted(path.name for path in trained.parent.iterdir()) == ["heads"]
    names = {path.relative_to(trained).as_posix() for path in trained.rglob("*.*")}
    drawn = {f"report/{name}.png" for name in ("colour", *LABEL_FIELDS)}
    assert names - {"appearance/metadata.json"} == {
        HEADS_FILE,
        ATTRIBUTES_FILE,
        *APPEARANCE_FILES,
        *drawn,
    }
    for name in drawn:
        with Image.open(trained / name) as picture:
            assert min(picture.size) > 100


@pytest.mark.slow
def test_kept_heads_get_another_length_and_fit(trained, options, tmp_path) -> None:
    again = tmp_path / "heads"
    more = ("--set=cut.epochs=1", f"--kept_heads={trained}", f"--output_dir={again}")
    train_features.main([*options, *more])
    before, after = load_heads(trained), load_heads(again)
    np.testing.assert_array_equal(before.pattern.kernels[0], after.pattern.kernels[0])
    for old, new in zip(before.attributes.get_weights(), after.attributes.get_weights()):
        np.testing.assert_array_equal(old, new)
    assert not np.array_equal(before.length.kernels[0], after.length.kernels[0])


@pytest.mark.slow
def test_given_heads_are_measured_not_trained(
    trained, options, labels, tmp_path, capsys
) -> None:
    before = {path: path.stat().st_mtime_ns for path in trained.glob("*.*")}
    unused = f"--output_dir={tmp_path / 'unused'}"
    train_features.main([*options, f"--heads={trained}", unused])
    assert {path: path.stat().st_mtime_ns for path in trained.glob("*.*")} == before
    table = capsys.readouterr().out
    tested = labels.read_text(encoding="utf-8").count(",test,")
    for name in LABEL_FIELDS:
        assert re.search(rf"^\| {name} \| {tested} \|", table, re.MULTILINE)
    assert re.search(r"^\| colour \| \d+ \| [01]\.\d{3} \|", table, re.MULTILINE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_heads_learn_the_catalogues_colours(trained, data_dir) -> None:
    catalogue = open_catalogue(
        CatalogueSource("synthetic_catalogue", num_items=COUNT), data_dir
    )
    said = set(catalogue.records(TRAIN).attributes["colour"])
    prototypes = load_heads(trained).namer.prototypes
    assert {COLOUR_NAMES[name] for name in prototypes.names} == said & set(COLOUR_NAMES)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("--labels=none.csv", "none.csv cannot be read"),
        ("--heads=no/such", "heads.npz cannot be read"),
        ("--set=detector.preset=no/such", "there is no folder 'no/such'"),
        ("--set=attributes.epochs=0", "must be above 0"),
        ("--recipe=nothing", "--recipe nothing: unknown"),
    ],
)
def test_wrong_options_are_named(options, wrong, message, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FitRankError, match=message):
        train_features.main([*options, f"--output_dir={tmp_path / 'out'}", wrong])
    assert list(tmp_path.iterdir()) == []


def test_a_catalogue_without_labels_is_refused(options, tmp_path) -> None:
    (tmp_path / "photos").mkdir()
    for number in range(12):
        Image.new("RGB", (20, 20), (20 * number, 0, 90)).save(
            tmp_path / "photos" / f"{number}.png"
        )
    arguments = ["--dataset=photo_folder", f"--images={tmp_path / 'photos'}"]
    with pytest.raises(FitRankError, match="no product has a label of plain, striped"):
        train_features.main([*options, *arguments, f"--output_dir={tmp_path / 'out'}"])
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def multimodal(tmp_path_factory) -> Path:
    """DeepFashion-MultiModal of forty shirts, without colours and fits."""
    folder = tmp_path_factory.mktemp("multimodal")
    names = [f"MEN-Shirts_Polos-id_{n:08d}-01_1_front.jpg" for n in range(40)]
    tables = {
        "shape/shape_anno_all.txt": "3 4 0 0 0 0 0 0 0 4 0 0",
        "texture/pattern_ann.txt": "2 7 7",
        "texture/fabric_ann.txt": "1 7 7",
    }
    files = {
        f"labels/{path}": "".join(f"{name} {numbers}\n" for name in names).encode()
        for path, numbers in tables.items()
    }
    photos = {f"images/{name}": noise_photo(row) for row, name in enumerate(names)}
    return write_files(folder, {**files, **photos})


@pytest.mark.slow
def test_labels_may_be_the_catalogues_own(
    multimodal, options, tmp_path, capsys, caplog
) -> None:
    own = [option for option in options if not option.startswith(("--labels", "--num"))]
    arguments = ("--dataset=deepfashion_multimodal", f"--manual_dir={multimodal}")
    folder = tmp_path / "heads"
    with caplog.at_level(logging.INFO):
        train_features.main([*own, *arguments, f"--output_dir={folder}"])
    table = capsys.readouterr().out
    tested = sum(split_of(f"id_{n:08d}", "") == TEST for n in range(40))
    for name in ("pattern", "sleeve", "neckline"):
        assert re.search(rf"^\| {name} \| {tested} \|", table, re.MULTILINE)
    # It has no label of colour, whose names are the shipped ones, and none of fit.
    heads = load_heads(folder)
    namer = load_heads(find_shipped(train_features.DEFAULT_HEADS)).namer
    np.testing.assert_array_equal(heads.namer.prototypes.lab, namer.prototypes.lab)
    assert not any(kernel.any() for kernel in heads.fit.kernels)
    assert "no product has a label of fit" in caplog.text
    assert "labels are the catalogue's own, of 35 products" in caplog.text
