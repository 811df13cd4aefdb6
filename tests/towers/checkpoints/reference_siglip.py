"""Small random SigLIP by transformers and open_clip, and what these make of them.

Needs the `bench` extra, as `reference_checkpoints` does.
"""

import importlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import sentencepiece
import torch
import transformers
from transformers.tokenization_utils_sentencepiece import generate_merges

from tests.towers.checkpoints.reference_checkpoints import open_clip, shake
from tests.towers.checkpoints.small_siglip import CONTEXT, PHOTO, TITLES

# Imported after torchvision had its stand-in.
timm = importlib.import_module("timm")

WIDTH, PATCH = 24, 8
# Marks of SigLIP's own pieces, and of Gemma's.
_OWN = {"pad_piece": "<pad>", "eos_piece": "</s>", "unk_piece": "<unk>", "bos_id": -1}
_OWN |= {"pad_id": 0, "eos_id": 1, "unk_id": 2}
_GEMMA = {"pad_piece": "<pad>", "eos_piece": "<eos>", "bos_piece": "<bos>"}
_GEMMA |= {"pad_id": 0, "eos_id": 1, "bos_id": 2, "unk_id": 3}


def own_pieces(rule: str) -> bytes:
    """A small unigram model, made as SigLIP's was: its normaliser is "nmt_nfkc"."""
    return _train(
        vocab_size=160, model_type="unigram", normalization_rule_name=rule, **_OWN
    )


def charsmap(proto: bytes) -> bytes | None:
    """The normaliser's table in a model, which follows its name; None without one."""
    start = proto.rfind(b"nmt_nfkc\x12")
    if start < 0:
        return None
    place, length, shift = start + len(b"nmt_nfkc\x12"), 0, 0
    while True:
        length |= (proto[place] & 127) << shift
        place, shift = place + 1, shift + 7
        if proto[place - 1] < 128:
            return proto[place : place + length]


def gemma_pieces() -> bytes:
    """A small model of pairs merged, made as Gemma's was but for the size."""
    return _train(
        vocab_size=400,
        model_type="bpe",
        byte_fallback=True,
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        normalization_rule_name="identity",
        **_GEMMA,
    )


def _train(**settings: Any) -> bytes:
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TITLES),
        model_writer=written,
        hard_vocab_limit=False,
        minloglevel=2,
        **settings,
    )
    return written.getvalue()


def _gemma_tokenizer(proto: bytes) -> transformers.PreTrainedTokenizerBase:
    model = sentencepiece.SentencePieceProcessor(model_proto=proto)
    vocabulary = {model.id_to_piece(i): i for i in range(len(model))}
    real = {
        piece: number
        for piece, number in vocabulary.items()
        if not (model.is_control(number) or model.is_byte(number))
    }
    return transformers.Siglip2Tokenizer(
        vocab=vocabulary,
        merges=[tuple(pair) for pair in generate_merges(real)],
        add_eos_token=True,
        padding_side="right",
    )


def write_siglip(
    folder: Path,
    *,
    gemma: bool = False,
    rule: str = "nmt_nfkc",
    activation: str = "gelu_pytorch_tanh",
    dtype: torch.dtype = torch.float32,
    mean_std: tuple[list[float], list[float]] | None = None,
) -> None:
    """A random SigLIP of transformers, width 24, one and two layers, photos of 16 px."""
    folder.mkdir(parents=True, exist_ok=True)
    proto = gemma_pieces() if gemma else own_pieces(rule)
    if gemma:
        _gemma_tokenizer(proto).save_pretrained(folder)
    else:
        (folder / "spiece.model").write_bytes(proto)
    tower = {
        "hidden_size": WIDTH,
        "intermediate_size": 32,
        "num_attention_heads": 4,
        "hidden_act": activation,
    }
    config = transformers.SiglipConfig(
        text_config={
            **tower,
            "num_hidden_layers": 2,
            "vocab_size": len(sentencepiece.SentencePieceProcessor(model_proto=proto)),
            "max_position_embeddings": CONTEXT,
        },
        vision_config={
            **tower,
            "num_hidden_layers": 1,
            "image_size": PHOTO,
            "patch_size": PATCH,
        },
    )
    model = transformers.SiglipModel(config)
    shake(model)
    model.logit_scale.data.fill_(2.5)
    model.logit_bias.data.fill_(-7.0)
    model.to(dtype).save_pretrained(folder)
    sizes: dict[str, Any] = {"size": {"height": PHOTO, "width": PHOTO}}
    if mean_std:
        sizes |= {"image_mean": mean_std[0], "image_std": mean_std[1]}
    transformers.SiglipImageProcessor(**sizes).save_pretrained(folder)


