"""Small random checkpoints by transformers and open_clip, and what these make of them.

Needs the `bench` extra. `make_checkpoints.py` keeps two of them for the tests
that run without it.
"""

import gzip
import importlib.machinery
import importlib.util
import json
import sys
import types
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import transformers

from fitrank_tf.towers.vocabulary import END_TOKEN, START_TOKEN
from tests.towers.checkpoints.small_checkpoints import CONTEXT

_TORCHVISION = (
    *("", ".datasets", ".datasets.folder", ".ops", ".ops.misc", ".transforms"),
    ".transforms.functional",
)


class _AnyMember(type):
    """Of a class that has every attribute, so that enumerations can be named."""

    def __getattr__(cls, name: str) -> str:
        if name.startswith("__"):
            raise AttributeError(name)
        return name


def _any_class(name: str) -> type:
    if name.startswith("__"):
        raise AttributeError(name)
    return _AnyMember(name, (), {})


def _stand_in_for_torchvision() -> None:
    """open_clip and timm import names of torchvision that no transformer uses."""
    for suffix in _TORCHVISION:
        module = types.ModuleType(f"torchvision{suffix}")
        module.__spec__ = importlib.machinery.ModuleSpec(module.__name__, None)
        module.__path__ = []
        module.__getattr__ = _any_class
        sys.modules[module.__name__] = module
        if suffix:
            parent, _, name = module.__name__.rpartition(".")
            setattr(sys.modules[parent], name, module)


def _import_open_clip() -> types.ModuleType:
    """open_clip, without torchvision where no build of it fits torch."""
    if importlib.util.find_spec("torchvision") is not None:
        return importlib.import_module("open_clip")
    _stand_in_for_torchvision()
    try:
        return importlib.import_module("open_clip")
    finally:
        for suffix in _TORCHVISION:
            del sys.modules[f"torchvision{suffix}"]


# timm asks torch for its compiler, whose LLVM cannot live beside TensorFlow's.
sys.modules.setdefault("triton", None)
open_clip = _import_open_clip()


def small_vocabulary() -> tuple[dict[str, int], list[str]]:
    """The bytes and the first 100 merges of CLIP's own vocabulary."""
    return _vocabulary(merges=100)


def full_vocabulary() -> tuple[dict[str, int], list[str]]:
    """CLIP's own 49,408 tokens, which open_clip carries along."""
    return _vocabulary(merges=None)


def _vocabulary(merges: int | None) -> tuple[dict[str, int], list[str]]:
    simple = open_clip.SimpleTokenizer()
    pairs = [*simple.bpe_ranks][:merges]
    tokens = [*simple.encoder][: 512 + len(pairs)] + [START_TOKEN, END_TOKEN]
    return {t: i for i, t in enumerate(tokens)}, [" ".join(pair) for pair in pairs]


def transformers_tokenizer(
    vocabulary: dict[str, int], merges: list[str]
) -> transformers.CLIPTokenizer:
    """transformers' tokenizer."""
    pairs = [tuple(merge.split(" ")) for merge in merges]
    return transformers.CLIPTokenizer(vocab=vocabulary, merges=pairs)


def simple_tokenizer(merges: list[str], folder: Path) -> "open_clip.SimpleTokenizer":
    """open_clip's tokenizer with other merges than CLIP's own."""
    path = folder / "merges.txt.gz"
    path.write_bytes(gzip.compress("\n".join(["#version: 0.2", *merges]).encode()))
    tokenizer = open_clip.SimpleTokenizer(bpe_path=str(path))
    path.unlink()
    return tokenizer


def shake(model: torch.nn.Module) -> None:
    """Random weights that let every part of the network show in its output."""
    torch.manual_seed(3)
    for name, parameter in model.named_parameters():
        noise = torch.randn_like(parameter)
        if parameter.ndim == 0 or name == "logit_scale":
            continue
        if parameter.ndim == 1 and name.endswith("weight"):
            parameter.data = 1 + 0.2 * noise
        elif "embed" in name or parameter.ndim == 1:
            parameter.data = 0.5 * noise
        else:
            parameter.data = noise / parameter[0].numel() ** 0.5


