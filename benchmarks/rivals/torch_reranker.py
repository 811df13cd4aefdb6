"""The re-ranker of a bundle in PyTorch, on the arrays that `torch_search_files` writes."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional


class Reranker(nn.Module):
    """Scores candidate lists; see `fitrank_tf.rerank.model` for the parts.

    Args:
        weights: {name in `reranker.npz`: array in Keras' layout}.
    """

    def __init__(self, weights: dict[str, np.ndarray]):
        super().__init__()
        tensors = {name: torch.tensor(array) for name, array in weights.items()}
        self.facet_of = tensors["facet_of"]
        self.prob_floor, unit = tensors["prob_floor"], tensors["weight_unit"]
        self.least_chance = float(tensors["least_chance"])
        self.weight = unit * tensors["first_stage_weight"]
        self.match_weight = unit * tensors["match_weight"]
        self.grade_weight = unit * tensors["grade_weight"]
        self.slope = (unit * tensors["chance_slope"]).exp()
        self.shift = unit * tensors["chance_shift"]
        self.is_kind, self.grades = tensors["is_kind"], tensors["grades"]
        self.gate_hidden = _linear(tensors, "gate_hidden")
        self.gate = _linear(tensors, "gate")
        self.query_cross = _linear(tensors, "query_cross")
        self.normalise = _layer_norm(tensors, "normalise", 1e-3)
        hidden = [
            name for name in weights if name.startswith("hidden_") and "kernel" in name
        ]
        self.hidden = nn.ModuleList(
            _linear(tensors, f"hidden_{number}") for number in range(len(hidden))
        )
        self.attention = _Attention(tensors) if "attention/kernel" in tensors else None
        self.cross = _linear(tensors, "cross")
        self.correction = _linear(tensors, "correction")

    def forward(
        self,
        query: torch.Tensor,
        query_facets: torch.Tensor,
        feature_projection: torch.Tensor,
        facet_probs: torch.Tensor,
        first_stage: torch.Tensor,
    ) -> torch.Tensor:
        """Returns scores [B, L].

        Args:
            query: [B, D].
            query_facets: [B, V].
            feature_projection: [B, L, 64].
            facet_probs: [B, L, V].
            first_stage: [B, L].
        """
        facet_mask = (query_facets @ self.facet_of)[:, None, :] > 0.0
        chance = self._chance((query_facets[:, None, :] * facet_probs) @ self.facet_of)
        grade = self._expected_grade(chance, facet_mask)[..., None]
        match = torch.where(
            facet_mask, (self.prob_floor + (1.0 - self.prob_floor) * chance).log(), 0.0
        )
        fit, first = match.sum(dim=-1, keepdim=True), first_stage[..., None]
        crossed = self.query_cross(query)[:, None, :] * feature_projection
        spread = first.var(dim=1, keepdim=True, correction=0)
        hidden = torch.cat(
            [
                match,
                fit / 2.0,
                grade,
                grade - grade.amax(dim=1, keepdim=True),
                (fit - fit.amax(dim=1, keepdim=True)) / 2.0,
                (first - first.amax(dim=1, keepdim=True)) * 10.0,
                (first - first.mean(dim=1, keepdim=True)) / (spread + 1e-6).sqrt(),
                facet_mask.float().expand_as(match),
                self.normalise(crossed),
            ],
            dim=-1,
        )
        for layer in self.hidden:
            hidden = functional.gelu(layer(hidden))
        if self.attention is not None:
            hidden = (1.0 + self.cross(self.attention(hidden))) * hidden
        of_first, of_match, of_grade = self._gates(first, facet_mask).unbind(dim=-1)
        scores = of_first * self.weight * first_stage
        scores = scores + of_match * (match @ self.match_weight)
        scores = scores + of_grade * self.grade_weight * grade[..., 0]
        return scores + self.correction(hidden).squeeze(-1)

    def _chance(self, probs: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(
            self.slope * torch.logit(probs, eps=self.least_chance) + self.shift
        )

    def _expected_grade(
        self, chance: torch.Tensor, facet_mask: torch.Tensor
    ) -> torch.Tensor:
        query_facets = facet_mask.float()
        of_kind = query_facets * self.is_kind
        shares = query_facets * chance * (1.0 - self.is_kind) + of_kind
        count = torch.zeros(*shares.shape[:-1], shares.shape[-1] + 1)
        count[..., 0] = 1.0
        for share in shares.split(1, dim=-1):
            count = count + share * (functional.pad(count[..., :-1], (1, 0)) - count)
        grades = self.grades[query_facets.sum(dim=-1).long()]
        return (count * grades).sum(dim=-1) * (1.0 - of_kind * (1.0 - chance)).prod(dim=-1)

    def _gates(self, first: torch.Tensor, facet_mask: torch.Tensor) -> torch.Tensor:
        query_facets, best = facet_mask.float(), first.amax(dim=1, keepdim=True)
        named = query_facets.sum(dim=-1, keepdim=True)
        ahead = best - first.mean(dim=1, keepdim=True)
        seen = torch.cat([query_facets, named / 4.0, best * 2.0, ahead * 10.0], dim=-1)
        return self.gate(functional.gelu(self.gate_hidden(seen))).exp()


class _Attention(nn.Module):
    """One layer of TF-Ranking's attention over a list."""

    def __init__(self, tensors: dict[str, torch.Tensor]):
        super().__init__()
        self.project = _linear(tensors, "attention")
        self.norm = _layer_norm(tensors, "attention/norm", 1e-12)
        self.query, self.key, self.value = (
            _linear(tensors, f"attention/{part}") for part in ("query", "key", "value")
        )
        self.output = _linear(tensors, "attention/attention_output")
        self.heads = tensors["attention/query/kernel"].shape[1]

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        hidden = functional.relu(self.project(hidden))
        parts = (layer(hidden) for layer in (self.query, self.key, self.value))
        split = [part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts]
        attended = functional.scaled_dot_product_attention(*split)
        return self.norm(hidden + self.output(attended.transpose(1, 2).flatten(2)))


def _linear(tensors: dict[str, torch.Tensor], name: str) -> nn.Linear:
    """Makes a linear layer; attention heads, a separate axis in Keras, are flattened."""
    kernel, bias = tensors[f"{name}/kernel"], tensors[f"{name}/bias"]
    width = bias.numel()
    layer = nn.Linear(kernel.numel() // width, width)
    layer.weight = nn.Parameter(kernel.reshape(-1, width).T.contiguous())
    layer.bias = nn.Parameter(bias.reshape(-1))
    return layer


def _layer_norm(
    tensors: dict[str, torch.Tensor], name: str, epsilon: float
) -> nn.LayerNorm:
    layer = nn.LayerNorm(tensors[f"{name}/gamma"].numel(), eps=epsilon)
    layer.weight = nn.Parameter(tensors[f"{name}/gamma"])
    layer.bias = nn.Parameter(tensors[f"{name}/beta"])
    return layer
