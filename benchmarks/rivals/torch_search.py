"""The search of a bundle, written with PyTorch, transformers and faiss.

It is what a shop would write without this project: read the query's words, encode it, find
the nearest 100 products and the 50 whose titles match best, re-rank them, and count how far
their colours are from those that the query names. Reads the files that
`torch_search_files` writes.
"""

import dataclasses
import json
from pathlib import Path

import faiss
import numpy as np
import torch
import transformers
from torch.nn import functional

from benchmarks.rivals.query_words import QueryReader
from benchmarks.rivals.torch_reranker import Reranker
from benchmarks.rivals.torch_search_layout import (
    CATALOGUE,
    PRODUCTS,
    READER,
    RERANKER,
    TEXT_TOWER,
    TITLES,
)
from fitrank_tf.core.ciede2000 import difference

_LIST_SIZE = 100
_BY_TITLE = 50
_TEXT_WEIGHT, _COLOUR_WEIGHT = 3.0, 0.05
# Distance of a product without a palette.
_NO_PALETTE = np.float32(120.0)


@dataclasses.dataclass(frozen=True)
class SearchResult:
    """The products of one query, best first.

    Attributes:
        ids: product ids.
        titles: product titles.
        scores: scores of the re-ranker, with what title and colours add.
    """

    ids: list[str]
    titles: list[str]
    scores: list[float]


class TitleMatch:
    """BM25 of words against the products' titles.

    Args:
        file: JSON with the parts of a `Bm25Index` and the number of products, `size`.
    """

    def __init__(self, file: Path):
        held = json.loads(file.read_text(encoding="utf-8"))
        self._terms, self._size = held["terms"], held["size"]
        products, weights = np.array(held["products"]), np.array(held["weights"])
        splits = held["splits"][1:-1]
        self._products = np.split(products.astype(np.int64), splits)
        self._weights = np.split(weights.astype(np.float32), splits)

    def __call__(self, words: list[str]) -> torch.Tensor:
        """Returns float32 [N], from 0 to 1 for the title that matches best."""
        scores = np.zeros(self._size, np.float32)
        for term in {self._terms[word] for word in words if word in self._terms}:
            scores[self._products[term]] += self._weights[term]
        return torch.from_numpy(scores / max(scores.max(), np.float32(1e-9)))


class TorchSearch:
    """The whole search.

    Args:
        folder: directory with the files of `write_torch_search`.
    """

    def __init__(self, folder: Path):
        tower = folder / TEXT_TOWER
        self._tokenizer = transformers.CLIPTokenizer.from_pretrained(tower)
        self._encoder = transformers.CLIPTextModelWithProjection.from_pretrained(
            tower, dtype=torch.float32
        ).eval()
        with np.load(folder / RERANKER) as weights:
            self._reranker = Reranker(dict(weights)).eval()
        with np.load(folder / CATALOGUE) as tables:
            self._embeddings = torch.from_numpy(tables["embeddings"])
            self._index = faiss.IndexFlatIP(self._embeddings.shape[1])
            self._index.add(tables["embeddings"])
            self._projections = torch.from_numpy(tables["feature_projection"])
            self._facet_probs = torch.from_numpy(tables["facet_probs"])
            self._palettes = tables["palette"]
        products = json.loads((folder / PRODUCTS).read_text(encoding="utf-8"))
        self._ids, self._titles = products["ids"], products["titles"]
        self.read = QueryReader(folder / READER)
        self._title_match = TitleMatch(folder / TITLES)

    @torch.inference_mode()
    def search(self, text: str) -> SearchResult:
        """Returns the best products of a text."""
        query, embedding = self.read(text), self.encode(text)
        count = min(_LIST_SIZE, len(self._ids))
        found, places = self._index.search(embedding.numpy(), count)
        match = self._title_match(query.words)
        best, by_title = match.topk(min(_BY_TITLE, len(match)))
        more = by_title[best > 0.0]
        more = more[~torch.isin(more, torch.from_numpy(places[0]))]
        rows = torch.cat([torch.from_numpy(places[0]), more])
        near = torch.cat(
            [torch.from_numpy(found[0]), self._embeddings[more] @ embedding[0]]
        )
        scores = self._reranker(
            embedding,
            torch.from_numpy(query.facets)[None],
            self._projections[rows][None],
            self._facet_probs[rows][None],
            near[None],
        )[0]
        scores = scores + _TEXT_WEIGHT * match[rows]
        if len(query.colours):
            apart = palette_distance(query.colours, self._palettes[rows.numpy()])
            scores -= _COLOUR_WEIGHT * torch.from_numpy(apart)
        scores, order = scores.topk(count)
        kept = rows[order].tolist()
        return SearchResult(
            [self._ids[n] for n in kept], [self._titles[n] for n in kept], scores.tolist()
        )

    @torch.inference_mode()
    def encode(self, text: str) -> torch.Tensor:
        """Returns the unit embedding of a text, float32 [1, D]."""
        tokens = self._tokenizer([text], truncation=True, return_tensors="pt")
        return functional.normalize(self._encoder(**tokens).text_embeds, dim=-1)


def palette_distance(colours: np.ndarray, palettes: np.ndarray) -> np.ndarray:
    """Mean CIEDE2000 distance of palettes from the nearest of the asked colours.

    Args:
        colours: float32 [C, 4], CIE L, a, b and the weight of each.
        palettes: float32 [L, P, 4], CIE L, a, b and shares.

    Returns:
        float32 [L].
    """
    apart = difference(palettes[:, None, :, :3], colours[None, :, None, :3], np)
    shares = palettes[..., 3]
    total = shares.sum(axis=1)
    mean = (apart * shares[:, None]).sum(axis=2) / np.maximum(total, 1e-9)[:, None]
    mean = colours[:, 3] * np.where(total[:, None] > 0.0, mean, _NO_PALETTE)
    return mean.min(axis=1).astype(np.float32)
