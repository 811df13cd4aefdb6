"""Measures joint scores of words and patches beside the towers and the re-ranker.

They learn on the candidate lists that the re-ranker learns on, and are measured on the
run's own catalogue and on others, whose photos and queries they have not seen.
"""

import dataclasses
import logging
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.progress import tracked
from fitrank_tf.datasets.catalogue import Catalogue
from fitrank_tf.datasets.iteration import chosen_rows
from fitrank_tf.datasets.splits import ALL, TRAIN
from fitrank_tf.evaluation.ablation import Measured, QueryValues
from fitrank_tf.evaluation.run import QuerySet, measure_queries, own_queries
from fitrank_tf.evaluation.systems import as_run
from fitrank_tf.export.embedding import embed_photos, encode_texts
from fitrank_tf.features.extract import FeatureExtractor
from fitrank_tf.inputs.listwise import ListArrays, ProductTables
from fitrank_tf.inputs.photos import photos
from fitrank_tf.rerank.baselines import ndcg_at_10
from fitrank_tf.rerank.candidates import CandidateLists, Index, list_arrays, retrieve
from fitrank_tf.rerank.joint_score import (
    CrossAttention,
    JointScore,
    LateInteraction,
    graded_softmax_loss,
)
from fitrank_tf.retrieval.choose_index import build_index
from fitrank_tf.retrieval.query_bank import BankedIndex
from fitrank_tf.towers.clip_towers import ClipTowers
from fitrank_tf.towers.tokenise import tokenise
from fitrank_tf.towers.towers import plain_block
from fitrank_tf.training.run import Run

logger = logging.getLogger(__name__)

KINDS: dict[str, Callable[[int], JointScore]] = {
    "late interaction": LateInteraction,
    "cross-attention": CrossAttention,
}
_BATCH = 16
_RERANKED_AT_ONCE, _ENCODED_AT_ONCE = 64, 64
_EPOCHS, _LEARNING_RATE = 3, 1e-3
# Lists of one training; of more a seed draws so many.
_MOST_LISTS = 4000
# Of a joint part beside the re-ranker's score; the validation lists choose one.
_SHARES = (0.0, 0.05, 0.1, 0.2, 0.5, 1.0)
_BETA = 10.0
_TIMED = 30


@dataclasses.dataclass(frozen=True)
class Searched:
    """Products that are searched, N of them, and what is asked.

    Attributes:
        name: in files and tables: its data set, of another catalogue with its number.
        ids: of the products.
        query_set: with judgments.
        tables: of the products.
        patches: float16 [N, P, W], their patch tokens.
    """

    name: str
    ids: Sequence[str]
    query_set: QuerySet
    tables: ProductTables
    patches: np.ndarray


