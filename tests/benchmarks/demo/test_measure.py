"""The times of the page: their order in a real Chromium, and their table."""

import shutil

import pytest

from benchmarks.demo.measure import first_words, served, time_searches, times_table
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.demo.app import demo_app
from fitrank_tf.demo.photos import ProductPhotos
from tests.demo.toy import ToySearch

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")
def test_a_key_press_is_followed_until_its_cards_are_painted() -> None:
    pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    toy = ToySearch()
    texts = ["brown jackets", "blue dress"]
    with served(demo_app(toy, ProductPhotos(toy.photos))) as address:
        times = time_searches(address, texts, CHROMIUM)
    assert len(times) == 2
    for each in times:
        order = ("pressed", "asked", "answered", "cards", "photos")
        assert [each[name] for name in order] == sorted(each[name] for name in order)
    assert [text for text in toy.asked if text in texts] == texts


def test_the_table_has_medians_and_percentiles() -> None:
    marks = {"pressed": 0, "asked": 10, "answered": 30}
    times = [{**marks, "cards": n, "photos": 2 * n} for n in range(100, 201)]
    lines = times_table(times).splitlines()
    assert lines[0] == "| ms, 101 searches | median | p95 |"
    assert lines[2] == "| key press to painted cards | 150 | 195 |"
    assert lines[3:] == [
        "| request to painted cards | 140 | 185 |",
        "| request to answer | 20 | 20 |",
        "| key press to painted photos | 300 | 390 |",
    ]


def test_texts_are_first_words_of_titles_each_once() -> None:
    titles = [f"Acme Red Shirt {n % 9} again" for n in range(50)] + [""]
    texts = first_words(titles, 4)
    assert len(set(texts)) == len(texts) == 9
    assert set(texts) <= {f"acme red shirt {n}" for n in range(9)}
    with pytest.raises(FitRankError, match="too few"):
        first_words(["a shirt"], 4)
