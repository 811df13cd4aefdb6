"""The variants of each study; the others are compared with the last one."""

from fitrank_tf.config import FEATURE_GROUPS, RANKING_LOSSES, LoraConfig, RerankerConfig
from fitrank_tf.evaluation.ablation import Variant
from fitrank_tf.recipes import distilled, full, lora_plus, weighted_texts, wise_ft

_FUSION_SEES = "lora.feature_groups="
_HEADS_SEE = "facet_heads.feature_groups="
_ALL_GROUPS = ",".join(FEATURE_GROUPS)
_WITHOUT, _WITH = _FUSION_SEES, _FUSION_SEES + _ALL_GROUPS


def _each_group(assignment: str) -> tuple[Variant, ...]:
    """Variants without each feature group, then with each group alone.

    Args:
        assignment: "section.field=" of the configuration, to which the groups are added.
    """
    rest = {
        group: ",".join(other for other in FEATURE_GROUPS if other != group)
        for group in FEATURE_GROUPS
    }
    return (
        *(
            Variant(f"without {group}", (assignment + others,))
            for group, others in rest.items()
        ),
        *(Variant(f"{group} alone", (assignment + group,)) for group in FEATURE_GROUPS),
    )


_FULL = Variant("LoRA with features", (_WITH,))
ADAPTATION, WISE_FT = "adaptation", "full, distilled, WiSE-FT"
# Studies of the towers.
STUDIES = {
    "towers": (
        Variant("base towers", None),
        Variant("LoRA without features", (_WITHOUT,)),
        _FULL,
    ),
    "fusions": (
        Variant("LoRA without features", (_WITHOUT,)),
        Variant("features as tokens", (_WITH, "lora.fusion=tokens")),
        Variant("features beside the embedding", (_WITH, "lora.fusion=residual")),
    ),
    "groups": (*_each_group(_FUSION_SEES), _FULL),
    ADAPTATION: (
        Variant("base towers", None),
        Variant("LoRA+", lora_plus.ASSIGNMENTS),
        Variant("LoRA, weighted texts", weighted_texts.ASSIGNMENTS),
        Variant("full", full.ASSIGNMENTS),
        Variant("full, distilled", distilled.ASSIGNMENTS),
        Variant(WISE_FT, wise_ft.ASSIGNMENTS),
        Variant("LoRA", ()),
    ),
    "ranks": tuple(
        Variant(f"rank {rank}", (f"lora.rank={rank}", f"lora.alpha={2 * rank}"))
        for rank in (2, 32, LoraConfig.rank)
    ),
}
# Studies of the re-ranker on the candidates of the same fine-tuned towers.
RERANKED_STUDIES = {
    "facets": (
        Variant("embedding alone", (_HEADS_SEE,)),
        *_each_group(_HEADS_SEE),
        Variant("embedding and all groups", (_HEADS_SEE + _ALL_GROUPS,)),
    ),
    "list_sizes": tuple(
        Variant(f"{size} candidates", (f"reranker.list_size={size}",))
        for size in (20, 50, 200, 100)
    ),
    "losses": tuple(
        Variant(loss, (f"reranker.loss={loss}",))
        for loss in sorted(RANKING_LOSSES, key=lambda name: name == RerankerConfig.loss)
    ),
}
RERANKERS, EXTRA_FEATURES, JOINT = "rerankers", "extra_features", "joint"
ALL_STUDIES = (*STUDIES, RERANKERS, EXTRA_FEATURES, JOINT, *RERANKED_STUDIES)
