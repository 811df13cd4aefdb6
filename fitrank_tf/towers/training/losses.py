"""Contrastive losses of a batch of pairs, and masks of its false negatives."""

import math

from keras import KerasTensor, ops

# CLIP clips its logit scale at 100; InfoNCE gets unstable above.
MAX_LOG_SCALE = math.log(100.0)
_MASKED = -1e9


def info_nce(
    image_embeddings: KerasTensor,
    text_embeddings: KerasTensor,
    log_scale: KerasTensor,
    false_negatives: KerasTensor | None = None,
) -> KerasTensor:
    """Symmetric InfoNCE (van den Oord et al., 2018; Radford et al., 2021).

    The mean over both directions of -log softmax(scale * <image, text>) at the
    positive pair, the other pairs of the batch being the negatives.

    Args:
        image_embeddings: float32 [B, D], L2-normalised.
        text_embeddings: float32 [B, D], L2-normalised.
        log_scale: scalar, log of the inverse temperature; clipped at log 100.
        false_negatives: bool [B, B] or None; pairs to exclude from the negatives, for
            instance two products of the same title. The diagonal is ignored.

    Returns:
        float32 scalar.
    """
    scale = ops.exp(ops.minimum(log_scale, MAX_LOG_SCALE))
    logits = scale * ops.matmul(image_embeddings, ops.transpose(text_embeddings))
    positives = ops.diagonal(logits)
    if false_negatives is not None:
        own = ops.eye(ops.shape(logits)[0], dtype="bool")
        hidden = ops.logical_and(false_negatives, ops.logical_not(own))
        logits = ops.where(hidden, _MASKED, logits)
    by_image = ops.logsumexp(logits, axis=1) - positives
    by_text = ops.logsumexp(logits, axis=0) - positives
    return ops.mean(by_image + by_text) / 2.0


def sigmoid_loss(
    image_embeddings: KerasTensor,
    text_embeddings: KerasTensor,
    log_scale: KerasTensor,
    bias: KerasTensor,
    left_out: KerasTensor | None = None,
) -> KerasTensor:
    """Pairwise sigmoid loss (SigLIP; Zhai et al., 2023, algorithm 1).

    The sum over all pairs of -log sigmoid(z (scale * <image, text> + bias)), z being 1
    for positives and -1 for negatives, divided by the number of positives.

    Args:
        image_embeddings: float32 [B, D], L2-normalised.
        text_embeddings: float32 [B, D], L2-normalised.
        log_scale: scalar, log of the inverse temperature.
        bias: scalar, offsets the imbalance of negatives and positives at the start.
        left_out: bool [B, B] or None; pairs to exclude from the negatives. The diagonal
            is ignored.

    Returns:
        float32 scalar.
    """
    scale = ops.exp(log_scale)
    logits = scale * ops.matmul(image_embeddings, ops.transpose(text_embeddings)) + bias
    own = ops.eye(ops.shape(logits)[0], dtype="float32")
    losses = -ops.log_sigmoid((2.0 * own - 1.0) * logits)
    if left_out is not None:
        kept = ops.logical_or(ops.logical_not(left_out), own > 0)
        losses = losses * ops.cast(kept, "float32")
    return ops.sum(losses) / ops.cast(ops.shape(logits)[0], "float32")


def same_pairs(groups: KerasTensor, token_ids: KerasTensor) -> KerasTensor:
    """Returns pairs that must not be negatives: equal titles, or equal texts.

    Args:
        groups: int32 [B], equal for products of equal title.
        token_ids: int32 [B, L]; "red shirt" is true of every product it was drawn for.

    Returns:
        bool [B, B].
    """
    same_title = ops.equal(groups[:, None], groups[None, :])
    same_text = ops.all(ops.equal(token_ids[:, None, :], token_ids[None, :, :]), axis=-1)
    return ops.logical_or(same_title, same_text)


def matching_pairs(product_codes: KerasTensor, text_codes: KerasTensor) -> KerasTensor:
    """Returns pairs whose product matches all facets of the text.

    "black shoes" was written for one product, but is true of all black shoes of the
    batch.

    Args:
        product_codes: int32 [B, F], codes of the products' facets.
        text_codes: int32 [B, F], codes of the texts' facets, 0 for any value. A text of
            zeros (a title) matches no product.

    Returns:
        bool [B, B], by photo and text.
    """
    asked = text_codes[None, :, :]
    met = ops.logical_or(ops.equal(asked, 0), ops.equal(asked, product_codes[:, None, :]))
    names_any = ops.any(ops.greater(text_codes, 0), axis=-1)
    return ops.logical_and(ops.all(met, axis=-1), names_any[None, :])
