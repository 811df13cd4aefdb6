"""The stages of a training run, each from finished stages to files.

base      the CLIP towers: from a preset, or trained from nothing
detector  YOLOv8: a preset, or trained on drawn garments with exact boxes
features  boxes, colours, texture, attributes and appearance of every product
lora      LoRA and feature fusion on the frozen base
facets    heads that tell a product's facets from embedding and features
crops     the fine-tuned towers' embeddings of the garment boxes; only a study asks for them
lists     the fine-tuned towers' candidates of a split's own queries, with their grades
reranker  the listwise model over the fine-tuned towers' candidates
export    the bundle: SavedModels and bundle.json
evaluate  the three systems, measured on what was exported
"""

import contextlib
import dataclasses
import logging
import shutil
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path

import keras
import numpy as np

from fitrank_tf._legacy import tf_keras
from fitrank_tf.config import ContrastiveConfig, RunConfig
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.shipped import (
    find_shipped,
    folder_fingerprint,
    folder_here_or_shipped,
)
from fitrank_tf.datasets.catalogue import (
    Catalogue,
    CatalogueRecords,
    CatalogueSource,
    open_catalogue,
)
from fitrank_tf.datasets.splits import ALL, TRAIN, VALIDATION, hash_fraction, title_key
from fitrank_tf.export.embedding import embed_photos, encode_texts
from fitrank_tf.export.graphs.image_encoder import PIXELS_SIGNATURE, FusedImageEncoder
from fitrank_tf.export.graphs.query_encoder import AskingQueryEncoder
from fitrank_tf.export.signatures import DEFAULT_SIGNATURE
from fitrank_tf.features.attributes.seen import with_seen_attributes
from fitrank_tf.features.extract import FeatureExtractor, feature_schema
from fitrank_tf.features.feature_models import FeatureModels, heads_fingerprint, load_heads
from fitrank_tf.features.garment.detector import Detector, preset_fingerprint
from fitrank_tf.features.garment.detector_training import train_detector
from fitrank_tf.inputs.contrastive import contrastive_batches
from fitrank_tf.inputs.contrastive_table import ContrastiveTable
from fitrank_tf.inputs.listwise import ListArrays, ProductTables, no_lists
from fitrank_tf.inputs.microbatches import split_into_microbatches
from fitrank_tf.inputs.photos import chosen_photos, garment_photos, photos
from fitrank_tf.queries.grades import GAINS
from fitrank_tf.queries.judgments import Judge
from fitrank_tf.queries.lexicon import FacetLexicon
from fitrank_tf.queries.query_sets import facet_queries, title_queries
from fitrank_tf.queries.texts import (
    asked_codes,
    facet_codes,
    text_groups,
    training_texts,
)
from fitrank_tf.rerank.candidates import (
    CandidateLists,
    list_arrays,
    retrieve,
    with_labels,
    with_positives,
    worth_learning,
)
from fitrank_tf.rerank.facet_heads import FacetHeads, cross_fitted
from fitrank_tf.rerank.model import (
    FORM,
    Reranker,
    build_reranker,
    train_reranker,
)
from fitrank_tf.retrieval.choose_index import build_index
from fitrank_tf.towers.fusion import FeatureFusion, new_fusion
from fitrank_tf.towers.lora import apply_lora
from fitrank_tf.towers.presets import towers_from_preset
from fitrank_tf.towers.tokenise import tokenise
from fitrank_tf.towers.towers import Towers, count_parameters, towers_from_sizes
from fitrank_tf.towers.training.callbacks import TensorBoardLog
from fitrank_tf.towers.training.feature_prediction import FeaturePrediction, new_prediction
from fitrank_tf.towers.training.grad_cache import new_contrastive_model
from fitrank_tf.towers.training.loop import train_contrastive
from fitrank_tf.towers.training.strategies import Strategy
from fitrank_tf.towers.vocabulary import learn_vocabulary
from fitrank_tf.training.work_dir import WorkDir

logger = logging.getLogger(__name__)

