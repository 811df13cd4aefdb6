"""Learns the BPE vocabulary of towers trained from scratch, in KerasHub's format."""

import json
from collections.abc import Iterable

import keras_hub
import tokenizers
from tokenizers import models, normalizers, pre_tokenizers, trainers

from fitrank_tf.core.errors import FitRankError

START_TOKEN, END_TOKEN = "<|startoftext|>", "<|endoftext|>"
END_OF_WORD = "</w>"
# Longer texts are cut before they are tokenised.
MAX_CHARACTERS = 512

# CLIP's own splitting (Radford et al., 2021): letters together, digits one by one.
WORD_PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def learn_vocabulary(texts: Iterable[str], size: int) -> keras_hub.models.CLIPTokenizer:
    """Learns byte-level BPE merges from texts.

    The vocabulary has CLIP's layout: 256 bytes, the same at a word's end, the merges in
    the order learned, then the start and the end token. The end token has the highest id
    because CLIP's pooler finds it by argmax.

    Args:
        texts: titles of training products; test products must not be included.
        size: most tokens to learn, at least 515. Few texts give fewer.

    Returns:
        A KerasHub tokenizer; save it by `save_to_preset(folder)`.

    Raises:
        FitRankError: if there is no text, or no pair of letters occurs twice: KerasHub
            cannot load a vocabulary without merges.
    """
    corpus = [text for text in texts if text.strip()]
    if not corpus:
        raise FitRankError("the vocabulary has no text to learn from: every title is empty")
    merges = _learn_merges(corpus, size)
    alphabet = _byte_alphabet()
    tokens = [*alphabet, *(byte + END_OF_WORD for byte in alphabet)]
    tokens += [left + right for left, right in merges]
    tokens = list(dict.fromkeys(tokens))[: size - 2] + [START_TOKEN, END_TOKEN]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    kept = [f"{a} {b}" for a, b in merges if a + b in vocabulary]
    if not kept:
        raise FitRankError(
            f"the vocabulary has nothing to learn: no two letters stand together twice in "
            f"{len(corpus)} titles; give a larger catalogue"
        )
    return keras_hub.models.CLIPTokenizer(vocabulary=vocabulary, merges=kept)


def _byte_alphabet() -> list[str]:
    return sorted(pre_tokenizers.ByteLevel.alphabet(), key=lambda c: (ord(c) > 255, c))


def _learn_merges(corpus: list[str], size: int) -> list[tuple[str, str]]:
    learner = tokenizers.Tokenizer(models.BPE(end_of_word_suffix=END_OF_WORD))
    learner.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    learner.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(tokenizers.Regex(WORD_PATTERN), "removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    alphabet = _byte_alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        min_frequency=2,
        end_of_word_suffix=END_OF_WORD,
        initial_alphabet=alphabet,
        # Ties between pairs are broken by token id. The order of words varies, so without
        # this the ids of word-final letters, and with them the merges, would vary too.
        special_tokens=[byte + END_OF_WORD for byte in alphabet],
        show_progress=False,
    )
    learner.train_from_iterator(corpus, trainer)
    learned = json.loads(learner.to_str())["model"]["merges"]
    return [
        tuple(merge.split(" ") if isinstance(merge, str) else merge) for merge in learned
    ]
