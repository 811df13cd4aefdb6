"""The tokenizer of SigLIP's texts: SentencePiece, after the cleaning of its training.

Texts are cut after `MAX_CHARACTERS` as CLIP's are. Marks such as "</s>" inside a text are
plain characters, where transformers takes them for the end.
"""

import string
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import keras_hub
import numpy as np
import sentencepiece

from fitrank_tf.towers.vocabulary import MAX_CHARACTERS

# How SentencePiece writes a blank; typed by a user it is one.
BLANK = "▁"
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def _lower(text: str) -> str:
    return text.replace("\0", " ").replace(BLANK, " ").lower()


def _canonical(text: str) -> str:
    return " ".join(_lower(text).translate(_NO_PUNCTUATION).split())


def _canonical_words(text: str) -> str:
    return _canonical(unicodedata.normalize("NFC", text).replace("_", " "))


# What is done to a text first: lower case alone (SigLIP 2 in transformers); without ASCII's
# punctuation and superfluous white space besides (SigLIP in transformers); and the same
# after accents joined their letters and underscores became blanks (open_clip).
CLEANINGS: Mapping[str, Callable[[str], str]] = {
    "lower": _lower,
    "canonical": _canonical,
    "canonical_words": _canonical_words,
}


@keras.saving.register_keras_serializable("fitrank_tf")
class PieceTokenizer(keras_hub.tokenizers.SentencePieceTokenizer):
    """A SentencePiece model with its cleaning, end and padding.

    Args:
        proto: the serialised model.
        cleaning: of `CLEANINGS`.
        end_token: that ends each text.
        pad_token: that fills the rest.
        **kwargs: KerasHub's.
    """

    def __init__(
        self,
        proto: bytes | None = None,
        cleaning: str = "canonical",
        end_token: str = "</s>",
        pad_token: str = "</s>",
        **kwargs: Any,
    ):
        self._add_special_token(end_token, "end_token")
        self._add_special_token(pad_token, "pad_token")
        self.cleaning = cleaning
        super().__init__(proto=proto, **kwargs)

    def ids(self, texts: Sequence[str], context_length: int) -> np.ndarray:
        """Converts texts to token ids: pieces, end token, padding.

        Args:
            texts: any strings, may be empty.
            context_length: tokens per text with the end; longer texts are truncated.

        Returns:
            int32 [len(texts), context_length].
        """
        ids = np.full((len(texts), context_length), self.pad_token_id, np.int32)
        model = sentencepiece.SentencePieceProcessor(model_proto=self.proto)
        clean = CLEANINGS[self.cleaning]
        for row, text in zip(ids, texts):
            pieces = model.encode(clean(text[:MAX_CHARACTERS]))[: context_length - 1]
            row[: len(pieces)] = pieces
            row[len(pieces)] = self.end_token_id
        return ids

    def get_config(self) -> dict[str, Any]:
        """What `__init__` takes, except the model, which has a file of its own."""
        return {
            **super().get_config(),
            "cleaning": self.cleaning,
            "end_token": self.end_token,
            "pad_token": self.pad_token,
        }


def piece_tokenizer_of(
    tokenizer: keras_hub.tokenizers.SentencePieceTokenizer,
) -> PieceTokenizer:
    """Returns KerasHub's own tokenizer of a SigLIP preset with its cleaning."""
    if isinstance(tokenizer, PieceTokenizer):
        return tokenizer
    return PieceTokenizer(
        proto=tokenizer.proto,
        end_token=tokenizer.end_token,
        pad_token=tokenizer.pad_token,
    )
