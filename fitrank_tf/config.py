"""What a run is made of: frozen, validated dataclasses.

A recipe (`fitrank_tf/recipes/`) returns a `RunConfig`; the command line changes
single fields with `--set base.epochs=3`. A wrong value is refused here, before
any work is done.
"""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any, get_type_hints

from fitrank_tf.core.errors import FitRankError

LORA_TARGETS = ("query", "key", "value", "output", "mlp")
TOWERS = ("image", "text")
CONTRASTIVE_LOSSES = ("info_nce", "sigmoid")
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
FUSIONS = ("residual", "tokens")
FEATURE_GROUPS = ("boxes", "colour", "texture", "attributes", "appearance")
RANKING_LOSSES = (
    "softmax",
    "approx_ndcg",
    "gumbel_approx_ndcg",
    "list_mle",
    "pairwise_logistic",
    "lambda_ndcg",
)


def _require(holds: bool, field: str, value: Any, rule: str) -> None:
    if not holds:
        raise FitRankError(f"config: {field} is {value!r}; it must be {rule}")


def _require_positive(config: Any, *fields: str) -> None:
    for field in fields:
        value = getattr(config, field)
        _require(value > 0, f"{type(config).__name__}.{field}", value, "above 0")


def _require_share(config: Any, *fields: str) -> None:
    for field in fields:
        value = getattr(config, field)
        _require(0 <= value < 1, f"{type(config).__name__}.{field}", value, "in [0, 1)")


def _require_one_of(config: Any, field: str, known: Sequence[str]) -> None:
    value = getattr(config, field)
    _require(value in known, f"{type(config).__name__}.{field}", value, f"one of {known}")


def _require_feature_groups(config: Any) -> None:
    value = config.feature_groups
    _require(
        set(value) <= set(FEATURE_GROUPS),
        f"{type(config).__name__}.feature_groups",
        value,
        f"of {FEATURE_GROUPS}",
    )


@dataclasses.dataclass(frozen=True)
class TowersConfig:
    """The two CLIP towers.

    Attributes:
        preset: what `towers_from_preset` reads: a KerasHub preset name, a local
            folder of KerasHub, transformers or open_clip, or "hf://owner/name"; ""
            builds the towers from the sizes below and trains them from nothing.
        image_size: side of the square that the image tower reads, in pixels. 0 is a
            preset's own size, or 96; another size than the preset's interpolates its
            positions.
        patch_size: side of one ViT patch, in pixels.
        vocabulary_size: BPE tokens that a recipe without preset learns.
        context_length: tokens of a text. Titles are under 24 tokens long, and
            the text tower's cost grows with this number.
        embedding_dim: width of the joint embedding.
    """

    preset: str = ""
    image_size: int = 0
    patch_size: int = 16
    vision_width: int = 192
    vision_layers: int = 6
    vision_heads: int = 3
    text_width: int = 192
    text_layers: int = 3
    text_heads: int = 3
    embedding_dim: int = 192
    vocabulary_size: int = 6000
    context_length: int = 24

    def __post_init__(self) -> None:
        _require_positive(
            self,
            *("patch_size", "vision_width", "vision_layers", "vision_heads"),
            *("text_width", "text_layers", "text_heads", "embedding_dim"),
        )
        _require(
            self.image_size >= 0 and self.image_size % self.patch_size == 0,
            "TowersConfig.image_size",
            self.image_size,
            f"0 or a multiple of patch_size ({self.patch_size})",
        )
        for width, heads in (
            ("vision_width", "vision_heads"),
            ("text_width", "text_heads"),
        ):
            _require(
                getattr(self, width) % getattr(self, heads) == 0,
                f"TowersConfig.{width}",
                getattr(self, width),
                f"a multiple of {heads} ({getattr(self, heads)})",
            )
        _require(
            self.vocabulary_size >= 515,
            "TowersConfig.vocabulary_size",
            self.vocabulary_size,
            "at least 515 (256 bytes, each also at a word's end, two marks, one merge)",
        )
        _require(
            self.context_length >= 4,
            "TowersConfig.context_length",
            self.context_length,
            "at least 4",
        )


