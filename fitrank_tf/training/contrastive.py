"""The towers' contrastive training on the products of a run: base and fine-tuning."""

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fitrank_tf.config import ContrastiveConfig, JudgmentsConfig
from fitrank_tf.datasets.splits import ALL
from fitrank_tf.inputs.contrastive import contrastive_batches
from fitrank_tf.inputs.contrastive_table import ContrastiveTable
from fitrank_tf.inputs.microbatches import split_into_microbatches
from fitrank_tf.inputs.photos import chosen_photos, photos
from fitrank_tf.queries.judged import JudgedQuery
from fitrank_tf.queries.judged_texts import with_judged_texts
from fitrank_tf.queries.texts import (
    facet_codes,
    text_facet_codes,
    text_groups,
    training_texts,
)
from fitrank_tf.towers.tokenise import tokenise
from fitrank_tf.towers.towers import Towers
from fitrank_tf.towers.training.callbacks import TensorBoardLog
from fitrank_tf.towers.training.contrastive import ContrastiveModel
from fitrank_tf.towers.training.loop import train_contrastive
from fitrank_tf.training.products import RunProducts

_LOGS, _BACKUP = "logs", "backup"
_NO_JUDGMENTS = JudgmentsConfig()


def key_fields(config: ContrastiveConfig) -> dict[str, Any]:
    """The fields of the configuration that the trained weights depend on."""
    fields = dataclasses.asdict(config)
    del fields["checkpoint_minutes"]
    return fields


def contrastive_table(
    products: RunProducts,
    towers: Towers,
    features: np.ndarray | None,
    seed: int,
    shares: Sequence[float],
    judged: Sequence[JudgedQuery] = (),
    judgments: JudgmentsConfig = _NO_JUDGMENTS,
) -> ContrastiveTable:
    """The table of the towers' training products.

    Args:
        products: products of the run.
        towers: towers whose tokeniser and context length are used.
        features: float32 [N, F], features of all products; None leaves them out.
        seed: of the training texts.
        shares: of the kinds of texts, `ContrastiveConfig.text_shares`.
        judged: judged queries, some of the texts of the products that they want.
        judgments: how many.
    """
    records = products.records.select(products.tower_rows)
    own = training_texts(records, seed, shares)
    added = with_judged_texts(own, records, judged, judgments.gains, judgments.text_share)
    texts = added.texts
    flat = tokenise(
        towers.tokenizer,
        [text.text for product in texts for text in product],
        towers.context_length,
    )
    return ContrastiveTable(
        token_ids=flat.reshape(len(records), -1, towers.context_length),
        groups=text_groups(records),
        product_codes=np.concatenate([facet_codes(records), added.product_codes], axis=-1),
        text_codes=np.concatenate(
            [text_facet_codes(texts, records), added.text_codes], axis=-1
        ),
        features=None if features is None else features[products.tower_rows],
    )


def train_towers(
    model: ContrastiveModel,
    products: RunProducts,
    table: ContrastiveTable,
    image_size: int,
    config: ContrastiveConfig,
    seed: int,
    folder: Path,
) -> None:
    """Trains towers; an interrupted training is resumed from its checkpoint in `folder`.

    Args:
        model: the contrastive model of the towers and, optionally, of the fusion.
        products: products of the run.
        table: the table of `products.tower_rows`, from `contrastive_table`.
        image_size: side of the towers' input photos, in pixels.
        config: configuration of the training.
        seed: of the order of the batches, the drawn texts and the augmentation.
        folder: folder of the checkpoint and of TensorBoard's `logs`.
    """
    everything = photos(products.catalogue, ALL, image_size)
    batches, steps = contrastive_batches(
        chosen_photos(everything, products.tower_rows), table, config.batch_size, seed
    )
    batches, steps = split_into_microbatches(batches, steps, config.accumulation)
    board = TensorBoardLog(folder / _LOGS, config.batch_size / config.accumulation)
    backup = folder / _BACKUP
    train_contrastive(model, batches, steps, config, backup, [board])
    shutil.rmtree(backup, ignore_errors=True)
