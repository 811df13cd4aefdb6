"""How well a log and interleaving tell re-rankers of known quality apart.

Five re-rankers are the untrained blend with more or less of its match and expected grade;
their true nDCG@10 on the logged lists is known.
"""

import dataclasses

import numpy as np
from scipy import stats

from benchmarks.clicks.interleaved import clicks_by_team, share_found
from benchmarks.clicks.learn import Material
from benchmarks.clicks.shoppers import Shoppers, browse, shop_rankings
from fitrank_tf.clicks.off_policy import PolicyValue, policy_value
from fitrank_tf.clicks.propensities import estimate_propensities
from fitrank_tf.evaluation.markdown_table import markdown_table
from fitrank_tf.rerank.baselines import ndcg_at_10
from fitrank_tf.rerank.model import build_reranker

SHARES = (-0.02, 0.0, 0.02, 0.05, 0.2)
SESSIONS = (50, 100, 200, 500, 1000, 2000, 5000)
_BLEND = ("match_weight", "grade_weight")
_BATCH, _ROUNDS = 64, 200


@dataclasses.dataclass(frozen=True)
class Ranker:
    """A re-ranker of known quality.

    Attributes:
        share: of its match and expected grade.
        order: int [Q, L], columns of the lists, best first.
        ndcg: its true nDCG@10.
    """

    share: float
    order: np.ndarray
    ndcg: float


def rankers(lists: Material) -> list[Ranker]:
    """The five, from the worst to the best by their shares."""
    found = []
    for share in SHARES:
        model = build_reranker(
            lists.config,
            lists.tables.features,
            lists.tables.embeddings.shape[1],
            lists.facets,
            lists.decisive,
        )
        for weight in model.weights:
            if weight.name.partition(":")[0].endswith(_BLEND):
                weight.assign(weight * share)
        batches = lists.training.batches(lists.tables, _BATCH)
        scores = np.concatenate([model(inputs).numpy() for inputs, _ in batches])
        ndcg = float(ndcg_at_10(scores, lists.training.labels).mean())
        found.append(Ranker(share, np.argsort(-scores, axis=1, kind="stable"), ndcg))
    return found


def estimates(
    lists: Material, of: list[Ranker], shoppers: Shoppers, impressions: int, seed: int
) -> tuple[list[PolicyValue], float]:
    """Estimates the rankers from a log of the first stage's pages.

    Returns:
        The values, and Kendall's tau between SNIPS and the true nDCG@10.
    """
    grades = lists.training.labels
    pages = shop_rankings(lists.training.scores, 4, 10, 0.3, seed=0)
    log = browse(shoppers, pages, grades, impressions // 10, seed).counts(*grades.shape)
    bias = estimate_propensities(log)
    values = [
        policy_value(
            log,
            bias,
            {str(q): list(map(str, row)) for q, row in enumerate(ranker.order.tolist())},
        )
        for ranker in of
    ]
    snips = [value.snips for value in values]
    tau = stats.kendalltau([ranker.ndcg for ranker in of], snips).statistic
    return values, float(tau)


def sessions(
    lists: Material, worse: Ranker, better: Ranker, shoppers: Shoppers
) -> list[float]:
    """How often interleaving names the better ranker, after each of `SESSIONS`."""
    clicks = clicks_by_team(
        shoppers, worse.order, better.order, lists.training.labels, 10, 20_000, seed=1
    )
    return share_found(clicks, SESSIONS, _ROUNDS, seed=2)


def tables(lists: Material, impressions: int = 200_000) -> str:
    """Two Markdown tables: estimates from logs, and sessions of interleaving."""
    of, populations = rankers(lists), {"eta 1": Shoppers(1.0), "eta 2": Shoppers(2.0)}
    columns = [f"{ranker.share:g}" for ranker in of]
    rows = [["true nDCG@10", *(f"{ranker.ndcg:.4f}" for ranker in of), ""]]
    for name, shoppers in populations.items():
        values, tau = estimates(lists, of, shoppers, impressions, seed=1)
        for kind in ("ips", "snips"):
            means = [f"{getattr(value, kind):.3f}" for value in values]
            last = f"{tau:.2f}" if kind == "snips" else ""
            rows.append([f"{kind.upper()}, {name}", *means, last])
        sizes = [f"{value.effective:,.0f}" for value in values]
        rows.append([f"effective sample, {name}", *sizes, ""])
    by_log = markdown_table(["share of the blend", *columns, "tau"], rows, num_texts=1)
    best = max(of, key=lambda ranker: ranker.ndcg)
    others = [ranker for ranker in of if ranker is not best]
    found = [
        [f"{other.ndcg:.4f}", *(f"{share:.0%}" for share in shares)]
        for other in others
        for shares in [sessions(lists, other, best, populations["eta 1"])]
    ]
    titles = [f"worse than {best.ndcg:.4f}", *(f"{size:,}" for size in SESSIONS)]
    return f"{by_log}\n\n{markdown_table(titles, found, num_texts=1)}\n"