@dataclasses.dataclass(frozen=True)
class ContrastiveConfig:
    """One contrastive training: the base towers', or the LoRA fine-tuning's.

    Attributes:
        epochs: passes over the training split; 0 leaves the towers as they come.
        batch_size: pairs of one step; the other pairs of it are the negatives.
        learning_rate: peak of a linear warm-up and cosine decay.
        warmup_share: share of all steps that warm up.
        weight_decay: AdamW's, on kernels and embeddings only.
        temperature: the loss's start; it is learned from there. Fine-tuning goes
            on from the base's.
        loss: one of `CONTRASTIVE_LOSSES`.
        accumulation: parts in which a batch goes through the towers. Their embeddings
            are kept, so that the loss and its gradient are the whole batch's; memory is
            a part's.
        precision: one of `PRECISIONS`, what the towers compute in. Weights stay float32.
        patch_dropout: share of a photo's patches that a training step leaves out,
            those of the backdrop first.
        whole_share: share of the epochs, the last ones, that see whole photos.
        depth_dropout: chance that a photo skips a block of the image tower.
        feature_weight: weight, beside 1 for InfoNCE, of telling the image features
            from what the image tower pooled; 0 asks for none.
        mixup: parameter of the Beta distribution of a mixed photo's shares; 0 mixes none.
        teacher_weight: of the teachers' logits beside those of the pairs, where there are
            teachers.
        ema: momentum of the moving average of the weights that is kept in the end; 0
            keeps the last step's weights.
        steps_at_once: steps between two looks at loss and clock; an accelerator need not
            wait for the host after each.
        checkpoint_minutes: at most so long, and to the end of the epoch, an interruption
            sets the training back.
    """

    epochs: int = 20
    batch_size: int = 256
    learning_rate: float = 1e-3
    warmup_share: float = 0.05
    weight_decay: float = 0.1
    temperature: float = 0.07
    loss: str = "info_nce"
    accumulation: int = 1
    precision: str = "float32"
    patch_dropout: float = 0.0
    whole_share: float = 0.1
    depth_dropout: float = 0.0
    feature_weight: float = 0.0
    mixup: float = 0.0
    teacher_weight: float = 0.5
    ema: float = 0.0
    steps_at_once: int = 1
    checkpoint_minutes: float = 10.0

    def __post_init__(self) -> None:
        _require_positive(
            self,
            *("batch_size", "learning_rate", "temperature", "accumulation"),
            *("steps_at_once", "checkpoint_minutes"),
        )
        _require_share(
            self,
            *("warmup_share", "weight_decay", "patch_dropout", "whole_share"),
            *("depth_dropout", "ema"),
        )
        for field in ("epochs", "feature_weight", "mixup"):
            value = getattr(self, field)
            _require(value >= 0, f"ContrastiveConfig.{field}", value, "0 or above")
        _require(
            0 <= self.teacher_weight <= 1,
            "ContrastiveConfig.teacher_weight",
            self.teacher_weight,
            "in [0, 1]",
        )
        _require(
            self.batch_size > 1,
            "ContrastiveConfig.batch_size",
            self.batch_size,
            "at least 2, for a pair alone has no negatives",
        )
        _require(
            self.batch_size % self.accumulation == 0,
            "ContrastiveConfig.batch_size",
            self.batch_size,
            f"a multiple of accumulation ({self.accumulation})",
        )
        _require(
            not self.mixup or self.accumulation == 1,
            "ContrastiveConfig.mixup",
            self.mixup,
            f"0 for a batch in parts (accumulation={self.accumulation})",
        )
        _require_one_of(self, "loss", CONTRASTIVE_LOSSES)
        _require_one_of(self, "precision", PRECISIONS)


