"""What a run is made of: frozen, validated dataclasses.

A recipe (`fitrank_tf/recipes/`) returns a `RunConfig`; the command line changes
single fields with `--set base.epochs=3`. A wrong value is refused here, before
any work is done.
"""

from fitrank_tf.config.attributes import AttributeConfig
from fitrank_tf.config.contrastive import (
    CONTRASTIVE_LOSSES,
    DEFAULT_TEXT_SHARES,
    OWN_LOSS,
    PRECISIONS,
    ContrastiveConfig,
)
from fitrank_tf.config.detector import DetectorConfig
from fitrank_tf.config.evaluation import EvaluationConfig
from fitrank_tf.config.facet_heads import FacetHeadsConfig
from fitrank_tf.config.feature_groups import FEATURE_GROUPS
from fitrank_tf.config.heads import HeadConfig
from fitrank_tf.config.judgments import SEARCHED, UNGRADED, JudgmentsConfig
from fitrank_tf.config.lora import FUSIONS, LORA_TARGETS, METHODS, TOWERS, LoraConfig
from fitrank_tf.config.overrides import override
from fitrank_tf.config.reranker import RANKING_LOSSES, RerankerConfig
from fitrank_tf.config.run import RunConfig
from fitrank_tf.config.towers import TowersConfig

__all__ = [
    "CONTRASTIVE_LOSSES",
    "DEFAULT_TEXT_SHARES",
    "FEATURE_GROUPS",
    "FUSIONS",
    "LORA_TARGETS",
    "METHODS",
    "OWN_LOSS",
    "PRECISIONS",
    "RANKING_LOSSES",
    "SEARCHED",
    "TOWERS",
    "UNGRADED",
    "AttributeConfig",
    "ContrastiveConfig",
    "DetectorConfig",
    "EvaluationConfig",
    "FacetHeadsConfig",
    "HeadConfig",
    "JudgmentsConfig",
    "LoraConfig",
    "RerankerConfig",
    "RunConfig",
    "TowersConfig",
    "override",
]