def run_siglip(
    folder: Path, images: np.ndarray, texts: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """transformers' unit embeddings of photos and of texts, and the texts' ids."""
    model = transformers.SiglipModel.from_pretrained(folder, dtype=torch.float32).eval()
    processor = transformers.SiglipImageProcessor.from_pretrained(folder)
    pixels = processor(images=list(images), return_tensors="pt").pixel_values
    if (folder / "spiece.model").is_file():
        tokenizer = transformers.SiglipTokenizer(str(folder / "spiece.model"))
    else:
        tokenizer = transformers.Siglip2Tokenizer.from_pretrained(folder)
    ids = tokenizer(
        list(texts),
        padding="max_length",
        max_length=CONTEXT,
        truncation=True,
        return_tensors="pt",
    ).input_ids
    with torch.no_grad():
        output = model(pixel_values=pixels, input_ids=ids)
    return output.image_embeds.numpy(), output.text_embeds.numpy(), ids.numpy()


@timm.models.register_model
def vit_base_patch16_siglip_224(pretrained: bool = False, **kwargs: Any) -> torch.nn.Module:
    """The network of this name, but small: open_clip knows networks by name only."""
    del pretrained
    sizes = {"img_size": PHOTO, "patch_size": PATCH, "embed_dim": WIDTH, "depth": 1}
    for name in ("pretrained_cfg", "pretrained_cfg_overlay", "cache_dir"):
        kwargs.pop(name, None)
    return timm.models.vision_transformer.VisionTransformer(
        **{**sizes, "num_heads": 12, "class_token": False, **kwargs}
    )


def write_open_clip_siglip(
    folder: Path,
    *,
    gemma: bool = False,
    rule: str = "nmt_nfkc",
    dtype: torch.dtype = torch.float32,
) -> None:
    """A random SigLIP of open_clip, of the same sizes."""
    proto = gemma_pieces() if gemma else own_pieces(rule)
    if gemma:
        tokenizer = _gemma_tokenizer(proto)
    else:
        model = sentencepiece.SentencePieceProcessor(model_proto=proto)
        pieces = [(model.id_to_piece(i), model.get_score(i)) for i in range(len(model))]
        tokenizer = transformers.T5Tokenizer(
            vocab=pieces,
            extra_ids=0,
            pad_token="</s>",
            _spm_precompiled_charsmap=charsmap(proto),
        )
    vision = {
        "image_size": PHOTO,
        "timm_model_name": "vit_base_patch16_siglip_224",
        "timm_model_pretrained": False,
        "timm_pool": "map",
        "timm_proj": "none",
    }
    text = {
        "context_length": CONTEXT,
        "vocab_size": len(sentencepiece.SentencePieceProcessor(model_proto=proto)),
        "hf_tokenizer_name": "timm/ViT-B-16-SigLIP",
        "tokenizer_kwargs": {"clean": "canonicalize"},
        "width": WIDTH,
        "heads": 4,
        "layers": 2,
        "no_causal_mask": True,
        "proj_bias": True,
        "pool_type": "last",
        "norm_kwargs": {"eps": 1e-6},
    }
    if gemma:
        text["act_kwargs"] = {"approximate": "tanh"}
    config = {
        "embed_dim": WIDTH,
        "init_logit_bias": -10,
        "custom_text": True,
        "vision_cfg": vision,
        "text_cfg": text,
    }
    arguments = {name: value for name, value in config.items() if name != "custom_text"}
    model = open_clip.CustomTextCLIP(**arguments)
    shake(model)
    model.visual.image_mean = model.visual.image_std = [0.5, 0.5, 0.5]
    writer = importlib.import_module("open_clip.push_to_hf_hub")
    writer.save_for_hf(
        model.to(dtype), tokenizer, config, str(folder), safe_serialization=True
    )


def run_open_clip_siglip(
    folder: Path, images: np.ndarray, texts: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """open_clip's unit embeddings of photos and of texts, and the texts' ids."""
    model = open_clip.create_model(f"local-dir:{folder}", precision="fp32").eval()
    pixels = torch.tensor((images / 127.5 - 1).transpose(0, 3, 1, 2), dtype=torch.float32)
    tokenizer = open_clip.tokenizer.HFTokenizer(
        str(folder), context_length=CONTEXT, clean="canonicalize"
    )
    ids = tokenizer(list(texts))
    with torch.no_grad():
        seen = model.encode_image(pixels, normalize=True)
        read = model.encode_text(ids, normalize=True)
    return seen.numpy(), read.numpy(), ids.numpy()


WRITE = {
    "siglip": write_siglip,
    "siglip2": write_siglip,
    "open_clip_siglip": write_open_clip_siglip,
    "open_clip_siglip2": write_open_clip_siglip,
}
RUN = {
    "siglip": run_siglip,
    "siglip2": run_siglip,
    "open_clip_siglip": run_open_clip_siglip,
    "open_clip_siglip2": run_open_clip_siglip,
}