@dataclasses.dataclass(frozen=True)
class LoraConfig:
    """Low-rank adapters (Hu et al., 2021) on the projections of the towers.

    Attributes:
        rank: rank of the update of each kernel.
        alpha: the update is scaled by alpha / rank.
        targets: the projections that get an adapter, of `LORA_TARGETS`: the four of
            the attention, and both layers of the MLP.
        towers: which of `TOWERS` get adapters.
        dropout: share of a projection's inputs that its adapter does not see in a
            training step.
        fusion: one of `FUSIONS`, how the features enter the image tower: added to its
            embedding, or as tokens that its blocks attend to.
        feature_groups: which of `FEATURE_GROUPS` the fusion sees; none leaves the
            features out.
        feature_dropout: chance that a training batch's feature group is hidden
            from the fusion, so that the towers work without it.
    """

    rank: int = 8
    alpha: float = 16.0
    targets: tuple[str, ...] = ("query", "value")
    towers: tuple[str, ...] = TOWERS
    dropout: float = 0.0
    fusion: str = "residual"
    feature_groups: tuple[str, ...] = FEATURE_GROUPS
    feature_dropout: float = 0.1

    def __post_init__(self) -> None:
        _require_positive(self, "rank", "alpha")
        _require_share(self, "dropout", "feature_dropout")
        _require_one_of(self, "fusion", FUSIONS)
        _require(
            bool(self.targets) and set(self.targets) <= set(LORA_TARGETS),
            "LoraConfig.targets",
            self.targets,
            f"one or more of {LORA_TARGETS}",
        )
        _require(
            bool(self.towers) and set(self.towers) <= set(TOWERS),
            "LoraConfig.towers",
            self.towers,
            f"one or more of {TOWERS}",
        )
        _require_feature_groups(self)


@dataclasses.dataclass(frozen=True)
class FacetHeadsConfig:
    """The heads that tell what a product is: its article type, colour, gender ...

    Attributes:
        folds: heads, each trained on the training products of all folds but its own.
        hidden: width of the layer between a product's numbers and the values' logits.
        feature_groups: which of `FEATURE_GROUPS` the heads see beside the embedding.
    """

    folds: int = 5
    hidden: int = 384
    dropout: float = 0.5
    epochs: int = 25
    batch_size: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    feature_groups: tuple[str, ...] = FEATURE_GROUPS

    def __post_init__(self) -> None:
        _require_positive(self, "hidden", "epochs", "batch_size", "learning_rate")
        _require_share(self, "dropout", "weight_decay")
        _require_feature_groups(self)
        _require(self.folds > 1, "FacetHeadsConfig.folds", self.folds, "2 or more")


@dataclasses.dataclass(frozen=True)
class RerankerConfig:
    """The listwise re-ranker.

    Attributes:
        list_size: candidates of a query.
        holdout_share: share of the training products that the towers do not
            see. The re-ranker learns on all of them; these show it a first stage
            that does not know its products by heart.
        queries_per_product: facet queries written for one product, beside its
            title. Of a few products with many queries each the re-ranker learns
            the products, not what to look for.
        hidden: widths of the scoring network.
        attention_heads: of the attention over the list; 0 leaves it out.
        noise: spread of what training adds to each number of a candidate.
        seed: added to the run's, for the re-ranker's weights and order alone.
    """

    list_size: int = 100
    holdout_share: float = 0.1
    queries_per_product: int = 1
    epochs: int = 2
    batch_size: int = 32
    learning_rate: float = 5e-4
    hidden: tuple[int, ...] = (64, 32)
    attention_heads: int = 2
    dropout: float = 0.5
    noise: float = 0.3
    loss: str = "lambda_ndcg"
    seed: int = 0

    def __post_init__(self) -> None:
        _require_positive(self, "list_size", "epochs", "batch_size", "learning_rate")
        _require_share(self, "holdout_share", "dropout")
        _require(
            bool(self.hidden), "RerankerConfig.hidden", self.hidden, "one width or more"
        )
        _require(self.noise >= 0, "RerankerConfig.noise", self.noise, "0 or above")
        _require_one_of(self, "loss", RANKING_LOSSES)


