"""A very small CLIP to test with."""

import dataclasses

import numpy as np

from fitrank_tf.config import TowersConfig
from fitrank_tf.towers.clip_towers import towers_from_sizes
from fitrank_tf.towers.tokenise import tokenise
from fitrank_tf.towers.towers import Towers
from fitrank_tf.towers.vocabulary import learn_vocabulary

TITLES = ["red check shirt", "women navy blue kurta", "black casual shoes"]
SIZES = TowersConfig(
    image_size=32,
    patch_size=16,
    vision_width=24,
    vision_layers=2,
    vision_heads=2,
    text_width=16,
    text_layers=1,
    text_heads=2,
    embedding_dim=12,
    vocabulary_size=600,
    context_length=10,
)


def small_towers() -> Towers:
    """Untrained, always the same."""
    return towers_from_sizes(SIZES, learn_vocabulary(TITLES, 600), seed=1)


def quick_towers() -> Towers:
    """Smaller still, the blocks frozen: TensorFlow traces a step of it in half the time."""
    sizes = dataclasses.replace(SIZES, vision_layers=1)
    towers = towers_from_sizes(sizes, learn_vocabulary(TITLES, 600), seed=1)
    for encoder in (towers.backbone.vision_encoder, towers.backbone.text_encoder):
        for block in encoder.encoder_layers:
            block.trainable = False
    return towers


def embed(towers: Towers, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Image and title embeddings."""
    tokens = tokenise(towers.tokenizer, TITLES, towers.context_length)
    return np.asarray(towers.encode_images(images)), np.asarray(
        towers.encode_tokens(tokens)
    )
