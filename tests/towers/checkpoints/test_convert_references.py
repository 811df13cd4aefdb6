"""Conversion against transformers and open_clip themselves; needs the `bench` extra."""

import importlib.util
import random

import numpy as np
import pytest

from fitrank_tf.datasets.synthetic_catalogue.product import write_listing
from fitrank_tf.towers.checkpoints.convert import towers_from_checkpoint
from fitrank_tf.towers.checkpoints.tokenizer_files import read_tokenizer
from fitrank_tf.towers.tokenise import tokenise
from tests.towers.checkpoints import small_siglip
from tests.towers.checkpoints.small_checkpoints import (
    CONTEXT,
    TEXTS,
    embed_texts,
    photos,
    up_to_end,
)

for package in ("torch", "transformers", "open_clip", "timm", "ftfy", "peft"):
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} of the bench extra is missing", allow_module_level=True)

import torch

import tests.towers.checkpoints.reference_checkpoints as reference
import tests.towers.checkpoints.reference_siglip as reference_siglip

# Imported after Triton was kept out; see `reference_checkpoints`.
peft = importlib.import_module("peft")

GREY = ([0.5, 0.5, 0.5], [0.5, 0.25, 0.4])


def _compare(kind: str, folder) -> None:
    images, texts = photos(16), TEXTS[kind]
    seen, read, ids = reference.RUN[kind](folder, images, texts)
    towers = towers_from_checkpoint(folder, CONTEXT)
    own = tokenise(towers.tokenizer, texts, CONTEXT)
    end = towers.tokenizer.end_token_id
    assert up_to_end(own, end) == up_to_end(ids, end)
    np.testing.assert_allclose(towers.encode_images(images), seen, atol=1e-5)
    np.testing.assert_allclose(embed_texts(towers, texts), read, atol=1e-5)


@pytest.mark.parametrize(
    "variant",
    [
        {},
        {"activation": "gelu"},
        {"heads": 2},
        {"dtype": torch.float16},
        {"dtype": torch.bfloat16},
        {"shard_size": "30KB"},
        {"mean_std": GREY},
        {"tokenizer_file": "tokenizer.json"},
    ],
    ids=str,
)
def test_transformers(variant: dict, tmp_path) -> None:
    reference.write_huggingface(tmp_path, **variant)
    _compare("huggingface", tmp_path)


@pytest.mark.parametrize(
    "variant",
    [
        {},
        {"quick_gelu": True},
        {"head_width": 4},
        {"custom_text": True},
        {"dtype": torch.float16},
        {"mean_std": GREY},
    ],
    ids=str,
)
def test_open_clip(variant: dict, tmp_path) -> None:
    reference.write_open_clip(tmp_path, **variant)
    _compare("open_clip", tmp_path)


SIGLIP = [(kind, {}) for kind in small_siglip.KINDS] + [
    ("siglip", {"activation": "gelu"}),
    ("siglip", {"dtype": torch.float64}),
    ("siglip2", {"dtype": torch.bfloat16}),
    ("siglip", {"mean_std": GREY}),
    ("open_clip_siglip", {"rule": "identity"}),
]


@pytest.mark.parametrize(("kind", "variant"), SIGLIP, ids=str)
def test_siglip(kind: str, variant: dict, tmp_path) -> None:
    """Its embeddings, and the same ids of all titles to the last padding."""
    reference_siglip.WRITE[kind](tmp_path, gemma=kind.endswith("2"), **variant)
    images, texts = photos(16), small_siglip.TEXTS[kind] + _titles()
    seen, read, ids = reference_siglip.RUN[kind](tmp_path, images, texts)
    towers = towers_from_checkpoint(tmp_path, CONTEXT)
    own = tokenise(towers.tokenizer, texts, towers.context_length)
    np.testing.assert_array_equal(own, ids)
    np.testing.assert_allclose(towers.encode_images(images), seen, atol=1e-5)
    np.testing.assert_allclose(towers.encode_tokens(own), read, atol=1e-5)