class TokenReader:
    """Word and patch tokens of the fine-tuned towers, without the fusion of features.

    Args:
        towers: CLIP's; SigLIP's text tower gives no tokens.
    """

    def __init__(self, towers: ClipTowers):
        self._towers = towers

    def words(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """float16 [N, T, W], and float32 [N, T]: 1 from the first word to the end mark."""
        towers = self._towers
        tokenizer = towers.tokenizer
        assert tokenizer is not None  # TensorFlow is here
        ids = tokenise(tokenizer, texts, towers.context_length)
        ends = (ids == tokenizer.end_token_id).argmax(axis=1)
        ids = ids[:, : ends.max() + 1]
        places = np.arange(ids.shape[1])
        is_word = (places > 0) & (places <= ends[:, None])
        tokens = [
            towers.backbone.text_encoder({"token_ids": ids[some]})
            for some in _parts(len(ids), "reading words")
        ]
        return _joined(tokens), is_word.astype(np.float32)

    def patches(self, pictures: Iterable[np.ndarray], count: int) -> np.ndarray:
        """float16 [N, P, W].

        Args:
            pictures: batches of photos, uint8 [B, S, S, 3], N in all.
            count: of the batches.
        """
        towers, parts = self._towers, []
        last: list[keras.KerasTensor] = []

        def run_block(
            number: int, block: keras.layers.Layer, tokens: keras.KerasTensor
        ) -> keras.KerasTensor:
            last[:] = [plain_block(number, block, tokens)]
            return last[0]

        for pixels in tracked(pictures, "reading patches", "batches", count):
            towers.pool_images(pixels, run_block)
            parts.append(towers.backbone.vision_encoder.layer_norm(last[0]))
        return _joined(parts)[:, towers.class_tokens :]


def _parts(count: int, what: str) -> Iterator[slice]:
    starts = tracked(range(0, count, _ENCODED_AT_ONCE), what, "batches")
    return (slice(start, start + _ENCODED_AT_ONCE) for start in starts)


def _joined(tokens: Sequence[keras.KerasTensor]) -> np.ndarray:
    return np.concatenate(
        [ops.convert_to_numpy(part).astype(np.float16) for part in tokens]
    )


class JointBatches(keras.utils.PyDataset):
    """Batches of a joint score: patches are gathered when a batch is read.

    Args:
        lists: Q candidate lists.
        words: `TokenReader.words` of their queries.
        patches: float16 [N, P, W], of the catalogue that the positions refer to.
        order: int [Q], of the lists.
    """

    def __init__(
        self,
        lists: ListArrays,
        words: tuple[np.ndarray, np.ndarray],
        patches: np.ndarray,
        order: np.ndarray,
    ):
        super().__init__()
        self._lists, self._words, self._patches = lists, words, patches
        self._order = order

    def __len__(self) -> int:
        return -(-len(self._order) // _BATCH)

    def __getitem__(self, number: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """(inputs of `JointScore.call`, labels [B, L])."""
        rows = self._order[number * _BATCH : (number + 1) * _BATCH]
        lists, (words, is_word) = self._lists, self._words
        inside = lists.positions[rows] >= 0
        inputs = {
            "words": words[rows],
            "is_word": is_word[rows],
            "patches": self._patches[np.maximum(lists.positions[rows], 0)],
            "first_stage": np.where(inside, lists.scores[rows], 0.0),
            "mask": inside.astype(np.float32),
        }
        return inputs, lists.labels[rows]


class JointStudy:
    """Trains the joint scores of a run, and measures them on catalogues.

    Args:
        run: whose stages are kept.
        rows: int [N], ascending rows of its products that are searched.
        query_set: what they are asked.
        elsewhere: other catalogues; of each the products outside its training split are
            searched by the queries of its test products.
        output: folder of the run files.

    Raises:
        FitRankError: if the towers are not CLIP's.
    """

    def __init__(
        self,
        run: Run,
        rows: np.ndarray,
        query_set: QuerySet,
        elsewhere: Sequence[Catalogue],
        output: Path,
    ):
        towers, self._fusion = run.lora.load()
        if not isinstance(towers, ClipTowers):
            raise FitRankError("--study joint reads the words of CLIP's towers alone")
        self._towers, self._reader = towers, TokenReader(towers)
        self._run, self._rows, self._query_set = run, rows, query_set
        self._elsewhere, self._output = elsewhere, output

    def measure(self, seeds: Sequence[int]) -> list[tuple[Searched, list[Measured]]]:
        """The catalogues, each with the systems on it; the last is the re-ranker alone.

        Args:
            seeds: of the trainings of the joint scores.
        """
        models = {kind: [self._trained(kind, seed) for seed in seeds] for kind in KINDS}
        return [
            (one, self._measured(one, models))
            for one in (self._own, *map(self._searched, self._elsewhere))
        ]

    def costs(self) -> str:
        """A Markdown table of what scores cost, for one query and its candidates.

        What of a product does not depend on the query is taken as kept: of the re-ranker
        features and facet probabilities, of the others `JointScore.keep` in half precision.
        """
        lists = self._validation.select(np.arange(1))
        lines = ["| score | CPU ms a query | kB a product |", "| --- | ---: | ---: |"]
        tables = self._run.facet_heads.learned_tables
        [(inputs, _)] = lists.batches(tables, 1)
        reranker = self._run.reranker.load()
        taken = _milliseconds(reranker.predict_on_batch, inputs)
        kept = tables.features[0].nbytes + tables.facet_probs[0].nbytes
        lines.append(f"| re-ranker | {taken:.1f} | {kept / 1e3:.1f} |")
        words = self._reader.words(self._run.lists.of_validation.texts[:1])
        [(inputs, _)] = JointBatches(lists, words, self._patches, np.arange(1))
        for name, kind in KINDS.items():
            model = kind(0)
            model(inputs)
            kept = model.keep(inputs["patches"].astype(np.float32))
            given = [inputs["words"].astype(np.float32), inputs["is_word"], kept]
            taken = _milliseconds(of_kept(model, given).predict_on_batch, given)
            in_half = 2 * np.prod(kept.shape[2:])
            lines.append(f"| {name} | {taken:.1f} | {in_half / 1e3:.1f} |")
        return "\n".join(lines) + "\n"

    @cached_property
    def _patches(self) -> np.ndarray:
        return self._patches_of(self._run.catalogue, np.arange(len(self._run.records)))

    def _patches_of(self, catalogue: Catalogue, rows: np.ndarray) -> np.ndarray:
        batches = self._pictures(catalogue, rows).batch(_ENCODED_AT_ONCE).prefetch(2)
        return self._reader.patches(batches.as_numpy_iterator(), len(batches))

    def _pictures(self, catalogue: Catalogue, rows: np.ndarray) -> tf.data.Dataset:
        return chosen_rows(photos(catalogue, ALL, self._towers.image_size), rows)

    @cached_property
    def _validation(self) -> ListArrays:
        run = self._run
        return run.reranker.validation_lists().at(run.products.validation_rows)

    @cached_property
    def _learned(self) -> tuple[ListArrays, tuple[np.ndarray, np.ndarray]]:
        """Some of the re-ranker's training lists, and their words."""
        run, lists = self._run, self._run.lists
        texts = np.array(lists.of_all.texts + lists.of_held_out.texts)
        arrays = run.reranker.training_lists().at(run.products.ranker_rows)
        draw = np.random.default_rng(run.config.seed).permutation(len(texts))[:_MOST_LISTS]
        return arrays.select(draw), self._reader.words(texts[draw].tolist())

    def _trained(self, kind: str, seed: int) -> tuple[JointScore, float]:
        """(a joint score of the best epoch, its share beside the re-ranker), by validation.

        Epoch 0, which knows nothing, counts too.
        """
        model = KINDS[kind](seed)
        lists, words = self._learned
        chosen = self._validation
        texts = self._run.lists.of_validation.texts
        in_order = np.arange(len(chosen))
        asked = JointBatches(chosen, self._reader.words(texts), self._patches, in_order)
        model.compile(keras.optimizers.Adam(_LEARNING_RATE), graded_softmax_loss)
        model(asked[0][0])
        draw, best = np.random.default_rng(seed), -1.0
        for epoch in range(_EPOCHS + 1):
            if epoch:
                order = draw.permutation(len(lists))
                batches = JointBatches(lists, words, self._patches, order)
                model.fit(batches, verbose=0, shuffle=False)
            scores = model.predict(asked, verbose=0)
            quality = float(ndcg_at_10(scores, chosen.labels).mean())
            logger.info("%s, epoch %d: validation nDCG@10 %.4f", kind, epoch, quality)
            if quality > best:
                best, weights, kept = quality, model.get_weights(), scores
        model.set_weights(weights)
        reranked = self._reranked(chosen, self._run.facet_heads.learned_tables)
        part = _joint_part(model, chosen, kept)
        qualities = [
            float(ndcg_at_10(reranked + share * part, chosen.labels).mean())
            for share in _SHARES
        ]
        share = _SHARES[int(np.argmax(qualities))]
        logger.info("%s: share %.2f beside the re-ranker of %s", kind, share, qualities)
        return model, share

    def _reranked(self, lists: ListArrays, tables: ProductTables) -> np.ndarray:
        """The re-ranker's scores, float32 [Q, L]."""
        model = self._run.reranker.load()
        batches = lists.batches(tables, _RERANKED_AT_ONCE)
        return np.concatenate([model(inputs).numpy() for inputs, _ in batches])

    @cached_property
    def _own(self) -> Searched:
        run, rows = self._run, self._rows
        return Searched(
            run.catalogue.source.dataset,
            run.records.select(rows).ids,
            self._query_set,
            run.facet_heads.tables.select(rows),
            self._patches[rows],
        )

    def _searched(self, catalogue: Catalogue) -> Searched:
        """The products outside the training split of another catalogue."""
        run, records = self._run, catalogue.records(ALL)
        rows = np.flatnonzero([part != TRAIN for part in records.splits])
        records = records.select(rows)
        extractor = FeatureExtractor(run.features.models)
        features = extractor.extract(catalogue.chosen_items(rows), len(rows))
        encode = run.lora.image_encoder(self._towers, self._fusion)
        embeddings = embed_photos(encode, self._pictures(catalogue, rows), features)
        facet_probs = run.facet_heads.heads.predict_all(embeddings, features)
        return Searched(
            f"{catalogue.source.dataset}_{self._elsewhere.index(catalogue) + 1}",
            records.ids,
            own_queries(records, run.config.evaluation, run.config.seed),
            ProductTables(embeddings, features, facet_probs),
            self._patches_of(catalogue, rows),
        )

    def _measured(
        self, searched: Searched, models: dict[str, list[tuple[JointScore, float]]]
    ) -> list[Measured]:
        texts = list(searched.query_set.texts().values())
        encode = self._run.lora.query_encoder(self._run.facet_heads.heads.lexicon)
        encoded = encode_texts(encode, texts)
        depth = self._run.config.reranker.list_size

        def found_by(index: Index) -> CandidateLists:
            return retrieve(index, encoded["embedding"], depth)

        products, (learned, _) = searched.tables.embeddings, self._learned
        banked = found_by(BankedIndex(products, learned.queries, _BETA, build_index))
        found = found_by(build_index(products))
        lists = list_arrays(found, encoded["query_facets"])
        batches = JointBatches(
            lists, self._reader.words(texts), searched.patches, np.arange(len(lists))
        )
        reranked = self._reranked(lists, searched.tables)
        alone, beside = [], []
        for kind, trained in models.items():
            scores = [model.predict(batches, verbose=0) for model, _ in trained]
            both = [
                reranked + share * _joint_part(model, lists, total)
                for (model, share), total in zip(trained, scores)
            ]
            alone.append(self._values(searched, found, kind, scores))
            beside.append(self._values(searched, found, f"re-ranker and {kind}", both))
        first = found.candidates.scores
        return [
            self._values(searched, found, "fine-tuned towers", [first]),
            self._values(searched, banked, "query bank", [banked.candidates.scores]),
            *alone,
            *beside,
            self._values(searched, found, "re-ranker", [reranked]),
        ]

    def _values(
        self,
        searched: Searched,
        lists: CandidateLists,
        name: str,
        scores: Sequence[np.ndarray],
    ) -> Measured:
        """The measures of one system, of each seed's scores [Q, L]."""
        texts, values = searched.query_set.texts(), list[QueryValues]()
        for number, of_seed in enumerate(scores):
            ranking = as_run(texts, searched.ids, lists, of_seed)
            file = f"{searched.name}.{name}.seed_{number}".replace(" ", "_")
            path = self._output / f"{file}.run"
            values.append(measure_queries(searched.query_set, ranking, path, file))
        return Measured(name, values)


def _joint_part(model: JointScore, lists: ListArrays, scores: np.ndarray) -> np.ndarray:
    """What a joint score adds to the towers', [Q, L]; 0 for padding."""
    towers = ops.convert_to_numpy(model.weight) * lists.scores
    return np.where(lists.positions >= 0, scores - towers, 0.0)


def of_kept(model: JointScore, given: Sequence[np.ndarray]) -> keras.Model:
    """The graph of `JointScore.joint`, for inputs of the shapes of some."""
    symbols = [keras.Input(batch_shape=array.shape) for array in given]
    return keras.Model(symbols, model.joint(*symbols))


def _milliseconds(call: Callable[[Any], object], given: Any) -> float:
    """Processor time, the median of some calls after a first one."""
    call(given)
    taken = []
    for _ in range(_TIMED):
        started = time.process_time()
        call(given)
        taken.append(1e3 * (time.process_time() - started))
    return statistics.median(taken)
