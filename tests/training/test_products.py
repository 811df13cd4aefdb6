"""Which products of a small catalogue a model learns from."""

import dataclasses

import numpy as np
import pytest

from fitrank_tf.datasets.splits import TEST, TRAIN, hash_fraction, title_key
from fitrank_tf.training.products import RunProducts
from tests.queries.small_records import small_records


class _Catalogue:
    """Records alone."""

    def __init__(self, titles: list[str], splits: list[str]):
        products = [(str(number), text, {}) for number, text in enumerate(titles)]
        self._records = dataclasses.replace(small_records(*products), splits=tuple(splits))

    def records(self, _: str):
        return self._records


def _title_held_out(share: float, held_out: bool) -> str:
    titles = (f"shirt {number}" for number in range(1000))
    return next(
        title
        for title in titles
        if (hash_fraction(f"ranker:{title_key(title)}") < share) == held_out
    )


def test_a_title_is_held_out_from_the_towers_as_a_whole() -> None:
    titles = [f"shirt {number // 2}" for number in range(200)]
    products = RunProducts(_Catalogue(titles, [TRAIN] * 200), 0.2)
    held = {titles[row] for row in products.held_out_rows}
    assert held == {t for t in titles if hash_fraction(f"ranker:{t}") < 0.2}
    assert 10 < len(held) < 30
    both = np.concatenate([products.held_out_rows, products.tower_rows])
    assert sorted(both) == list(products.ranker_rows) == list(range(200))


@pytest.mark.parametrize("share", [0.1, 0.2, 0.9])
@pytest.mark.parametrize("held_out", [True, False])
@pytest.mark.parametrize("count", [1, 5, 30])
def test_the_towers_learn_from_a_catalogue_of_one_title(share, held_out, count) -> None:
    titles = [_title_held_out(share, held_out)] * count
    products = RunProducts(_Catalogue(titles, [TRAIN] * count), share)
    assert list(products.tower_rows) == list(products.ranker_rows) == list(range(count))
    assert not len(products.held_out_rows) and not len(products.validation_rows)


def test_a_title_that_a_few_products_share_is_still_held_out() -> None:
    kept, held = _title_held_out(0.1, False), _title_held_out(0.1, True)
    titles = [kept] * 8 + [held] * 2 + ["other"] * 5
    products = RunProducts(_Catalogue(titles, [TRAIN] * 10 + [TEST] * 5), 0.1)
    assert list(products.held_out_rows) == [8, 9]
    assert list(products.tower_rows) == list(range(8))
