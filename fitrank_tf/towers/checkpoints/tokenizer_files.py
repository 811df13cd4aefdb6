"""CLIP's tokenizer from the files that lie beside a checkpoint.

KerasHub's CLIPTokenizer splits, lower-cases and merges as transformers'
CLIPTokenizer does, so that `tokenise` gives that one's ids, with these exceptions:
a text is cut after 512 characters, a NUL and a start or end mark inside a text are
blanked out, a Greek capital sigma at a word's end becomes the final sigma, and padding
is 0, which no embedding sees because CLIP reads up to the end mark only. Tokens that were
added after the end mark are left out: such a word in a text is read as any other.

open_clip's own tokenizer cleans before that: ftfy mends broken encodings and makes
typographic quotes and wide letters plain, HTML entities are resolved. Nothing does
that here; texts without such characters get the same ids.
"""

from pathlib import Path

import keras_hub
from tokenizers import pre_tokenizers

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.towers.checkpoints.json_config import JsonConfig
from fitrank_tf.towers.vocabulary import END_OF_WORD, END_TOKEN, START_TOKEN

_ADDED = "added_tokens.json"
_FILES = "vocab.json and merges.txt, or tokenizer.json"


def read_tokenizer(folder: Path, rows: int) -> keras_hub.models.CLIPTokenizer:
    """The tokenizer of a folder.

    Args:
        folder: with `vocab.json` and `merges.txt`, or with `tokenizer.json`.
        rows: tokens that the text tower's embedding has.

    Raises:
        FitRankError: if the files are missing or broken, are no CLIP vocabulary, or
            have another number of tokens than the text tower.
    """
    vocabulary, merges, path = _read(folder)
    _check_vocabulary(vocabulary, merges, path, rows)
    end = vocabulary[END_TOKEN]
    kept = {token: number for token, number in vocabulary.items() if number <= end}
    try:
        return keras_hub.models.CLIPTokenizer(vocabulary=kept, merges=merges)
    except Exception as error:  # the tokenizers package raises the bare class
        raise FitRankError(
            f"{path}: the merges do not fit the vocabulary ({error}); take both from the "
            "same checkpoint"
        ) from error


def _read(folder: Path) -> tuple[dict[str, int], list[str], Path]:
    vocabulary, merges = folder / "vocab.json", folder / "merges.txt"
    both = folder / "tokenizer.json"
    if vocabulary.is_file() and merges.is_file():
        tokens = dict(JsonConfig.read(vocabulary).fields)
        if (folder / _ADDED).is_file():
            tokens |= JsonConfig.read(folder / _ADDED).fields
        return tokens, _read_merges(merges), vocabulary
    if both.is_file():
        return *_read_tokenizer_json(both), both
    raise FitRankError(
        f"{folder} has no tokenizer; put the checkpoint's {_FILES} into it (most CLIP "
        "checkpoints share those of clip-vit-base-patch32)"
    )


def _read_merges(path: Path) -> list[str]:
    try:
        # Not splitlines: a merge may hold what Unicode takes for a line's end.
        lines = path.read_text(encoding="utf-8").split("\n")
    except ValueError as error:
        raise FitRankError(f"{path} is not UTF-8 text; copy it again") from error
    lines = [line.rstrip("\r") for line in lines]
    return [line for line in lines if line and not line.startswith("#version")]


def _read_tokenizer_json(path: Path) -> tuple[dict[str, int], list[str]]:
    config = JsonConfig.read(path)
    model = config.section("model")
    if model.get("type", "BPE") != "BPE":
        raise model.error("type", "must be BPE, CLIP's kind of tokenizer")
    if model.get("end_of_word_suffix") != END_OF_WORD:
        raise model.error("end_of_word_suffix", f"must be {END_OF_WORD!r}, as CLIP's is")
    vocabulary = dict(model.section("vocab").fields)
    added = config.get("added_tokens", [])
    vocabulary |= {token["content"]: token["id"] for token in added}
    # Newer files hold pairs, older ones "left right".
    merges = model.get("merges", [])
    return vocabulary, [m if isinstance(m, str) else " ".join(m) for m in merges]


def _check_vocabulary(
    vocabulary: dict[str, int], merges: list[str], path: Path, rows: int
) -> None:
    ids = list(vocabulary.values())
    if not all(isinstance(i, int) for i in ids) or sorted(ids) != list(range(len(ids))):
        raise FitRankError(
            f"{path}: the token ids do not count from 0 to {len(vocabulary) - 1}; copy the "
            "checkpoint's own file"
        )
    if len(vocabulary) != rows:
        raise FitRankError(
            f"{path} has {len(vocabulary)} tokens, but the text tower reads {rows}; take "
            "the tokenizer of the same checkpoint"
        )
    bytes_ = pre_tokenizers.ByteLevel.alphabet()
    needed = [START_TOKEN, END_TOKEN, *bytes_, *(byte + END_OF_WORD for byte in bytes_)]
    missing = [token for token in needed if token not in vocabulary]
    if missing:
        raise FitRankError(
            f"{path} is no CLIP vocabulary: it has no token {missing[0]!r}; take the "
            f"checkpoint's own {_FILES}"
        )
    end, made = vocabulary[END_TOKEN], [merge.replace(" ", "") for merge in merges]
    if max(vocabulary.get(token, 0) for token in [*needed, *made]) > end:
        raise FitRankError(
            f"{path}: the end mark {END_TOKEN!r} is token {end}, but it must be the last "
            "of the pieces of words: the text tower finds it as the largest id; take the "
            f"checkpoint's own {_FILES}"
        )
