"""Scores that read a query's words and a candidate's patches together.

The towers know a product as one vector, made before the query is known. These two let words
look at patches, and add what they find to the towers' score:

    late interaction   the mean over words of the best cosine of a word and a patch, both
                       projected (ColBERT, Khattab & Zaharia, SIGIR 2020; of words and
                       patches: FILIP, Yao et al., ICLR 2022)
    cross-attention    each word attends to all patches (Vaswani et al., 2017); a small
                       network reads the word beside what it has seen

Both begin as the towers' order. What of a product does not depend on the query, `keep`
computes once. Only a study reads them: see docs/results.md for what they are worth.
"""

import abc
from collections.abc import Mapping

import keras
from keras import KerasTensor, ops

from fitrank_tf.towers.towers import unit

# Of a cosine of the towers at the start, as that of the linear blend.
_SCORE_WEIGHT = 20.0
_WIDTH = 64
_FAR_BELOW = -1e9


class JointScore(keras.Model):
    """Base class: `weight * first stage + joint part`.

    Args:
        seed: of the weights.
        width: of the projections of words and patches.
    """

    def __init__(self, seed: int, width: int = _WIDTH):
        super().__init__()
        self.width = width
        self._seeds = keras.random.SeedGenerator(seed)
        self.weight = self.add_weight(
            name="weight",
            shape=(),
            initializer=keras.initializers.Constant(_SCORE_WEIGHT),
        )

    def projection(self, name: str, size: int, **options: object) -> keras.layers.Dense:
        """A new layer without bias, its weights drawn by the model's seed."""
        seed = int(self._seeds.next()[0]) % 2**31
        drawn = keras.initializers.GlorotUniform(seed)
        settings = {"kernel_initializer": drawn, "use_bias": False, **options}
        return keras.layers.Dense(size, name=name, **settings)

    @abc.abstractmethod
    def keep(self, patches: KerasTensor) -> KerasTensor:
        """What is kept of products.

        Args:
            patches: float [..., P, W], patch tokens of the image tower.

        Returns:
            float32 [..., P, K].
        """

    @abc.abstractmethod
    def joint(
        self, words: KerasTensor, is_word: KerasTensor, kept: KerasTensor
    ) -> KerasTensor:
        """The joint part of the scores.

        Args:
            words: float [B, T, W'], word tokens of the text tower.
            is_word: float32 [B, T], 1 for words, 0 for padding; one word at least.
            kept: float32 [B, L, P, K], from `keep`.

        Returns:
            float32 [B, L].
        """

    def call(self, inputs: Mapping[str, KerasTensor]) -> KerasTensor:
        """Scores of candidate lists, float32 [B, L]; far below all others for padding.

        Args:
            inputs: `words`, `is_word`, `patches` [B, L, P, W], `first_stage` [B, L], and
                `mask` [B, L], 1 for candidates and 0 for padding.
        """
        words = ops.cast(inputs["words"], "float32")
        kept = self.keep(ops.cast(inputs["patches"], "float32"))
        scores = self.weight * inputs["first_stage"]
        scores = scores + self.joint(words, inputs["is_word"], kept)
        return ops.where(inputs["mask"] > 0, scores, _FAR_BELOW)


class LateInteraction(JointScore):
    """See the module."""

    def __init__(self, seed: int, width: int = _WIDTH):
        super().__init__(seed, width)
        self.of_words = self.projection("words", width)
        self.of_patches = self.projection("patches", width)
        self.gain = self.add_weight(name="gain", shape=(), initializer="zeros")

    def keep(self, patches: KerasTensor) -> KerasTensor:
        """The patches' unit projections."""
        return unit(self.of_patches(patches))

    def joint(
        self, words: KerasTensor, is_word: KerasTensor, kept: KerasTensor
    ) -> KerasTensor:
        """The mean of the words' best cosines, times a learned gain."""
        cosines = ops.einsum("btk,blpk->bltp", unit(self.of_words(words)), kept)
        best = mean_of_words(ops.max(cosines, axis=-1), is_word)
        return ops.multiply(self.gain, best)


class CrossAttention(JointScore):
    """See the module: one head, and one hidden layer."""

    def __init__(self, seed: int, width: int = _WIDTH):
        super().__init__(seed, width)
        self.of_words = self.projection("queries", width)
        self.of_patches = self.projection("keys_and_values", 2 * width)
        self.hidden = self.projection("hidden", width, use_bias=True, activation="gelu")
        self.read = self.projection("read", 1, kernel_initializer="zeros")

    def keep(self, patches: KerasTensor) -> KerasTensor:
        """The patches' keys, and behind them their values."""
        return self.of_patches(patches)

    def joint(
        self, words: KerasTensor, is_word: KerasTensor, kept: KerasTensor
    ) -> KerasTensor:
        """The mean of what is read of each word and what it has seen."""
        asked = self.of_words(words)
        keys, values = ops.split(kept, 2, axis=-1)
        likeness = ops.einsum("btk,blpk->bltp", asked, keys) / self.width**0.5
        seen = ops.einsum("bltp,blpk->bltk", ops.softmax(likeness, axis=-1), values)
        beside = ops.broadcast_to(asked[:, None], ops.shape(seen))
        hidden = self.hidden(ops.concatenate([beside, seen, beside * seen], axis=-1))
        return mean_of_words(self.read(hidden)[..., 0], is_word)


def mean_of_words(values: KerasTensor, is_word: KerasTensor) -> KerasTensor:
    """[B, L] of [B, L, T]: the mean over the words, without padding."""
    shares = is_word / ops.sum(is_word, axis=-1, keepdims=True)
    return ops.einsum("blt,bt->bl", values, shares)


def graded_softmax_loss(labels: KerasTensor, scores: KerasTensor) -> KerasTensor:
    """Cross-entropy of softmax(scores) and the grades' gains 2^grade - 1, [B].

    ListNet's top-one loss (Cao et al., ICML 2007) with nDCG's gains.

    Args:
        labels: float32 [B, L], grades, below 0 for padding.
        scores: float32 [B, L], far below all others for padding.
    """
    gains = ops.where(labels > 0, ops.power(2.0, labels) - 1.0, 0.0)
    shares = gains / ops.maximum(ops.sum(gains, axis=-1, keepdims=True), 1.0)
    return -ops.sum(shares * ops.log_softmax(scores, axis=-1), axis=-1)
