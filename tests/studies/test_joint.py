"""The study of joint scores: its tokens, its batches, and the command."""

import numpy as np
import pytest

from fitrank_tf.cli import ablate
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.inputs.listwise import ListArrays
from fitrank_tf.studies.joint import KINDS, JointBatches, TokenReader, of_kept
from fitrank_tf.towers.tokenise import tokenise
from tests.evaluation.run_files import read_run
from tests.towers.small_towers import small_towers

TEXTS = ["red check shirt", "", "women navy blue kurta", "black " * 30]


@pytest.fixture(scope="module")
def reader() -> TokenReader:
    return TokenReader(small_towers())


def test_words_are_the_text_towers_tokens(reader: TokenReader) -> None:
    """The end mark's token, projected, is the text's embedding."""
    towers = small_towers()
    words, is_word = reader.words(TEXTS)
    ends = is_word.shape[1] - 1 - is_word[:, ::-1].argmax(axis=1)
    tokens = words[np.arange(len(TEXTS)), ends].astype("float32")
    embedded = np.asarray(towers.backbone.text_projection(tokens))
    embedded = embedded / np.linalg.norm(embedded, axis=1, keepdims=True)
    ids = tokenise(towers.tokenizer, TEXTS, towers.context_length)
    np.testing.assert_allclose(embedded, towers.encode_tokens(ids), atol=5e-3)
    # A start, the words of the text with its end, padding.
    assert (is_word[:, 0] == 0).all()
    assert is_word[1].sum() == 1
    assert is_word[3].sum() == towers.context_length - 1


def test_patches_are_the_image_towers_tokens(reader: TokenReader) -> None:
    towers = small_towers()
    pixels = np.random.default_rng(0).integers(0, 255, (5, 32, 32, 3)).astype("uint8")
    patches = reader.patches([pixels[:3], pixels[3:]], 2)
    encoder = towers.backbone.vision_encoder
    whole = np.asarray(encoder({"images": towers.normalise(pixels)}))
    assert patches.shape == (5, 4, 24)
    np.testing.assert_allclose(patches, whole[:, 1:], atol=5e-3)


def test_batches_gather_what_the_lists_name() -> None:
    draw = np.random.default_rng(0)
    count, size = 20, 3
    positions = draw.integers(-1, 6, (count, size)).astype("int32")
    numbers = draw.normal(size=(count, size)).astype("float32")
    lists = ListArrays(numbers, numbers, positions, numbers, numbers, numbers)
    words = np.arange(count)[:, None, None], np.ones((count, 1))
    patches = np.arange(6)[:, None, None]
    order = draw.permutation(count)
    batches = JointBatches(lists, words, patches, order)
    seen = [batches[number] for number in range(len(batches))]
    assert [len(labels) for _, labels in seen] == [16, 4]
    joined = {name: np.concatenate([one[name] for one, _ in seen]) for name in seen[0][0]}
    np.testing.assert_array_equal(joined["words"][:, 0, 0], order)
    inside = positions[order] >= 0
    np.testing.assert_array_equal(joined["mask"] > 0, inside)
    gathered = joined["patches"][..., 0, 0]
    np.testing.assert_array_equal(gathered[inside], positions[order][inside])
    expected = np.where(inside, numbers[order], 0)
    np.testing.assert_array_equal(joined["first_stage"], expected)
    np.testing.assert_array_equal(np.concatenate([y for _, y in seen]), numbers[order])


@pytest.mark.parametrize("kind", KINDS)
def test_the_graph_that_is_timed_scores_as_the_model_does(kind: str) -> None:
    model, draw = KINDS[kind](0), np.random.default_rng(0)
    patches = draw.normal(size=(1, 3, 4, 5)).astype("float32")
    words, is_word = draw.normal(size=(1, 2, 6)).astype("float32"), np.ones((1, 2))
    given = {"words": words, "is_word": is_word.astype("float32"), "patches": patches}
    model({**given, "first_stage": np.zeros((1, 3)), "mask": np.ones((1, 3))})
    for weight in model.trainable_variables:
        weight.assign(draw.normal(size=weight.shape))
    inputs = [words, given["is_word"], np.asarray(model.keep(patches))]
    scored = of_kept(model, inputs).predict_on_batch(inputs)
    assert np.ptp(scored) > 0
    np.testing.assert_allclose(scored, model.joint(*inputs), rtol=1e-4, atol=1e-5)


def test_other_catalogues_are_for_this_study_alone(tmp_path) -> None:
    options = ["--study=ranks", f"--output_dir={tmp_path}", "--elsewhere=--num_items=20"]
    with pytest.raises(FitRankError, match="--elsewhere: only --study joint"):
        ablate.main(options)


@pytest.mark.slow
def test_joint_scores_are_compared(bundle, small_chain, tmp_path, capsys) -> None:
    """On the stages of the run, and on drawn products of another seed."""
    ablate.main(
        [
            *("--study=joint", "--seeds=0", "--num_items=160"),
            *(f"--set={assignment}" for assignment in small_chain),
            "--elsewhere=--num_items=100 --data_seed=5",
            *(f"--work_dir={bundle}.work", f"--output_dir={tmp_path}"),
        ]
    )
    text = (tmp_path / "joint.md").read_text()
    assert text in capsys.readouterr().out
    own, other, costs = text.split("\n\n")
    systems = [
        *("fine-tuned towers", "query bank", "late interaction", "cross-attention"),
        *("re-ranker and late interaction", "re-ranker and cross-attention", "re-ranker"),
    ]
    catalogues = {"synthetic_catalogue": own, "synthetic_catalogue_1": other}
    for name, table in catalogues.items():
        head, _, *lines = table.splitlines()
        assert head.startswith(f"| {name} | variant | nDCG@10 |")
        rows = [line.split(" | ") for line in lines if "facet (10)" in line]
        assert [row[1] for row in rows] == systems
    assert len(costs.splitlines()) == 2 + 3

    def orders(path) -> dict[str, list[str]]:
        return {query: [item for item, _ in hits] for query, hits in read_run(path).items()}

    for system, measured in (("fine-tuned_towers", "clip_lora"), ("re-ranker", "reranked")):
        found = orders(tmp_path / f"synthetic_catalogue.{system}.seed_0.run")
        assert found == orders(bundle / "report" / f"{measured}.run")
    towers = orders(tmp_path / "synthetic_catalogue_1.fine-tuned_towers.seed_0.run")
    joint = orders(tmp_path / "synthetic_catalogue_1.cross-attention.seed_0.run")
    assert {q: set(ids) for q, ids in joint.items()} == {
        q: set(ids) for q, ids in towers.items()
    }
