"""What each field of a section may be: the words of its rule, values on either side.

Written down once more than in the code, so that a bound that moves there is noticed.
"""

import math
from typing import NamedTuple

from fitrank_tf.config import (
    CONTRASTIVE_LOSSES,
    FEATURE_GROUPS,
    FUSIONS,
    LORA_TARGETS,
    METHODS,
    PRECISIONS,
    RANKING_LOSSES,
    SEARCHED,
    TOWERS,
    UNGRADED,
    AttributeConfig,
    ContrastiveConfig,
    DetectorConfig,
    EvaluationConfig,
    FacetHeadsConfig,
    HeadConfig,
    JudgmentsConfig,
    LoraConfig,
    RerankerConfig,
    RunConfig,
    TowersConfig,
)


class Rule(NamedTuple):
    """A field's bound.

    Attributes:
        says: part of the message that refuses a value.
        documented: part of the field's documentation.
        refused: values beyond the bound.
        taken: values at the bound.
    """

    says: str
    documented: str
    refused: tuple
    taken: tuple


def _same_words(words: str, refused: tuple, taken: tuple) -> Rule:
    return Rule(words, words, refused, taken)


def _names(words: str, constant: str, known: tuple[str, ...]) -> Rule:
    """Names of which one is chosen."""
    return Rule(f"{words} {known}", f"{words} `{constant}`", ("", "nothing"), known)


def _some(words: str, constant: str, known: tuple[str, ...], least: int) -> Rule:
    """Names of which some are chosen."""
    refused = (("nothing",), (known[0], "nothing"), *[()] * least)
    return Rule(f"{words} {known}", f"{words} `{constant}`", refused, (known, known[:1]))


COUNT = _same_words("above 0", (0, -1), (1, 7))
AMOUNT = _same_words("above 0", (0.0, -1e-9, math.inf, math.nan), (1e-9, 7.0))
INDEX = _same_words("0 or above", (-1,), (0, 1))
WEIGHT = _same_words("0 or above", (-1e-9, math.inf, math.nan), (0.0, 7.0))
SHARE = _same_words("in [0, 1)", (-1e-9, 1.0, math.nan), (0.0, 0.999))
SEED = _same_words("in [0, 2**31)", (-1, 2**31), (0, 2**31 - 1))
FOUR = ((0, 2, 2, 2), (-2, 2, 2, 2), (2, 2, 2), (2, 2, 2, 2, 2))
GROUPS = _some("of", "FEATURE_GROUPS", FEATURE_GROUPS, least=0)

