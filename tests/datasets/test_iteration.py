"""Pipelines run without autotuning: the option is set at their start and inherited."""

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.datasets.catalogue import CatalogueSource, open_catalogue
from fitrank_tf.datasets.iteration import without_autotune
from fitrank_tf.datasets.splits import ALL, TRAIN
from fitrank_tf.inputs.contrastive import contrastive_batches
from fitrank_tf.inputs.contrastive_table import ContrastiveTable
from fitrank_tf.inputs.listwise import ListArrays, ProductTables
from fitrank_tf.inputs.photos import chosen_photos, photos


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    return open_catalogue(
        CatalogueSource(num_items=6), str(tmp_path_factory.mktemp("data"))
    )


def _contrastive(catalogue) -> tf.data.Dataset:
    table = ContrastiveTable(
        np.zeros((6, 1, 4), np.int32),
        np.arange(6, dtype=np.int32),
        np.zeros((6, 2), np.int32),
        np.zeros((6, 1, 2), np.int32),
    )
    chosen = chosen_photos(photos(catalogue, ALL, 16), np.arange(6))
    return contrastive_batches(chosen, table, batch_size=2, seed=0)[0](0, 1)


def _listwise(_) -> tf.data.Dataset:
    table, lists = np.zeros((2, 3), np.float32), np.zeros((2, 1), np.float32)
    arrays = ListArrays(table, table, lists.astype(np.int32), *[lists] * 3)
    return arrays.training_batches(ProductTables(table, table, table), 1)


@pytest.mark.parametrize(
    "pipeline",
    [
        lambda catalogue: catalogue.items(TRAIN),
        lambda catalogue: catalogue.encoded_items(ALL),
        _contrastive,
        _listwise,
    ],
    ids=["items", "encoded items", "contrastive batches", "listwise batches"],
)
def test_every_pipeline_of_the_project_is_without_autotune(pipeline, catalogue) -> None:
    assert pipeline(catalogue).options().autotune.enabled is False


def test_elements_and_other_options_stay() -> None:
    options = tf.data.Options()
    options.deterministic = False
    dataset = without_autotune(tf.data.Dataset.range(5).with_options(options))
    assert list(dataset.as_numpy_iterator()) == [0, 1, 2, 3, 4]
    assert dataset.options().deterministic is False