def write_huggingface(
    folder: Path,
    *,
    activation: str = "quick_gelu",
    heads: int = 4,
    dtype: torch.dtype = torch.float32,
    shard_size: str = "1GB",
    mean_std: tuple[list[float], list[float]] | None = None,
    tokenizer_file: str = "vocab.json",
) -> None:
    """A random CLIP of transformers, width 16, one and two layers, photos of 16 pixels."""
    vocabulary, merges = small_vocabulary()
    tower = {
        "hidden_size": 16,
        "intermediate_size": 24,
        "num_attention_heads": heads,
        "hidden_act": activation,
    }
    config = transformers.CLIPConfig(
        text_config={
            **tower,
            "num_hidden_layers": 2,
            "vocab_size": len(vocabulary),
            "max_position_embeddings": CONTEXT,
            "bos_token_id": len(vocabulary) - 2,
            "eos_token_id": len(vocabulary) - 1,
        },
        vision_config={
            **tower,
            "num_hidden_layers": 1,
            "image_size": 16,
            "patch_size": 8,
        },
        projection_dim=12,
        logit_scale_init_value=3.5,
    )
    model = transformers.CLIPModel(config)
    shake(model)
    model.to(dtype).save_pretrained(folder, max_shard_size=shard_size)
    sizes = {"size": {"shortest_edge": 16}, "crop_size": {"height": 16, "width": 16}}
    if mean_std:
        sizes |= {"image_mean": mean_std[0], "image_std": mean_std[1]}
    transformers.CLIPImageProcessor(**sizes).save_pretrained(folder)
    tokenizer = transformers_tokenizer(vocabulary, merges)
    if tokenizer_file == "vocab.json":
        tokenizer.backend_tokenizer.model.save(str(folder))
    else:
        tokenizer.save_pretrained(folder)


def write_open_clip(
    folder: Path,
    *,
    quick_gelu: bool = False,
    custom_text: bool = False,
    head_width: int = 8,
    dtype: torch.dtype = torch.float32,
    mean_std: tuple[list[float], list[float]] | None = None,
) -> None:
    """A random CLIP of open_clip, width 16, one and two layers, photos of 16 pixels."""
    vocabulary, merges = small_vocabulary()
    config = {
        "embed_dim": 12,
        "quick_gelu": quick_gelu,
        "custom_text": custom_text,
        "vision_cfg": {
            "image_size": 16,
            "patch_size": 8,
            "layers": 1,
            "width": 16,
            "head_width": head_width,
            "mlp_ratio": 1.5,
        },
        "text_cfg": {
            "context_length": CONTEXT,
            "vocab_size": len(vocabulary),
            "width": 16,
            "heads": 4,
            "layers": 2,
            "mlp_ratio": 1.5,
        },
    }
    kind = open_clip.CustomTextCLIP if custom_text else open_clip.CLIP
    arguments = {name: value for name, value in config.items() if name != "custom_text"}
    model = kind(**arguments)
    shake(model)
    model.visual.image_mean, model.visual.image_std = mean_std or (
        list(open_clip.OPENAI_DATASET_MEAN),
        list(open_clip.OPENAI_DATASET_STD),
    )
    writer = importlib.import_module("open_clip.push_to_hf_hub")
    writer.save_for_hf(
        model.to(dtype),
        transformers_tokenizer(vocabulary, merges),
        config,
        str(folder),
        safe_serialization=True,
    )


def run_huggingface(
    folder: Path, images: np.ndarray, texts: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """transformers' unit embeddings of photos and of texts, and the texts' ids."""
    model = transformers.CLIPModel.from_pretrained(folder, dtype=torch.float32).eval()
    processor = transformers.CLIPImageProcessor.from_pretrained(folder)
    tokenizer = transformers.CLIPTokenizer.from_pretrained(folder)
    pixels = processor(images=list(images), return_tensors="pt").pixel_values
    tokens = tokenizer(
        list(texts),
        padding="max_length",
        max_length=CONTEXT,
        truncation=True,
        return_tensors="pt",
    )
    with torch.no_grad():
        output = model(pixel_values=pixels, **tokens)
    return (
        output.image_embeds.numpy(),
        output.text_embeds.numpy(),
        tokens.input_ids.numpy(),
    )


def run_open_clip(
    folder: Path, images: np.ndarray, texts: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """open_clip's unit embeddings of photos and of texts, and the texts' ids."""
    model = open_clip.create_model(f"local-dir:{folder}", precision="fp32").eval()
    statistics = json.loads((folder / "open_clip_config.json").read_text())[
        "preprocess_cfg"
    ]
    pixels = (images / 255 - statistics["mean"]) / statistics["std"]
    pixels = torch.tensor(pixels.transpose(0, 3, 1, 2), dtype=torch.float32)
    tokens = simple_tokenizer(small_vocabulary()[1], folder)(list(texts), CONTEXT)
    with torch.no_grad():
        seen = model.encode_image(pixels, normalize=True)
        read = model.encode_text(tokens, normalize=True)
    return seen.numpy(), read.numpy(), tokens.numpy()


RUN = {"huggingface": run_huggingface, "open_clip": run_open_clip}