RULES: dict[type, dict[str, Rule]] = {
    TowersConfig: {
        "image_size": Rule("a multiple of patch_size (16)", "multiple", (-16, 8), (0, 16)),
        "patch_size": COUNT,
        "vision_width": Rule("a multiple of vision_heads (3)", "multiple", (64,), (3, 63)),
        "vision_layers": COUNT,
        "vision_heads": COUNT._replace(taken=(1, 2)),
        "text_width": Rule("a multiple of text_heads (3)", "multiple", (64,), (3, 63)),
        "text_layers": COUNT,
        "text_heads": COUNT._replace(taken=(1, 2)),
        "embedding_dim": COUNT,
        "vocabulary_size": Rule("at least 515", "515 or more", (514,), (515,)),
        "context_length": Rule("at least 4", "4 or more", (3,), (4,)),
    },
    ContrastiveConfig: {
        "epochs": INDEX,
        "batch_size": Rule("at least 2", "2 or more", (1,), (2,)),
        "learning_rate": AMOUNT,
        "adapter_ratio": AMOUNT,
        "warmup_share": SHARE,
        "weight_decay": SHARE,
        "temperature": AMOUNT,
        "loss": _names("one of", "CONTRASTIVE_LOSSES", CONTRASTIVE_LOSSES),
        "text_shares": Rule(
            "four shares, none below 0, that add up to 1",
            "four shares that add up to 1",
            ((), (0.5, 0.5), (0.3, 0.3, 0.3, 0.2), (1.2, -0.2, 0.0, 0.0)),
            ((1.0, 0.0, 0.0, 0.0), (0.25,) * 4),
        ),
        "accumulation": COUNT._replace(taken=(1, 256)),
        "precision": _names("one of", "PRECISIONS", PRECISIONS),
        "patch_dropout": SHARE,
        "whole_share": SHARE,
        "depth_dropout": SHARE,
        "feature_weight": WEIGHT,
        "mixup": WEIGHT,
        "teacher_weight": _same_words("in [0, 1]", (-1e-9, 1.001, math.nan), (0.0, 1.0)),
        "ema": SHARE,
        "steps_at_once": COUNT,
        "checkpoint_minutes": AMOUNT._replace(
            refused=(0.0, -1e-9, math.nan), taken=(1e-9, math.inf)
        ),
    },
    LoraConfig: {
        "method": _names("one of", "METHODS", METHODS),
        "rank": COUNT,
        "alpha": AMOUNT,
        "targets": _some("one or more of", "LORA_TARGETS", LORA_TARGETS, least=1),
        "towers": _some("one or more of", "TOWERS", TOWERS, least=1),
        "dropout": SHARE,
        "fusion": _names("one of", "FUSIONS", FUSIONS),
        "feature_groups": GROUPS._replace(taken=((), FEATURE_GROUPS)),
        "feature_dropout": SHARE,
        "distillation": _same_words("in [0, 1]", (-1e-9, 1.001, math.nan), (0.0, 1.0)),
        "interpolation": Rule(
            "shares in [0, 1]", "in [0, 1]", ((-0.1,), (0.5, 1.1)), ((), (0.0, 1.0))
        ),
    },
    FacetHeadsConfig: {
        "folds": _same_words("2 or more", (1,), (2,)),
        "hidden": COUNT,
        "dropout": SHARE,
        "epochs": COUNT,
        "batch_size": COUNT,
        "learning_rate": AMOUNT,
        "weight_decay": SHARE,
        "feature_groups": GROUPS._replace(taken=((), FEATURE_GROUPS)),
    },
    RerankerConfig: {
        "list_size": COUNT,
        "holdout_share": SHARE,
        "queries_per_product": INDEX,
        "epochs": COUNT,
        "batch_size": COUNT,
        "learning_rate": AMOUNT,
        "hidden": Rule("width", "one or more, each above 0", ((), (4, 0)), ((1,), (2, 1))),
        "attention_heads": INDEX,
        "dropout": SHARE,
        "noise": WEIGHT,
        "loss": _names("one of", "RANKING_LOSSES", RANKING_LOSSES),
        "seed": SEED,
    },
    DetectorConfig: {
        "image_size": Rule("a multiple of 32", "multiple of 32", (33, 48), (32, 64)),
        "num_images": COUNT,
        "stackwise_channels": Rule(
            "4 even numbers above 0", "even and above 0", (*FOUR, (1, 2, 2, 2)), ((2,) * 4,)
        ),
        "stackwise_depth": Rule("4 numbers above 0", "above 0", FOUR, ((1,) * 4,)),
        "fpn_depth": COUNT,
        "epochs": COUNT,
        "batch_size": COUNT,
        "learning_rate": AMOUNT,
        "zoom": SHARE,
        "pasted": SHARE,
        "colour_jitter": SHARE,
    },
    HeadConfig: {
        "hidden": Rule("widths above 0", "each above 0", ((64, 0), (-1,)), ((), (1,))),
        "dropout": SHARE,
        "epochs": COUNT,
        "batch_size": COUNT,
        "learning_rate": AMOUNT,
        "weight_decay": SHARE,
        "weak_trust": SHARE,
    },
    AttributeConfig: {
        "epochs": COUNT,
        "batch_size": COUNT,
        "learning_rate": AMOUNT,
        "times_seen": COUNT,
        "weak_trust": SHARE,
    },
    JudgmentsConfig: {
        "gains": Rule(
            "none below",
            "none below the one before it",
            ((-1.0,), (1.0, 0.0)),
            ((), (0.0, 1.0)),
        ),
        "share": _same_words("in (0, 1]", (0.0, 1.001, math.nan), (1e-9, 1.0)),
        "passes": COUNT._replace(),
        "text_share": SHARE,
        "searched": _names("one of", "SEARCHED", SEARCHED),
        "ungraded": _names("one of", "UNGRADED", UNGRADED),
        "validation_share": SHARE._replace(taken=(0.0, 0.899)),
        "test_share": SHARE._replace(taken=(0.0, 0.899)),
    },
    EvaluationConfig: {
        "facet_queries": COUNT,
        "sheet_queries": COUNT,
        "sheet_columns": COUNT,
    },
    RunConfig: {
        "seed": SEED,
        "feature_heads": Rule("a folder", "folder", ("",), ("heads",)),
    },
}
# Fields that take any text: names and folders that other code looks up.
FREE = {(TowersConfig, "preset"), (DetectorConfig, "preset"), (RunConfig, "recipe")}