@dataclasses.dataclass(frozen=True)
class DetectorConfig:
    """The YOLOv8 detector of garment, sleeves and neckline.

    Attributes:
        preset: folder of a trained detector, relative to the working directory or
            to the repository; "" trains one on drawn garments with the fields below.
        image_size: side of the square that the detector reads, in pixels; a
            multiple of 32, the coarsest stride.
        num_images: synthetic products that it trains on.
        stackwise_channels: channels of the four backbone stages.
        stackwise_depth: blocks of the four backbone stages.
        fpn_depth: blocks of the feature pyramid.
        zoom: a training photo is shown larger or smaller by up to this share, and
            shifted as far as that leaves room.
        pasted: share of the training photos whose figure is cut out and pasted before
            another backdrop.
        colour_jitter: its hue turns by up to half this share of the circle, its
            lightness and saturation change by up to this share: a shirt is a shirt
            in any colour.
    """

    preset: str = ""
    image_size: int = 128
    num_images: int = 1600
    stackwise_channels: tuple[int, ...] = (16, 32, 64, 128)
    stackwise_depth: tuple[int, ...] = (1, 1, 1, 1)
    fpn_depth: int = 1
    epochs: int = 6
    batch_size: int = 16
    learning_rate: float = 2e-3
    zoom: float = 0.0
    pasted: float = 0.0
    colour_jitter: float = 0.0

    def __post_init__(self) -> None:
        _require_share(self, "zoom", "pasted", "colour_jitter")
        _require_positive(
            self,
            "image_size",
            "num_images",
            "fpn_depth",
            "epochs",
            "batch_size",
            "learning_rate",
        )
        _require(
            self.image_size % 32 == 0,
            "DetectorConfig.image_size",
            self.image_size,
            "a multiple of 32",
        )


@dataclasses.dataclass(frozen=True)
class HeadConfig:
    """A small network over features: colour names, patterns.

    Attributes:
        hidden: widths of the layers between features and answer.
        dropout: of those layers.
        weak_trust: weight of a label that only a title gives, beside 1 for one given
            by eye; colour names have no such labels.
    """

    hidden: tuple[int, ...] = (128,)
    dropout: float = 0.4
    epochs: int = 40
    batch_size: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    weak_trust: float = 0.2

    def __post_init__(self) -> None:
        _require_positive(self, "epochs", "batch_size", "learning_rate")
        _require_share(self, "dropout", "weight_decay", "weak_trust")
        _require(
            all(width > 0 for width in self.hidden),
            "HeadConfig.hidden",
            self.hidden,
            "widths above 0",
        )


@dataclasses.dataclass(frozen=True)
class AttributeConfig:
    """The network that tells sleeve and neckline.

    Attributes:
        epochs: passes over the training products.
        times_seen: how often a product labelled by eye comes in one pass.
        weak_trust: weight of what a title or the kind of product says, beside 1 for a
            label by eye.
    """

    epochs: int = 20
    batch_size: int = 64
    learning_rate: float = 3e-3
    times_seen: int = 3
    weak_trust: float = 0.4

    def __post_init__(self) -> None:
        _require_positive(self, "epochs", "batch_size", "learning_rate", "times_seen")
        _require_share(self, "weak_trust")


@dataclasses.dataclass(frozen=True)
class EvaluationConfig:
    """What is measured.

    Attributes:
        facet_queries: facet queries drawn from the test products; every test
            product's title is a query besides.
        sheet_queries: rows of the contact sheet.
        sheet_columns: products of a row.
    """

    facet_queries: int = 300
    sheet_queries: int = 12
    sheet_columns: int = 8

    def __post_init__(self) -> None:
        _require_positive(self, "facet_queries", "sheet_queries", "sheet_columns")


