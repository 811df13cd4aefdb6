"""A search without models: the words of titles, on a few drawn products."""

import re
from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from fitrank_tf.client.hits import Hit
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.filters import join_values
from fitrank_tf.datasets.attributes import CATEGORIES, NUMBER, Attribute
from fitrank_tf.datasets.synthetic_catalogue.product import draw_product
from fitrank_tf.demo.filter_counts import CatalogueFilter, FilterCounts
from fitrank_tf.demo.reading import without
from fitrank_tf.demo.search import Description, System, Want

DECLARED = (
    Attribute("gender"),
    Attribute("colour"),
    Attribute("article_type"),
    Attribute("price", NUMBER),
    Attribute("sizes", CATEGORIES),
)
SYSTEMS = ("reranked", "clip_lora", "clip")
# Titles that a page must show as they are.
ODD_TITLES = (
    '<script>document.title="hacked"</script> Shirt',
    "<img src=x onerror=alert(1)> \"Shirt\" & 'more' Shirt",
    "قميص أحمر Shirt",
    "👗 Shirt 日本 &amp; Shirt",
)
_ODD_IDS = ("../../etc/passwd", "a/b c?d#e&f", "<b>", "%2e%2e%2f")
_WORD = re.compile(r"\w+")


class ToySearch:
    """Implements `DemoSearch`: a text's words are looked for in titles and values.

    Attributes:
        asked: the texts of all searches, in order.
    """

    def __init__(self, size: int = 40):
        products = [draw_product(0, number) for number in range(size)]
        self.ids = tuple(
            _ODD_IDS[n] if n < len(_ODD_IDS) else product.id
            for n, product in enumerate(products)
        )
        self.titles = tuple(
            ODD_TITLES[n] if n < len(ODD_TITLES) else product.text
            for n, product in enumerate(products)
        )
        sizes = [join_values(("S", "M|L")[: n % 3]) for n in range(size)]
        columns: dict[str, tuple[str, ...]] = {
            one.name: tuple(product.attributes.get(one.name, "") for product in products)
            for one in DECLARED[:3]
        }
        columns["price"] = tuple(str(10 + n % 30) for n in range(size))
        columns["sizes"] = tuple(sizes)
        self.attributes = columns
        # The last two products have no photo.
        self.photos = {
            product: _jpeg(drawn.image)
            for product, drawn in list(zip(self.ids, products))[:-2]
        }
        self.filter = CatalogueFilter(columns, DECLARED, size)
        self.asked: list[str] = []

    async def describe(self) -> Description:
        """See `DemoSearch`."""
        systems = tuple(System(name, f"what {name} does") for name in SYSTEMS)
        return Description(len(self.ids), systems, DECLARED, ("red shirt", "blue dress"))

    async def understand(self, text: str) -> list[Want]:
        """See `DemoSearch`."""
        return self.read([text])[0]

    async def without(self, text: str, want: Want) -> str:
        """See `DemoSearch`."""
        return without(text, want, self.read)

    async def search(
        self, text: str, filters: Mapping[str, str], top_k: int, system: str
    ) -> list[Hit]:
        """See `DemoSearch`; each system breaks ties in another order."""
        self.asked.append(text)
        if system not in SYSTEMS:
            raise FitRankError(f"system '{system}': choose from {', '.join(SYSTEMS)}")
        turn = SYSTEMS.index(system)
        words = set(_WORD.findall(text.lower()))
        scores = [len(words & set(_WORD.findall(title.lower()))) for title in self.titles]
        rows = np.flatnonzero(self.filter.admitted(filters))
        order = sorted(rows, key=lambda row: (-scores[row], (row + 7 * turn) % len(scores)))
        explanation = "article_type +1.50, colour -0.25" if system == "reranked" else ""
        return [
            Hit(rank, self.ids[row], self.titles[row], scores[row], explanation)
            for rank, row in enumerate(order[:top_k], start=1)
        ]

    async def similar(
        self, photo: bytes, text: str, filters: Mapping[str, str], top_k: int
    ) -> list[Hit]:
        """See `DemoSearch`: the products of the nearest mean colour."""
        wanted = _mean_colour(photo)
        distances = {
            product: float(np.abs(_mean_colour(data) - wanted).sum())
            for product, data in self.photos.items()
        }
        near = sorted(distances, key=lambda product: distances[product])
        titles = dict(zip(self.ids, self.titles))
        return [
            Hit(rank, product, titles[product], -distances[product])
            for rank, product in enumerate(near[:top_k], start=1)
        ]

    async def count(self, filters: Mapping[str, str]) -> FilterCounts:
        """See `DemoSearch`."""
        return self.filter.counts(filters)

    def read(self, texts: Sequence[str]) -> list[list[Want]]:
        """Values of colour and article type, denied by "not" or "without" before them."""
        values = {
            value.lower(): (name, value)
            for name in ("colour", "article_type")
            for value in self.attributes[name]
        }
        read = []
        for text in texts:
            words, wants = _WORD.findall(text.lower()), []
            for place, word in enumerate(words):
                for known in (word, f"{word}s"):
                    if known in values:
                        name, value = values[known]
                        denied = place > 0 and words[place - 1] in ("not", "without")
                        wants.append(Want(name, (value,), denied))
            read.append(wants)
        return read


def _jpeg(image: np.ndarray) -> bytes:
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    return encoded.tobytes()


def _mean_colour(photo: bytes) -> np.ndarray:
    pixels = cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR)
    return pixels.mean(axis=(0, 1))
