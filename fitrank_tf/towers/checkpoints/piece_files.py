"""SigLIP's tokenizer from the files that lie beside a checkpoint.

SigLIP has a SentencePiece model of its own, a unigram; SigLIP 2 has Gemma's, which merges
pairs. Either is a `.model` file, or written as a `tokenizer.json`, which is turned back
into that model here, in the wire format of its `sentencepiece_model.proto`: the classes in
the package `sentencepiece` need a newer protobuf than TensorFlow.
"""

import base64
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.towers.checkpoints.json_config import JsonConfig
from fitrank_tf.towers.sentence_pieces import PieceTokenizer

_MODELS = ("spiece.model", "tokenizer.model", "sentencepiece.bpe.model")
_JSON, _CONFIG = "tokenizer.json", "tokenizer_config.json"
_GEMMA_END, _GEMMA_PAD, _END = "<eos>", "<pad>", "</s>"
# Below the score of every piece that a merge makes.
_LEAST = -1e6
# Numbers of the proto: kinds of models, kinds of pieces.
_UNIGRAM, _BPE = 1, 2
_NORMAL, _UNKNOWN, _CONTROL, _USER_DEFINED, _BYTE = 1, 2, 3, 4, 6


def read_piece_tokenizer(
    folder: Path, rows: int, cleaning: str | None = None
) -> PieceTokenizer:
    """The tokenizer of a folder.

    Args:
        folder: with `spiece.model` or `tokenizer.model`, or with `tokenizer.json`.
        rows: tokens that the text tower's embedding has.
        cleaning: of the texts, of `CLEANINGS`; None takes transformers': "canonical" for
            SigLIP's own pieces, "lower" for Gemma's.

    Raises:
        FitRankError: if the files are missing or broken, or have more tokens than the
            text tower.
    """
    path, proto = _read(folder)
    is_gemma = _has_piece(proto, _GEMMA_END)
    end, pad = (_GEMMA_END, _GEMMA_PAD) if is_gemma else (_END, _END)
    try:
        tokenizer = PieceTokenizer(
            proto=proto,
            cleaning=cleaning or ("lower" if is_gemma else "canonical"),
            end_token=end,
            pad_token=_pad_token(folder, pad),
        )
    except Exception as error:  # SentencePiece and KerasHub raise many kinds
        raise FitRankError(
            f"{path} is no tokenizer of SigLIP ({error}); take the checkpoint's own"
        ) from error
    if tokenizer.vocabulary_size() > rows:
        raise FitRankError(
            f"{path} has {tokenizer.vocabulary_size()} tokens, but the text tower reads "
            f"{rows}; take the tokenizer of the same checkpoint"
        )
    return tokenizer


def _read(folder: Path) -> tuple[Path, bytes]:
    for name in _MODELS:
        if (folder / name).is_file():
            return folder / name, (folder / name).read_bytes()
    path = folder / _JSON
    if not path.is_file():
        raise FitRankError(
            f"{folder} has no tokenizer; put the checkpoint's {_MODELS[0]} or {_JSON} there"
        )
    return path, _model_of(JsonConfig.read(path))


def _has_piece(proto: bytes, piece: str) -> bool:
    # Cheaper than to parse a model of 256,000 pieces only for that.
    return _field(1, piece) in proto


def _pad_token(folder: Path, default: str) -> str:
    path = folder / _CONFIG
    if not path.is_file():
        return default
    token = JsonConfig.read(path).get("pad_token", default)
    return token["content"] if isinstance(token, dict) else token


def _model_of(config: JsonConfig) -> bytes:
    """The SentencePiece model that a `tokenizer.json` was made of."""
    model = config.section("model")
    if model.get("type") == "Unigram":
        pieces = [(piece, score) for piece, score in model.get("vocab", [])]
        unknown = model.get("unk_id", 0)
        trainer = _field(3, _UNIGRAM)
        normaliser = _field(2, _charsmap(config))
    elif model.get("type") == "BPE":
        pieces = list(_scored(model))
        unknown = model.section("vocab").fields.get(model.get("unk_token", ""))
        trainer = _field(3, _BPE) + _field(35, int(model.get("byte_fallback", False)))
        # Neither a blank before the text, nor fewer of them within.
        normaliser = _field(3, 0) + _field(4, 0)
    else:
        raise model.error("type", "must be Unigram or BPE, SigLIP's kinds of tokenizer")
    marks = {token["content"]: token for token in config.get("added_tokens", [])}
    parts = [
        _field(
            1,
            _field(1, piece)
            + _field(2, float(score))
            + _field(3, _kind(piece, number == unknown, marks.get(piece))),
        )
        for number, (piece, score) in enumerate(pieces)
    ]
    return b"".join([*parts, _field(2, trainer), _field(3, normaliser)])


def _field(number: int, value: str | bytes | float | int) -> bytes:
    """One field of a protocol buffer."""
    if isinstance(value, float):
        return _varint(number << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    parts = []
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


def _scored(model: JsonConfig) -> Iterator[tuple[str, float]]:
    """Pieces in the order of their ids; the earlier their merge, the higher the score."""
    ranks: dict[str, int] = {}
    for rank, merge in enumerate(model.get("merges", [])):
        # Newer files hold pairs, older ones "left right".
        pair = merge.split(" ") if isinstance(merge, str) else merge
        ranks.setdefault("".join(pair), rank)
    vocabulary = model.section("vocab").fields
    for piece in sorted(vocabulary, key=vocabulary.__getitem__):
        yield piece, -float(ranks[piece]) if piece in ranks else _LEAST


def _kind(piece: str, unknown: bool, mark: dict[str, Any] | None) -> int:
    if unknown:
        return _UNKNOWN
    if mark is not None:
        return _CONTROL if mark.get("special") else _USER_DEFINED
    is_byte = len(piece) == 6 and piece.startswith("<0x") and piece.endswith(">")
    return _BYTE if is_byte else _NORMAL


def _charsmap(config: JsonConfig) -> bytes:
    """The table of the normaliser, b"" without one."""
    normaliser = config.section("normalizer")
    for part in [normaliser.fields, *normaliser.get("normalizers", [])]:
        if part.get("type") == "Precompiled":
            return base64.b64decode(part["precompiled_charsmap"])
    return b""