@pytest.mark.parametrize("rslora", [False, True])
def test_adapters_of_peft_are_merged(rslora: bool, tmp_path) -> None:
    reference.write_huggingface(tmp_path)
    config = peft.LoraConfig(
        r=2,
        lora_alpha=6,
        target_modules=["q_proj", "out_proj", "fc1"],
        rank_pattern={"out_proj": 3},
        alpha_pattern={"fc1": 5},
        use_rslora=rslora,
        init_lora_weights=False,
    )
    model = reference.transformers.CLIPModel.from_pretrained(tmp_path).eval()
    adapted = peft.get_peft_model(model, config)
    adapted.save_pretrained(tmp_path)
    base = tmp_path / "merged"
    adapted.merge_and_unload().save_pretrained(base)
    for name in ("vocab.json", "merges.txt", "preprocessor_config.json"):
        (base / name).write_bytes((tmp_path / name).read_bytes())
    images = photos(16)
    seen, read, _ = reference.run_huggingface(base, images, TEXTS["huggingface"])
    towers = towers_from_checkpoint(tmp_path, CONTEXT)
    np.testing.assert_allclose(towers.encode_images(images), seen, atol=1e-5)
    read_here = embed_texts(towers, TEXTS["huggingface"])
    np.testing.assert_allclose(read_here, read, atol=1e-5)


def _titles() -> list[str]:
    """900 titles of the catalogue, and 100 of random words and signs."""
    generator = random.Random(11)
    words = ["Été", "naïve", "👗", "100%", "T-shirt's", "₹999", "(S/M)", "ПЛАТЬЕ", "红色"]
    words += ["co-ord", "&", "x2", "don't", "🇮🇳", "Größe", "¾"]
    titles = [write_listing(0, index).text for index in range(900)]
    return titles + [" ".join(generator.choices(words, k=7)) for _ in range(100)]


def test_thousand_titles_with_the_vocabulary_of_clip(tmp_path) -> None:
    """Both libraries' own tokenizers give the ids that `tokenise` gives."""
    vocabulary, merges = reference.full_vocabulary()
    theirs = reference.transformers_tokenizer(vocabulary, merges)
    theirs.save_pretrained(tmp_path)
    own = read_tokenizer(tmp_path, rows=49408)
    titles = _titles()
    ids = up_to_end(tokenise(own, titles, 77), own.end_token_id)
    assert ids == theirs(titles, max_length=77, truncation=True).input_ids
    simple = reference.open_clip.SimpleTokenizer()(titles, 77)
    assert ids == up_to_end(simple.numpy(), own.end_token_id)


@pytest.mark.parametrize(
    ("text", "as_transformers", "as_open_clip"),
    [
        ("ΟΔΟΣ", False, True),
        ("red\0shirt", False, False),
        ("red <|endoftext|> shirt", False, False),
        ("women’s", True, False),
        ("ﬀ", True, False),
        ("ｗｉｄｅ", True, False),
        ("caf\u00c3\u00a9", True, False),
        ("jeans &amp; jacket", True, False),
    ],
)
def test_what_differs(
    text: str, as_transformers: bool, as_open_clip: bool, tmp_path
) -> None:
    """As the docstring of `tokenizer_files` says."""
    vocabulary, merges = reference.small_vocabulary()
    theirs = reference.transformers_tokenizer(vocabulary, merges)
    theirs.save_pretrained(tmp_path)
    own = read_tokenizer(tmp_path, rows=len(vocabulary))
    [ids] = up_to_end(tokenise(own, [text], CONTEXT), own.end_token_id)
    assert (ids == theirs(text).input_ids) == as_transformers
    simple = reference.simple_tokenizer(merges, tmp_path)([text], CONTEXT).numpy()
    assert ([ids] == up_to_end(simple, own.end_token_id)) == as_open_clip