@dataclasses.dataclass(frozen=True)
class RunConfig:
    """All of a training run but its data.

    Attributes:
        feature_heads: folder of what `fitrank train-features` trained, relative to
            the working directory or to the repository.
    """

    recipe: str
    seed: int = 0
    feature_heads: str = "saved_models/features"
    towers: TowersConfig = TowersConfig()
    base: ContrastiveConfig = ContrastiveConfig()
    lora_training: ContrastiveConfig = ContrastiveConfig()
    lora: LoraConfig = LoraConfig()
    detector: DetectorConfig = DetectorConfig()
    colour_names: HeadConfig = HeadConfig()
    patterns: HeadConfig = HeadConfig()
    attributes: AttributeConfig = AttributeConfig()
    facet_heads: FacetHeadsConfig = FacetHeadsConfig()
    reranker: RerankerConfig = RerankerConfig()
    evaluation: EvaluationConfig = EvaluationConfig()

    def __post_init__(self) -> None:
        _require(
            bool(self.towers.preset) or self.base.epochs > 0,
            "RunConfig.base.epochs",
            self.base.epochs,
            "above 0 for towers without a preset, which know nothing yet",
        )

    def to_json(self) -> dict[str, Any]:
        """A dict of plain values that `json.dumps` takes."""
        return json.loads(json.dumps(dataclasses.asdict(self)))


def override(config: RunConfig, assignments: Sequence[str]) -> RunConfig:
    """Applies `section.field=value` assignments of the command line.

    Raises:
        FitRankError: for an unknown field, a value of another type, or a value
            that the section refuses.
    """
    sections: dict[str, dict[str, Any]] = {}
    fields: dict[str, Any] = {}
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        if not equals:
            raise FitRankError(f"--set {assignment}: write it as section.field=value")
        *section, name = path.strip().split(".")
        holder = _section(config, section, assignment)
        changed = sections.setdefault(section[0], {}) if section else fields
        changed[name] = _value(holder, name, text.strip(), assignment)
    # All fields of a section at once: one may only be right together with another.
    replaced = {
        name: dataclasses.replace(getattr(config, name), **changed)
        for name, changed in sections.items()
    }
    return dataclasses.replace(config, **fields, **replaced)


def _section(config: RunConfig, path: Sequence[str], assignment: str) -> Any:
    """What holds the field: the whole configuration, or one of its sections."""
    if not path:
        return config
    if path[0] not in _names(config):
        raise FitRankError(
            f"--set {assignment}: no field {path[0]!r}; known here: {_names(config)}"
        )
    section = getattr(config, path[0])
    if not dataclasses.is_dataclass(section) or len(path) > 1:
        raise FitRankError(
            f"--set {assignment}: {'.'.join(path)} is a field, it has none in it"
        )
    return section


def _value(holder: Any, name: str, text: str, assignment: str) -> Any:
    if name not in _names(holder):
        raise FitRankError(
            f"--set {assignment}: no field {name!r}; known here: {_names(holder)}"
        )
    if dataclasses.is_dataclass(getattr(holder, name)):
        raise FitRankError(f"--set {assignment}: {name} is a section; name its field")
    return _parse(text, get_type_hints(type(holder))[name], assignment)


def _names(holder: Any) -> list[str]:
    return [field.name for field in dataclasses.fields(holder)]


def _parse(text: str, kind: Any, assignment: str) -> Any:
    try:
        if kind in (int, float, str):
            return kind(text)
        element = int if kind == tuple[int, ...] else str
        return tuple(element(part) for part in text.split(",") if part)
    except ValueError as error:
        raise FitRankError(f"--set {assignment}: {text!r} is not of type {kind}") from error
