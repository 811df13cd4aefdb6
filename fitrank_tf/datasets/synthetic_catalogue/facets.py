"""The facets of one product, drawn before anything is painted or written."""

from dataclasses import dataclass

import numpy as np

from fitrank_tf.datasets.synthetic_catalogue.article_types import (
    ARTICLE_TYPES,
    YEARS,
    ArticleType,
)
from fitrank_tf.datasets.synthetic_catalogue.palette import COLOURS

_WEIGHTS = np.array([article.weight for article in ARTICLE_TYPES])
_SHARES = _WEIGHTS / _WEIGHTS.sum()


@dataclass(frozen=True)
class Facets:
    """What is true of a product: the title tells some of it, the photo shows most.

    Attributes:
        article: its kind.
        gender, colour, season, year, usage, pattern: values of the catalogue.
        sleeve, neckline: "" where the kind has none.
    """

    article: ArticleType
    gender: str
    colour: str
    season: str
    year: str
    usage: str
    pattern: str
    sleeve: str
    neckline: str

    def attributes(self) -> dict[str, str]:
        """The facets under the names of an Item's attributes."""
        return {
            "gender": self.gender,
            "category": self.article.category,
            "subcategory": self.article.subcategory,
            "article_type": self.article.name,
            "colour": self.colour,
            "season": self.season,
            "year": self.year,
            "usage": self.usage,
            "pattern": self.pattern,
            "sleeve": self.sleeve,
            "neckline": self.neckline,
        }


def choose(rng: np.random.Generator, options: tuple[str, ...]) -> str:
    """One of `options`, all equally likely; "" when there are none."""
    return options[rng.integers(len(options))] if options else ""


def random_facets(rng: np.random.Generator) -> Facets:
    """The facets of a new product."""
    article = ARTICLE_TYPES[rng.choice(len(ARTICLE_TYPES), p=_SHARES)]
    return Facets(
        article=article,
        gender=choose(rng, article.genders),
        colour=choose(rng, tuple(COLOURS)),
        season=choose(rng, article.seasons),
        year=choose(rng, YEARS),
        usage=choose(rng, article.usages),
        pattern=choose(rng, article.patterns),
        sleeve=choose(rng, article.sleeves),
        neckline=choose(rng, article.necklines),
    )
