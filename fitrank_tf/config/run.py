"""All of a training run but its data."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, get_origin, get_type_hints

from fitrank_tf.config.attributes import AttributeConfig
from fitrank_tf.config.checks import require, require_seed, require_types
from fitrank_tf.config.contrastive import ContrastiveConfig
from fitrank_tf.config.detector import DetectorConfig
from fitrank_tf.config.evaluation import EvaluationConfig
from fitrank_tf.config.facet_heads import FacetHeadsConfig
from fitrank_tf.config.heads import HeadConfig
from fitrank_tf.config.judgments import JudgmentsConfig
from fitrank_tf.config.lora import LoraConfig
from fitrank_tf.config.reranker import RerankerConfig
from fitrank_tf.config.towers import TowersConfig
from fitrank_tf.core.errors import FitRankError


@dataclasses.dataclass(frozen=True)
class RunConfig:
    """All of a training run but its data.

    Attributes:
        recipe: name of the recipe that made it, kept in the bundle; decides nothing.
        seed: of the run's weights, orders and drawn queries, in [0, 2**31).
        feature_heads: folder of what `fitrank train-features` trained, relative to the
            working directory or to the repository, which ships the default.
        towers: which CLIP towers to start from.
        base: training of those towers before any adapter; 0 epochs takes a preset as it is.
        lora_training: training of the adapters and the feature fusion.
        lora: which adapters and which features.
        detector: of garment, sleeves and neckline, for the features.
        colour_names: the heads that name colours; read by `fitrank train-features`.
        patterns: the head that names patterns; read by `fitrank train-features`.
        attributes: the network for sleeve and neckline; read by `fitrank train-features`.
        cut: the heads of length and fit; read by `fitrank train-features`.
        facet_heads: the heads that predict facets, from fine-tuned embedding and features.
        reranker: of the first stage's candidates.
        judgments: how the re-ranker learns from judgments, if a training is given any.
        evaluation: what the run is measured by.
    """

    recipe: str
    seed: int = 0
    feature_heads: str = "saved_models/features"
    towers: TowersConfig = dataclasses.field(default_factory=TowersConfig)
    base: ContrastiveConfig = dataclasses.field(default_factory=ContrastiveConfig)
    lora_training: ContrastiveConfig = dataclasses.field(default_factory=ContrastiveConfig)
    lora: LoraConfig = dataclasses.field(default_factory=LoraConfig)
    detector: DetectorConfig = dataclasses.field(default_factory=DetectorConfig)
    colour_names: HeadConfig = dataclasses.field(default_factory=HeadConfig)
    patterns: HeadConfig = dataclasses.field(default_factory=HeadConfig)
    attributes: AttributeConfig = dataclasses.field(default_factory=AttributeConfig)
    cut: HeadConfig = dataclasses.field(default_factory=HeadConfig)
    facet_heads: FacetHeadsConfig = dataclasses.field(default_factory=FacetHeadsConfig)
    reranker: RerankerConfig = dataclasses.field(default_factory=RerankerConfig)
    judgments: JudgmentsConfig = dataclasses.field(default_factory=JudgmentsConfig)
    evaluation: EvaluationConfig = dataclasses.field(default_factory=EvaluationConfig)

    def __post_init__(self) -> None:
        require_types(self)
        require_seed(self, "seed")
        require(
            self,
            "feature_heads",
            bool(self.feature_heads),
            "a folder of trained feature models",
        )
        require(
            self,
            "base.epochs",
            bool(self.towers.preset) or self.base.epochs > 0,
            "above 0 for towers without a preset, which know nothing yet",
        )

        require(
            self,
            "lora.distillation",
            not self.lora.distillation or self.lora_training.accumulation == 1,
            "0 for a batch in parts (lora_training.accumulation above 1)",
        )

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "RunConfig":
        """The configuration that `to_json` gave; fields that it lacks have their defaults.

        Raises:
            FitRankError: for a field that is not known.
        """
        return _from_plain(cls, plain)

    def to_json(self) -> dict[str, Any]:
        """A dict of plain values that `json.dumps` takes."""
        return json.loads(json.dumps(dataclasses.asdict(self)))


def _from_plain(section: Any, plain: Mapping[str, Any]) -> Any:
    kinds = get_type_hints(section)
    values: dict[str, Any] = {}
    for name, value in plain.items():
        if name not in kinds:
            raise FitRankError(
                f"config: {section.__name__} has no field {name!r}: another release's"
            )
        if dataclasses.is_dataclass(kinds[name]):
            value = _from_plain(kinds[name], value)
        values[name] = tuple(value) if get_origin(kinds[name]) is tuple else value
    return section(**values)
