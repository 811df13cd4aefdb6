"""Names of colours on synthetic catalogues, by published CIEDE2000 differences."""

import dataclasses

import numpy as np
import pytest

from fitrank_tf.datasets.item import PRODUCT_CLASSES
from fitrank_tf.features.colour.names import (
    COLOUR_NAMES,
    ColourNamer,
    Prototypes,
    box_evidence,
    colour_name_slices,
    learn_prototypes,
    name_inputs,
    palette_names,
)
from fitrank_tf.features.heads.softmax_head import SoftmaxHead
from tests.features.small_colours import colours_of

NAMES = len(COLOUR_NAMES)
# CIE L, a, b of clearly different colours.
LAB = {
    "Red": (45, 65, 45),
    "Green": (50, -50, 40),
    "Blue": (35, 20, -60),
    "White": (98, 0, 2),
    "Black": (8, 0, 0),
}


def _number(name: str) -> int:
    return COLOUR_NAMES.index(name)


def _prototypes(**lab) -> Prototypes:
    names = np.array([_number(name) for name in lab])
    return Prototypes(np.array(list(lab.values()), np.float32), names, np.ones(len(names)))


def _catalogue(per_name: int, spread: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Colours around each of `LAB`, and their names."""
    rng = np.random.default_rng(0)
    lab = np.repeat(list(LAB.values()), per_name, axis=0)
    names = np.repeat([_number(name) for name in LAB], per_name)
    return lab + rng.normal(0, spread, lab.shape), names


# (50, 2.5, 0) and the second colours of the published pairs 17 to 20 with it.
FIRST = (50.0, 2.5, 0.0)
DIFFERENCES = {
    "Pink": ((73.0, 25.0, -18.0), 27.1492),
    "Olive": ((61.0, -5.0, 29.0), 22.8977),
    "Teal": ((56.0, -27.0, -3.0), 31.9030),
    "Brown": ((58.0, 24.0, 15.0), 19.4535),
}


@pytest.mark.parametrize(
    "names",
    [("Pink", "Olive", "Teal", "Brown"), ("Pink", "Olive", "Teal"), ("Pink", "Teal")],
)
def test_likelihood_is_a_softmax_of_ciede2000(names) -> None:
    prototypes = _prototypes(**{name: DIFFERENCES[name][0] for name in names})
    likelihood = prototypes.likelihood(np.array([FIRST]))[0]
    # Three units further away a name is e times less likely.
    expected = np.zeros(NAMES)
    for name in names:
        expected[_number(name)] = np.exp(-DIFFERENCES[name][1] / 3)
    np.testing.assert_allclose(likelihood, expected / expected.sum(), atol=1e-5)
    nearest = min(names, key=lambda name: DIFFERENCES[name][1])
    assert COLOUR_NAMES[likelihood.argmax()] == nearest


def test_a_blue_is_nearer_by_ciede2000_than_by_its_distance() -> None:
    # Pair 3: 3.4412 apart, though 9.2 units in Lab. The purple is 5 units of L away,
    # 5 / (1 + 0.015 * 2.5**2 / (20 + 2.5**2) ** 0.5) = 4.9.
    prototypes = _prototypes(Blue=(50.0, 2.8361, -74.0200), Purple=(55.0, 0.0, -82.7485))
    likelihood = prototypes.likelihood(np.array([[50.0, 0.0, -82.7485]]))[0]
    far = 5 / (1 + 0.015 * 2.5**2 / (20 + 2.5**2) ** 0.5)
    assert COLOUR_NAMES[likelihood.argmax()] == "Blue"
    ratio = likelihood[_number("Blue")] / likelihood[_number("Purple")]
    assert ratio == pytest.approx(np.exp((far - 3.4412) / 3), rel=1e-3)


def test_the_nearest_of_a_names_prototypes_counts() -> None:
    lab = np.array([DIFFERENCES[n][0] for n in ("Teal", "Brown", "Olive")], np.float32)
    names = np.array([_number("Grey"), _number("Grey"), _number("Olive")])
    likelihood = Prototypes(lab, names, np.ones(len(names))).likelihood(np.array([FIRST]))[
        0
    ]
    ratio = likelihood[_number("Grey")] / likelihood[_number("Olive")]
    assert ratio == pytest.approx(np.exp((22.8977 - 19.4535) / 3), rel=1e-4)


@pytest.mark.parametrize(("per_name", "count"), [(1, 1), (9, 1), (15, 2), (40, 3)])
def test_prototypes_are_learned_where_the_colours_are(per_name, count) -> None:
    lab, names = _catalogue(per_name)
    prototypes = learn_prototypes(lab, names, seed=0)
    assert sorted(prototypes.names) == sorted(np.repeat(names[::per_name], count))
    for name, centre in LAB.items():
        own = prototypes.lab[prototypes.names == _number(name)]
        np.testing.assert_allclose(own, np.tile(centre, (count, 1)), atol=4)
    likely = prototypes.likelihood(np.array(list(LAB.values())))
    assert [COLOUR_NAMES[n] for n in likely.argmax(axis=1)] == list(LAB)


def test_a_name_of_three_shades_has_a_prototype_for_each() -> None:
    shades = np.array([[30.0, 10, -40], [60, 0, -30], [80, -10, -15]])
    lab = np.repeat(shades, 20, axis=0) + np.random.default_rng(0).normal(0, 1, (60, 3))
    prototypes = learn_prototypes(lab, np.full(60, _number("Blue")), seed=0)
    found = prototypes.lab[np.argsort(prototypes.lab[:, 0])]
    np.testing.assert_allclose(found, shades, atol=1)


def test_products_without_a_name_are_ignored() -> None:
    lab, names = _catalogue(9)
    strange = np.tile([[70.0, 80.0, -60.0]], (50, 1))
    passed = learn_prototypes(
        np.concatenate([strange, lab]), np.append(np.full(50, -1), names), seed=0
    )
    plain = learn_prototypes(lab, names, seed=0)
    np.testing.assert_array_equal(passed.lab, plain.lab)
    np.testing.assert_array_equal(passed.names, plain.names)


@pytest.mark.parametrize(
    "names", [["Red"], ["Red", "Blue"], ["White", "Red", "Red"], []], ids=str
)
def test_a_palette_is_named_colour_by_colour(names) -> None:
    everything_alike = np.full(NAMES, 1 / NAMES)
    palette = np.array([LAB[name] for name in names], np.float32).reshape(-1, 3)
    assert palette_names(_prototypes(**LAB), palette, everything_alike) == names


def test_a_prototype_of_few_products_names_no_palette() -> None:
    # Most white products are white; of a few the wearer's skin was cut out.
    skin = (76.0, 9.0, 20.0)
    names = np.array([_number("White"), _number("White"), _number("Peach")])
    lab = np.array([LAB["White"], skin, (80.0, 9.0, 14.0)], np.float32)
    prototypes = Prototypes(lab, names, np.array([0.9, 0.1, 1.0]))
    everything_alike = np.full(NAMES, 1 / NAMES)
    assert palette_names(prototypes, np.array([skin]), everything_alike) == ["Peach"]
    assert prototypes.likelihood(np.array([skin]))[0].argmax() == _number("White")


@pytest.mark.parametrize("expected", ["Steel", "Grey", "Silver"])
def test_of_names_for_one_colour_the_expected_is_chosen(expected) -> None:
    grey = (60.0, 0.0, 0.0)
    prototypes = _prototypes(Steel=grey, Grey=grey, Silver=grey, Red=LAB["Red"])
    likely = np.zeros(NAMES)
    likely[_number(expected)] = 1.0
    assert palette_names(prototypes, np.array([grey]), likely) == [expected]


def test_box_evidence_is_class_scores_then_height_and_width() -> None:
    bag, watch = PRODUCT_CLASSES.index("bag"), PRODUCT_CLASSES.index("watch")
    classes = np.array([[bag, watch, bag, -1]])
    scores = np.array([[0.3, 0.6, 0.5, 0.0]], np.float32)
    garments = np.array([[0.1, 0.2, 0.8, 0.6]], np.float32)
    expected = np.zeros(13)
    expected[[bag, watch, 11, 12]] = 0.5, 0.6, 0.7, 0.4
    found = box_evidence(classes, scores, garments)
    np.testing.assert_allclose(found, [expected], atol=1e-6)


def test_inputs_are_the_colours_the_evidence_and_the_boxes() -> None:
    colours, rng = colours_of(2), np.random.default_rng(1)
    evidence, boxes = rng.random((228, NAMES)), rng.random((2, 13))
    inputs = name_inputs(colours, boxes, evidence)
    vectors = colours.vectors
    assert inputs.shape == (2, vectors.shape[1] + NAMES + 13)
    for row in range(2):
        summed = [
            sum(share * of_cell[name] for share, of_cell in zip(histogram, evidence))
            for histogram in colours.histogram[row : row + 1]
            for name in range(NAMES)
        ]
        expected = [*vectors[row], *np.log(np.array(summed) + 1e-4), *boxes[row]]
        np.testing.assert_allclose(inputs[row], expected, rtol=1e-5)


def _head(seed: int, labels: tuple[str, ...] = COLOUR_NAMES) -> SoftmaxHead:
    """A linear head of the namer's inputs, with random weights."""
    width = colours_of(1).vectors.shape[1] + NAMES + 13
    rng = np.random.default_rng(seed)
    return SoftmaxHead(
        labels=labels,
        mean=np.zeros(width, np.float32),
        scale=np.ones(width, np.float32),
        kernels=(rng.normal(size=(width, len(labels))).astype(np.float32) / 9,),
        biases=(np.zeros(len(labels), np.float32),),
    )


def test_a_namer_returns_the_probabilities_of_its_head() -> None:
    # With kernels of zero a head returns the softmax of its bias.
    bias = np.random.default_rng(0).normal(size=NAMES).astype(np.float32)
    head = dataclasses.replace(_head(0), biases=(bias,))
    head = dataclasses.replace(head, kernels=(np.zeros_like(head.kernels[0]),))
    namer = ColourNamer(_prototypes(**LAB), head)
    found = namer.probabilities(colours_of(3), np.zeros((3, 13), np.float32))
    expected = np.exp(bias) / np.exp(bias).sum()
    np.testing.assert_allclose(found, np.tile(expected, (3, 1)), rtol=1e-5)


def test_a_namer_survives_its_arrays() -> None:
    namer = ColourNamer(_prototypes(**LAB), _head(0))
    again = ColourNamer.from_arrays(namer.arrays())
    np.testing.assert_array_equal(again.prototypes.lab, namer.prototypes.lab)
    np.testing.assert_array_equal(again.prototypes.names, namer.prototypes.names)
    colours, boxes = colours_of(2), np.ones((2, 13), np.float32)
    np.testing.assert_array_equal(
        again.probabilities(colours, boxes), namer.probabilities(colours, boxes)
    )


def _other_prototype(arrays: dict) -> None:
    arrays["prototypes/names"] = np.array(["Red", "Infrared", "Blue", "White", "Black"])


def _other_labels(arrays: dict) -> None:
    arrays["colour/labels"] = arrays["colour/labels"][::-1]


def _no_head(arrays: dict) -> None:
    for name in [name for name in arrays if name.startswith("colour")]:
        del arrays[name]


def _no_prototypes(arrays: dict) -> None:
    del arrays["prototypes/names"]


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (_other_prototype, ValueError),
        (_other_labels, ValueError),
        (_no_head, KeyError),
        (_no_prototypes, KeyError),
    ],
)
def test_arrays_of_another_namer_are_refused(spoil, error) -> None:
    arrays = ColourNamer(_prototypes(**LAB), _head(0)).arrays()
    spoil(arrays)
    with pytest.raises(error):
        ColourNamer.from_arrays(arrays)


def test_the_slice_has_a_probability_for_each_name() -> None:
    (part,) = colour_name_slices()
    assert part.size == NAMES == 38
    assert len(set(COLOUR_NAMES)) == NAMES
    assert part.group == "colour"
    assert part.meaning.endswith(", ".join(COLOUR_NAMES))
