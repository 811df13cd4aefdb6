"""Patch dropout and stochastic depth of the image tower in training.

Li et al., "Scaling Language-Image Pre-training via Masking" (FLIP), 2022: half the
patches cost half the time, and a photo whose patches vary from step to step is harder
to memorise. In studio photos more than half the patches are backdrop, so backdrop is
dropped first. Whole blocks are dropped as in Huang et al., "Deep Networks with Stochastic
Depth", 2016.
"""

import keras
from keras import KerasTensor, ops

from fitrank_tf.towers.towers import RunBlock, Towers, plain_block

# Patches whose pixels (0..255) have a smaller standard deviation are backdrop.
_PLAIN = 4.0
# Subtracted from the uniform draw of a patch with content: backdrop is dropped first.
_HEAD_START = 0.5


def pool_with_dropout(
    towers: Towers,
    images: KerasTensor,
    patch_share: float,
    depth_share: float,
    seeds: keras.random.SeedGenerator,
    run_block: RunBlock = plain_block,
) -> KerasTensor:
    """Encodes photos with patch dropout and stochastic depth, before the projection.

    Args:
        towers: of which the image tower is used.
        images: [B, S, S, 3], values 0..255.
        patch_share: share of the patches to drop; one is always kept.
        depth_share: probability of dropping a block for a photo.
        seeds: of the draws.
        run_block: runs a block that is not dropped.

    Returns:
        float32 [B, width of the image tower], for `Towers.project_image`.
    """
    encoder = towers.backbone.vision_encoder
    tokens = encoder.embedding(towers.normalise(images))
    content = has_content(images, encoder.patch_size)

    def sometimes(number: int, block: KerasTensor, tokens: KerasTensor) -> KerasTensor:
        after = run_block(number, block, tokens)
        return drop_block(tokens, after, depth_share, seeds)

    seen = drop_patches(tokens, content, patch_share, seeds, towers.class_tokens)
    return towers.pool_tokens(seen, sometimes)


def has_content(images: KerasTensor, patch_size: int) -> KerasTensor:
    """Returns which patches show more than plain backdrop.

    Args:
        images: [B, S, S, 3], values 0..255, S a multiple of `patch_size`.
        patch_size: side of a patch, in pixels.

    Returns:
        bool [B, (S / patch_size) ** 2], row by row.
    """
    side = images.shape[1] // patch_size
    pixels = ops.reshape(
        ops.cast(images, "float32"), (-1, side, patch_size, side, patch_size * 3)
    )
    return ops.reshape(ops.std(pixels, axis=(2, 4)) > _PLAIN, (-1, side * side))


def drop_patches(
    tokens: KerasTensor,
    content: KerasTensor,
    share: float,
    seeds: keras.random.SeedGenerator,
    class_tokens: int,
) -> KerasTensor:
    """Drops patches at random; class tokens are kept.

    Args:
        tokens: float [B, C + P, D], class tokens first, positions already added.
        content: bool [B, P], the patches that are more likely to be kept.
        share: of the P patches to drop.
        seeds: of the draws.
        class_tokens: C, their number: 1 or 0.

    Returns:
        float [B, C + K, D], the K kept patches in any order, which attention ignores.
    """
    batch, patches = ops.shape(tokens)[0], tokens.shape[1] - class_tokens
    kept = max(1, round(patches * (1.0 - share)))
    drawn = keras.random.uniform((batch, patches), seed=seeds)
    drawn = drawn - _HEAD_START * ops.cast(content, "float32")
    chosen = class_tokens + ops.argsort(drawn, axis=1)[:, :kept]
    some = ops.take_along_axis(tokens, chosen[:, :, None], axis=1)
    return ops.concatenate([tokens[:, :class_tokens], some], axis=1)


def drop_block(
    before: KerasTensor, after: KerasTensor, share: float, seeds: keras.random.SeedGenerator
) -> KerasTensor:
    """Replaces a residual block's output by its input at random, for each photo.

    Args:
        before: float [B, T, D], the block's input.
        after: float [B, T, D], the block's output.
        share: probability of dropping the block; otherwise its residual is scaled by
            1 / (1 - share), so that the mean is unchanged.
        seeds: of the draws.

    Returns:
        float [B, T, D].
    """
    if not share:
        return after
    drawn = keras.random.uniform((ops.shape(before)[0], 1, 1), seed=seeds)
    weight = ops.cast(drawn >= share, before.dtype) / (1.0 - share)
    return before + weight * (after - before)
