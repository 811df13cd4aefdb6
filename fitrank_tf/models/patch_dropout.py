"""Patch dropout: a training step of the image tower sees part of each photo.

Li et al., "Scaling Language-Image Pre-training via Masking" (FLIP), 2022. Half the
patches cost half the time, and a photo whose parts differ from step to step is harder
to learn by heart.
"""

import keras
from keras import ops

from fitrank_tf.models.towers import Towers, unit


def encode_with_fewer_patches(
    towers: Towers, images, share: float, seeds: keras.random.SeedGenerator
):
    """Unit image embeddings of photos with patches left out, drawn photo by photo.

    Args:
        towers: of which the image tower is used.
        images: [B, S, S, 3], values 0..255.
        share: of the patches to leave out; one is always kept.
        seeds: decides which.

    Returns:
        float32 [B, D], L2-normalised.
    """
    backbone, encoder = towers.backbone, towers.backbone.vision_encoder
    tokens = encoder.embedding(towers.normalise(images))
    tokens = encoder.pre_layer_norm(drop_patches(tokens, share, seeds))
    for block in encoder.encoder_layers:
        tokens = block(tokens)
    pooled = backbone.vision_pooler(encoder.layer_norm(tokens))
    return unit(backbone.vision_projection(pooled))


def drop_patches(tokens, share: float, seeds: keras.random.SeedGenerator):
    """The class token and some of the patches, each with its own position.

    Args:
        tokens: float [B, 1 + P, D], the class token first; positions are added already.
        share: of the P patches to leave out.
        seeds: decides which.

    Returns:
        float [B, 1 + K, D], the K kept patches in any order: attention has none.
    """
    batch, patches = ops.shape(tokens)[0], tokens.shape[1] - 1
    kept = max(1, round(patches * (1.0 - share)))
    drawn = keras.random.uniform((batch, patches), seed=seeds)
    chosen = 1 + ops.argsort(drawn, axis=1)[:, :kept]
    some = ops.take_along_axis(tokens, chosen[:, :, None], axis=1)
    return ops.concatenate([tokens[:, :1], some], axis=1)
