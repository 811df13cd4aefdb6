"""The PyTorch search on the files of a small bundle returns the same results."""

import dataclasses
import types

import numpy as np
import pytest
import tensorflow as tf

from benchmarks.rivals.torch_search_files import write_torch_search
from benchmarks.rivals.torch_search_layout import TEXT_TOWER
from fitrank_tf.config import RerankerConfig
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.packages import missing_packages
from fitrank_tf.datasets.fashion_product_images import DECLARATION
from fitrank_tf.export.graphs.candidate_stage import ExactStage
from fitrank_tf.export.graphs.query_encoder import RequestEncoder
from fitrank_tf.export.graphs.search import Search
from fitrank_tf.export.graphs.served_catalogue import (
    SearchableCatalogue,
    SearchTables,
    ServedCatalogue,
)
from fitrank_tf.export.graphs.served_reranker import ServedReranker
from fitrank_tf.export.graphs.text_match import title_match
from fitrank_tf.export.signatures import DEFAULT_SIGNATURE, save_served
from fitrank_tf.queries.lexicon import FacetLexicon
from fitrank_tf.rerank.model import build_reranker
from fitrank_tf.towers.checkpoints import huggingface as huggingface_clip
from fitrank_tf.towers.checkpoints.safetensors_file import open_file
from fitrank_tf.towers.clip_towers import towers_from_sizes
from fitrank_tf.towers.towers import Towers
from fitrank_tf.towers.vocabulary import learn_vocabulary
from tests.towers import small_towers

pytestmark = pytest.mark.slow

SIZES = dataclasses.replace(small_towers.SIZES, vision_layers=1, text_layers=2)
LEXICON = FacetLexicon(
    (("colour", ("Blue", "Navy Blue", "Red")), ("article_type", ("Kurtas", "Tshirts")))
)
# More products than the candidate list holds.
PRODUCTS, FEATURES = 130, 7
TITLES = ["red check shirt", "women navy blue kurta", "black casual shoes"]
QUERIES = [
    "red check shirt",
    "Navy Blue kurta for WOMEN",
    "blue navy blue tee blue",
    "black casual shoes that are far longer than the ten tokens of a text",
    "t-shirt, men's",
    "café “odd” 漢字",
]


@pytest.fixture(scope="module")
def towers() -> Towers:
    vocabulary = learn_vocabulary(TITLES, 600)
    return towers_from_sizes(SIZES, vocabulary, seed=1)


@pytest.fixture(scope="module")
def bundle(towers, tmp_path_factory):
    """A stand-in for the `LoadedBundle` of a small search."""
    folder = tmp_path_factory.mktemp("bundle")
    towers.save_to_preset(folder / "preset")
    draw = np.random.default_rng(0)
    shapes = [(PRODUCTS, width) for width in (SIZES.embedding_dim, FEATURES, LEXICON.size)]
    embeddings, features, facet_probs = (draw.random(shape, np.float32) for shape in shapes)
    embeddings -= 0.5
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    reranker = build_reranker(
        RerankerConfig(), features, SIZES.embedding_dim, LEXICON.facet_sizes, "article_type"
    )
    # The last layers of an untrained re-ranker are zero and would hide the others.
    for variable in reranker.variables:
        variable.assign(variable + 0.2 * draw.standard_normal(variable.shape))
    models = {
        "query_encoder": RequestEncoder(towers, LEXICON),
        "reranker": ServedReranker(reranker, SIZES.embedding_dim, FEATURES, LEXICON.size),
    }
    loaded = {
        name: tf.saved_model.load(str(save_served(model, folder / name, 1)))
        for name, model in models.items()
    }
    catalogue = SearchableCatalogue(
        tuple(f"p{number}" for number in range(PRODUCTS)),
        tuple(f"{TITLES[number % 3]} {number}" for number in range(PRODUCTS)),
        {},
        SearchTables(
            embeddings,
            reranker.feature_projection(features).numpy(),
            facet_probs,
            100.0 * draw.random((PRODUCTS, 2, 4), np.float32),
        ),
        (),
    )
    held = ServedCatalogue(catalogue)
    parts = (loaded["query_encoder"], loaded["reranker"], held)
    match = title_match(catalogue.titles)
    search = Search(*parts, ExactStage(held, 100), match, LEXICON.facets)
    loaded["search"] = tf.saved_model.load(str(save_served(search, folder / "search", 1)))
    config = {"towers": {"preset": str(folder / "preset")}}
    return types.SimpleNamespace(
        model=loaded.get,
        info=types.SimpleNamespace(
            config=config, facets=LEXICON.facets, declaration=DECLARATION
        ),
        catalogue=catalogue,
    )


@pytest.fixture(scope="module")
def files(bundle, tmp_path_factory):
    folder = tmp_path_factory.mktemp("torch_search")
    write_torch_search(bundle, folder)
    return folder


def test_the_text_towers_tensors_are_read_back_to_the_same_embeddings(
    towers, files
) -> None:
    vocabulary = towers.tokenizer.vocabulary_size()
    blank = towers_from_sizes(SIZES, towers.tokenizer, seed=2)
    tensors = open_file(files / TEXT_TOWER, huggingface_clip.WEIGHTS_NAME)
    rows = blank.tokenizer.vocabulary_size()
    huggingface_clip._fill_text(blank.backbone, tensors, rows)
    tensors.refuse_left_over()
    start, end = vocabulary - 2, vocabulary - 1
    tokens = np.array([[start, 5, 9, 40, 3, end, 0, 0, 0, 0], [start, 70, end, *[0] * 7]])
    np.testing.assert_allclose(
        blank.encode_tokens(tokens), towers.encode_tokens(tokens), atol=1e-6
    )


def test_a_bundle_without_a_preset_has_no_tokenizer_to_write(tmp_path) -> None:
    info = types.SimpleNamespace(config={"towers": {"preset": ""}})
    with pytest.raises(FitRankError, match="from no preset"):
        write_torch_search(types.SimpleNamespace(info=info), tmp_path)


def test_pytorch_returns_the_same_products_and_scores(bundle, files) -> None:
    line = missing_packages("PyTorch", ("torch", "transformers", "faiss"))
    if line:
        pytest.skip(line)
    from benchmarks.rivals.torch_search import TorchSearch

    theirs = TorchSearch(files)
    encode = bundle.model("query_encoder").signatures[DEFAULT_SIGNATURE]
    ours = encode(query=tf.constant(QUERIES))
    for row, query in enumerate(QUERIES):
        np.testing.assert_allclose(
            theirs.encode(query)[0], ours["embedding"][row], atol=1e-5
        )
        read = theirs.read(query)
        np.testing.assert_allclose(read.facets, ours["query_facets"][row])
        assert " ".join(read.words).encode() == ours["words"][row].numpy()
        colours = ours["colours"][row][: len(read.colours)]
        np.testing.assert_allclose(read.colours, colours, rtol=1e-6)
    search = bundle.model("search").signatures[DEFAULT_SIGNATURE]
    found = search(query=tf.constant(QUERIES))
    for row, query in enumerate(QUERIES):
        result = theirs.search(query)
        np.testing.assert_allclose(result.scores, found["scores"][row], atol=1e-3)
        ids = [one.decode() for one in found["ids"][row].numpy()]
        assert result.ids[:10] == ids[:10]
