"""The facets of one product, from which its photo and its title are made."""

from collections.abc import Collection
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
# Facets of which products have values only if asked for.
MORE_FACETS: tuple[str, ...] = ("length", "fit")


@dataclass(frozen=True)
class Facets:
    """The facets of a product. The title names some, the photo shows most.

    Attributes:
        article: the article type.
        gender, colour, season, year, usage, pattern: values of the attributes.
        sleeve, neckline: values of the attributes, "" where the article type has none.
        length, fit: those of `label_file`, "" where the drawing decides them.
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
    length: str = ""
    fit: str = ""

    def attributes(self) -> dict[str, str]:
        """{attribute of an Item: value}; length and fit only where they are set."""
        cut = {"length": self.length, "fit": self.fit}
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
            **{name: value for name, value in cut.items() if value},
        }


def choose(rng: np.random.Generator, options: tuple[str, ...]) -> str:
    """One of `options`, drawn uniformly; "" if there are none."""
    return options[rng.integers(len(options))] if options else ""


def random_facets(rng: np.random.Generator, more: Collection[str] = ()) -> Facets:
    """The facets of a random product.

    Args:
        rng: draws them; those of `more` last.
        more: which of `MORE_FACETS` are drawn too.
    """
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
        length=choose(rng, article.lengths if "length" in more else ()),
        fit=choose(rng, article.fits if "fit" in more else ()),
    )