_PRESET, _FUSION, _EMBEDDINGS = "preset", "fusion.npz", "embeddings.npy"
_ADAPTERS, _LOGS = "adapters.npz", "logs"
_HELD_OUT, _HELD_OUT_QUERIES = "held_out", 4
_ANSWERS, _CROSS_ANSWERS = "answers.npy", "cross_answers.npy"
_FEATURES, _DETECTOR, _RERANKER = "features.npy", "detector", "reranker.weights.h5"
_LISTS, _CROPS = "lists.npz", "crops.npy"


def _decisive(config: ContrastiveConfig) -> dict:
    """The fields that a training's result depends on."""
    fields = dataclasses.asdict(config)
    del fields["checkpoint_minutes"]
    return fields


def _as_retrieved(lists: CandidateLists, *_) -> CandidateLists:
    return lists


def _tell_share(adapters: int, fusion: FeatureFusion, total: int) -> None:
    learned = adapters + count_parameters(fusion.trainable_variables)
    share = 100 * learned / (total + learned - adapters)
    logger.info("with the fusion of the features %d are trained (%.1f %%)", learned, share)


class TrainingRun:
    """One run over one catalogue; a stage that is asked for makes those it needs.

    Args:
        config: the run's.
        catalogue: products to train on.
        work: where finished stages are kept.
        verbose: Keras' progress, 1 for a bar, 2 for a line an epoch.
        strategy: spreads the towers' training over devices; None is Keras' own device.
    """

    def __init__(
        self,
        config: RunConfig,
        catalogue: Catalogue,
        work: WorkDir,
        verbose: int,
        strategy: Strategy | None = None,
    ):
        self.config, self.catalogue = config, catalogue
        self._work, self._verbose = work, verbose
        # The towers are built and trained in it.
        self._scope = contextlib.nullcontext if strategy is None else strategy.scope
        self.schema = feature_schema()

    @cached_property
    def records(self) -> CatalogueRecords:
        """All products; the row numbers below refer to them."""
        return self.catalogue.records(ALL)

    @cached_property
    def tower_rows(self) -> np.ndarray:
        """Training products that the towers learn from, rising row numbers."""
        return np.flatnonzero(self._in_split(TRAIN) & ~self._held_out)

    @cached_property
    def ranker_rows(self) -> np.ndarray:
        """Products that the re-ranker learns from: all training products."""
        return np.flatnonzero(self._in_split(TRAIN))

    @cached_property
    def held_out_rows(self) -> np.ndarray:
        """Those of `ranker_rows` that the towers do not learn from."""
        return np.flatnonzero(self._in_split(TRAIN) & self._held_out)

    @cached_property
    def validation_rows(self) -> np.ndarray:
        """Products that choose the re-ranker's epoch."""
        return np.flatnonzero(self._in_split(VALIDATION))

    @cached_property
    def _held_out(self) -> np.ndarray:
        share = self.config.reranker.holdout_share
        keys = (
            title_key(text) or item
            for item, text in zip(self.records.ids, self.records.texts)
        )
        return np.array([hash_fraction(f"ranker:{key}") < share for key in keys])

    def _in_split(self, split: str) -> np.ndarray:
        return np.array([part == split for part in self.records.splits])

    def rows_of(self, rows: np.ndarray) -> CatalogueRecords:
        """The records of some rows."""
        return self.records.select(rows)

    # === Keys: all that a stage's result depends on ===

    @cached_property
    def _base_key(self) -> dict:
        folder = folder_here_or_shipped(self.config.towers.preset)
        preset = {} if folder is None else {"preset": folder_fingerprint(folder)}
        if folder is not None and not self.config.base.epochs:
            return {**preset, "image_size": self.config.towers.image_size}
        told = self._features_key if self.config.base.feature_weight else {}
        return {
            **preset,
            **told,
            "catalogue": self.catalogue.fingerprint,
            "seed": self.config.seed,
            "towers": dataclasses.asdict(self.config.towers),
            "base": _decisive(self.config.base),
            "holdout_share": self.config.reranker.holdout_share,
        }

    @cached_property
    def _detector_key(self) -> dict:
        preset = self.config.detector.preset
        if preset:
            return {"detector": preset_fingerprint(find_shipped(preset))}
        return {"detector": dataclasses.asdict(self.config.detector)}

    @cached_property
    def _heads_key(self) -> dict:
        return {"heads": heads_fingerprint(self._heads_folder)}

    @property
    def _features_key(self) -> dict:
        schema = self.schema.to_json()
        return {
            "catalogue": self.catalogue.fingerprint,
            "schema": schema,
            **self._heads_key,
            **self._detector_key,
        }

    @property
    def _lora_key(self) -> dict:
        return {
            "base": self._base_key,
            "catalogue": self.catalogue.fingerprint,
            "features": self._features_key,
            "lora": dataclasses.asdict(self.config.lora),
            "training": _decisive(self.config.lora_training),
            "holdout_share": self.config.reranker.holdout_share,
            "seed": self.config.seed,
        }

    @property
    def _facet_heads_key(self) -> dict:
        return {
            "lora": self._lora_key,
            "facet_heads": dataclasses.asdict(self.config.facet_heads),
        }

    def _lists_key(self, name: str, times: int, complete: Callable) -> dict:
        config = self.config.reranker
        return {
            "completed": complete.__name__,
            "lora": self._lora_key,
            "lexicon": self.facet_heads.lexicon.to_json(),
            "list_size": config.list_size,
            "queries_per_product": times * config.queries_per_product,
            "seed": self.config.seed,
            "products": name,
        }

    @property
    def _reranker_key(self) -> dict:
        return {
            "form": FORM,
            "gains": GAINS,
            "facet_heads": self._facet_heads_key,
            "reranker": dataclasses.asdict(self.config.reranker),
        }

    def _stage(self, name: str, key: dict, make: Callable[[Path], None]) -> Path:
        folder = self._work.folder(name, key)
        if not self._work.is_finished(folder):
            logger.info("=== %s ===", name)
            with self._work.making(folder) as unfinished:
                make(unfinished)
        return folder

    # === base ===

    @cached_property
    def base_preset(self) -> Path:
        """Preset folder of the base towers."""
        return self._stage("base", self._base_key, self._make_base) / _PRESET

    def load_base(self) -> Towers:
        """The base towers, freshly loaded."""
        return towers_from_preset(str(self.base_preset), self.config.towers.context_length)

    def _make_base(self, folder: Path) -> None:
        config = self.config.base
        # Other stages are made outside the scope.
        features = self.features if config.epochs and config.feature_weight else None
        with self._scope():
            towers = self.new_towers()
            logger.info(
                "towers: %s parameters", f"{count_parameters(towers.backbone.weights):,}"
            )
            if config.epochs:
                if self.config.towers.preset:
                    config = dataclasses.replace(config, temperature=towers.temperature)
                model = new_contrastive_model(
                    towers, None, config, self.config.seed, self._new_prediction(towers)
                )
                self._train(model, towers, config, features, folder)
        towers.save_to_preset(folder / _PRESET)

    def _new_prediction(self, towers: Towers) -> FeaturePrediction | None:
        if not self.config.base.feature_weight:
            return None
        width = towers.backbone.vision_encoder.hidden_dim
        return new_prediction(width, self.features[self.tower_rows])

    def new_towers(self) -> Towers:
        """The base towers before their training."""
        config = self.config.towers
        if config.preset:
            towers = towers_from_preset(config.preset, config.context_length)
            return towers.with_image_size(config.image_size or towers.image_size)
        titles = self.rows_of(self.tower_rows)
        texts = [
            text.text
            for texts in training_texts(titles, self.config.seed)
            for text in texts
        ]
        tokenizer = learn_vocabulary(texts, config.vocabulary_size)
        return towers_from_sizes(config, tokenizer, self.config.seed)

    def _train(
        self, model, towers, config, features: np.ndarray | None, folder: Path
    ) -> None:
        table = self.contrastive_table(towers, features)
        everything = photos(self.catalogue, ALL, towers.image_size)
        batches, steps = contrastive_batches(
            chosen_photos(everything, self.tower_rows),
            table,
            config.batch_size,
            self.config.seed,
        )
        if config.accumulation > 1 and len(self.tower_rows) < config.batch_size:
            raise FitRankError(
                f"batches of {config.batch_size} in {config.accumulation} parts need as "
                f"many products, the training split has {len(self.tower_rows)}; set a "
                "smaller batch_size"
            )
        batches, steps = split_into_microbatches(batches, steps, config.accumulation)
        board = TensorBoardLog(folder / _LOGS, config.batch_size / config.accumulation)
        train_contrastive(
            model, batches, steps, config, folder / "backup", self._verbose, [board]
        )
        shutil.rmtree(folder / "backup", ignore_errors=True)

    def contrastive_table(
        self, towers: Towers, features: np.ndarray | None
    ) -> ContrastiveTable:
        """What the towers learn of their products beside the photos."""
        products = self.rows_of(self.tower_rows)
        texts = training_texts(products, self.config.seed)
        flat = tokenise(
            towers.tokenizer,
            [text.text for product in texts for text in product],
            towers.context_length,
        )
        product_codes = facet_codes(products)
        return ContrastiveTable(
            token_ids=flat.reshape(len(products), -1, towers.context_length),
            groups=text_groups(products),
            product_codes=product_codes,
            text_codes=asked_codes(texts, product_codes),
            features=None if features is None else features[self.tower_rows],
        )

    # === detector and features ===

    @cached_property
    def detector(self) -> Detector:
        """A trained detector: the preset, or trained here."""
        if self.config.detector.preset:
            return Detector.load(find_shipped(self.config.detector.preset))
        folder = self._stage("detector", self._detector_key, self._make_detector)
        return Detector.load(folder / _DETECTOR)

    def _make_detector(self, folder: Path) -> None:
        drawn = open_catalogue(CatalogueSource())
        network = train_detector(drawn.items(TRAIN), self.config.detector)
        Detector.from_network(network).save(folder / _DETECTOR)

    @cached_property
    def _heads_folder(self) -> Path:
        return find_shipped(self.config.feature_heads)

    @property
    def feature_models(self) -> FeatureModels:
        """What the features are made with."""
        return FeatureModels(self.detector, load_heads(self._heads_folder))

    @cached_property
    def features(self) -> np.ndarray:
        """float32 [N, F] features of all products."""
        folder = self._stage("features", self._features_key, self._make_features)
        return np.load(folder / _FEATURES)

    def _make_features(self, folder: Path) -> None:
        extractor = FeatureExtractor(self.feature_models)
        features = extractor.extract(self.catalogue.items(ALL), len(self.records))
        np.save(folder / _FEATURES, features)

    # === lora ===

    @cached_property
    def _lora_folder(self) -> Path:
        return self._stage("lora", self._lora_key, self._make_lora)

    def load_tuned(self) -> tuple[Towers, FeatureFusion]:
        """The fine-tuned towers, adapters merged, and their fusion."""
        towers = towers_from_preset(
            str(self._lora_folder / _PRESET), self.config.towers.context_length
        )
        fusion = self._new_fusion(towers)
        with np.load(self._lora_folder / _FUSION) as arrays:
            fusion.set_weights([arrays[f"arr_{i}"] for i in range(len(arrays))])
        return towers, fusion

    @cached_property
    def embeddings(self) -> np.ndarray:
        """float32 [N, D] fine-tuned embeddings of all products."""
        return np.load(self._lora_folder / _EMBEDDINGS)

    def _new_fusion(self, towers: Towers) -> FeatureFusion:
        config = self.config.lora
        masks = np.stack([self.schema.group_mask([group]) for group in self.schema.groups])
        dropout, seed = config.feature_dropout, self.config.seed
        return new_fusion(config.fusion, towers, masks, dropout, seed)

    def _make_lora(self, folder: Path) -> None:
        # Other stages are made outside the scope.
        features, base = self.features, self.base_preset
        logger.info("fine-tuning %s", base)
        with self._scope():
            towers = self.load_base()
            keras.utils.set_random_seed(self.config.seed)
            adapted = apply_lora(towers.backbone, self.config.lora)
            fusion = self._new_fusion(towers)
            seen = self.schema.group_mask(self.config.lora.feature_groups)
            fusion.adapt(features[self.tower_rows], seen)
            _tell_share(adapted.trainable, fusion, adapted.total)
            training = dataclasses.replace(
                self.config.lora_training, temperature=towers.temperature
            )
            model = new_contrastive_model(towers, fusion, training, self.config.seed)
            self._train(model, towers, training, features, folder)
        adapted.save(folder / _ADAPTERS)
        towers.save_to_preset(folder / _PRESET)
        np.savez(folder / _FUSION, *fusion.get_weights())
        encode = self._encode_with_features(towers, fusion)
        everything = photos(self.catalogue, ALL, towers.image_size)
        np.save(folder / _EMBEDDINGS, embed_photos(encode, everything, features))

    def _encode_with_features(self, towers: Towers, fusion: FeatureFusion) -> Callable:
        encoder = FusedImageEncoder(towers, fusion, self.schema.size)
        return encoder.signatures()[PIXELS_SIGNATURE]

    # === crops ===

    @cached_property
    def crop_embeddings(self) -> np.ndarray:
        """float32 [N, D] fine-tuned embeddings of all products' garment boxes alone."""
        folder = self._stage("crops", self._lora_key, self._make_crops)
        return np.load(folder / _CROPS)

    def _make_crops(self, folder: Path) -> None:
        towers, fusion = self.load_tuned()
        boxes = self.features[:, self.schema.slice("garment_box")]
        crops = garment_photos(self.catalogue, ALL, towers.image_size, boxes)
        encode = self._encode_with_features(towers, fusion)
        np.save(folder / _CROPS, embed_photos(encode, crops, self.features))

    # === facet heads ===

    @cached_property
    def _facet_heads_folder(self) -> Path:
        return self._stage("facet_heads", self._facet_heads_key, self._make_facet_heads)

    @cached_property
    def facet_heads(self) -> FacetHeads:
        """What tells a product's facets."""
        return FacetHeads.load(self._facet_heads_folder, self.config.facet_heads)

    @cached_property
    def product_tables(self) -> ProductTables:
        """What the models know of all products."""
        facet_probs = np.load(self._facet_heads_folder / _ANSWERS)
        return ProductTables(self.embeddings, self.features, facet_probs)

    @property
    def ranker_tables(self) -> ProductTables:
        """The same of `ranker_rows`, answered by heads that have not learned them."""
        facet_probs = np.load(self._facet_heads_folder / _CROSS_ANSWERS)
        rows = self.ranker_rows
        return ProductTables(self.embeddings[rows], self.features[rows], facet_probs)

    @property
    def _seen_by_heads(self) -> np.ndarray:
        """float32 [F], 1 for what the heads see.

        What names colours has learned the training products' own names: of them it says
        more than of others, and heads would rely on that.
        """
        seen = self.schema.group_mask(self.config.facet_heads.feature_groups)
        seen[self.schema.slice("colour_names")] = 0.0
        return seen

    def _make_facet_heads(self, folder: Path) -> None:
        rows = self.ranker_rows
        learned = with_seen_attributes(self.rows_of(rows), self.features[rows], self.schema)
        lexicon = FacetLexicon.of(learned)
        logger.info("facets and their values: %s", lexicon.facet_sizes)
        heads, cross_answers = cross_fitted(
            lexicon,
            lexicon.codes(learned),
            self.embeddings[rows],
            self.features[rows],
            self._seen_by_heads,
            self.config.facet_heads,
            self.config.seed,
        )
        heads.save(folder)
        np.save(folder / _CROSS_ANSWERS, cross_answers)
        np.save(folder / _ANSWERS, heads.answer_all(self.embeddings, self.features))

    # === reranker ===

    def load_reranker(self) -> Reranker:
        """The trained re-ranker."""
        folder = self._stage("reranker", self._reranker_key, self._make_reranker)
        model = self._new_reranker()
        model.load_weights(folder / _RERANKER)
        return model

    def _new_reranker(self) -> Reranker:
        tf_keras.utils.set_random_seed(self._reranker_seed)
        return build_reranker(
            self.config.reranker,
            self.features[self.tower_rows],
            self.embeddings.shape[1],
            self.facet_heads.lexicon.facet_sizes,
        )

    @property
    def _reranker_seed(self) -> int:
        return self.config.seed + self.config.reranker.seed

    def _make_reranker(self, folder: Path) -> None:
        config = self.config.reranker
        learned, chosen = self.lists_to_learn(), self.lists_to_choose_by()
        logger.info(
            "re-ranker: %d lists to learn, %d to choose by", len(learned), len(chosen)
        )
        model = self._new_reranker()
        tables = self.product_tables.select(self.validation_rows)
        train_reranker(
            model,
            learned.shuffled(self._reranker_seed).batches(
                self.ranker_tables, config.batch_size
            ),
            chosen.batches(tables, config.batch_size) if len(chosen) else None,
            config,
            folder,
            self._verbose,
        )
        model.save_weights(folder / _RERANKER)

    # === candidate lists ===

    def load_query_encoder(self) -> Callable:
        """What gives texts their fine-tuned `embedding` and what they ask for, `asked`."""
        towers, _ = self.load_tuned()
        encoder = AskingQueryEncoder(towers, self.facet_heads.lexicon)
        return encoder.signatures()[DEFAULT_SIGNATURE]

    def lists_to_learn(self) -> ListArrays:
        """Those of `ranker_rows`, positions among them.

        Among products that the towers have learned the first stage is surer than it will
        be of others. So the few that they have not seen are asked for once more, among
        themselves, by more queries each.

        Raises:
            FitRankError: if there are none.
        """
        held_out = self._labelled_lists(
            _HELD_OUT, self.held_out_rows, with_positives, _HELD_OUT_QUERIES
        )
        places = np.searchsorted(self.ranker_rows, self.held_out_rows)
        lists = self.lists_of_all().followed_by(held_out.at(places))
        if not len(lists):
            raise FitRankError(
                f"the re-ranker has nothing to learn from: {len(self.ranker_rows)} "
                "products to train on, and no candidate list has two grades; give a "
                "larger catalogue"
            )
        return lists

    def lists_of_all(self) -> ListArrays:
        """Those of `ranker_rows` among all of them."""
        return self._labelled_lists(TRAIN, self.ranker_rows, with_positives)

    def lists_to_choose_by(self) -> ListArrays:
        """Those of `validation_rows`, nothing added to what was retrieved."""
        return self._labelled_lists(VALIDATION, self.validation_rows, _as_retrieved)

    def _labelled_lists(
        self, name: str, rows: np.ndarray, complete: Callable, times: int = 1
    ) -> ListArrays:
        """Candidate lists of some products' own queries, among those products alone.

        They are kept: re-rankers of any seed, loss and facet heads have them in common.

        Args:
            name: of the products.
            rows: their rising row numbers.
            complete: `with_positives`, or what takes the same and adds nothing.
            times: so many times the configured facet queries a product are asked.
        """
        make = partial(self._make_lists, rows, complete, times)
        folder = self._stage("lists", self._lists_key(name, times, complete), make)
        with np.load(folder / _LISTS) as arrays:
            return ListArrays(**arrays)

    def _make_lists(
        self, rows: np.ndarray, complete: Callable, times: int, folder: Path
    ) -> None:
        np.savez(folder / _LISTS, **vars(self._new_lists(rows, complete, times)))

    def _new_lists(self, rows: np.ndarray, complete: Callable, times: int) -> ListArrays:
        config = self.config.reranker
        records = self.rows_of(rows)
        count = times * config.queries_per_product * len(rows)
        queries = title_queries(records) + facet_queries(records, count, self.config.seed)
        if not queries:
            return no_lists(
                self.embeddings.shape[1], self.facet_heads.lexicon.size, config.list_size
            )
        encoded = encode_texts(self.load_query_encoder(), [query.text for query in queries])
        embeddings, judge = self.embeddings[rows], Judge(records)
        lists = retrieve(build_index(embeddings), encoded["embedding"], config.list_size)
        lists = complete(with_labels(lists, queries, judge), queries, judge, embeddings)
        return list_arrays(lists, encoded["query_facets"]).select(
            worth_learning(lists.labels)
        )
