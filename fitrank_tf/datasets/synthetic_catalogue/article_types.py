"""The article types of the embedded catalogue, and the facet values that each may have."""

from dataclasses import dataclass
from typing import Any

from fitrank_tf.datasets.annotations.label_file import FITS

MEN, WOMEN, BOYS, GIRLS, UNISEX = "Men", "Women", "Boys", "Girls", "Unisex"
GENDERS: tuple[str, ...] = (MEN, WOMEN, BOYS, GIRLS, UNISEX)
SEASONS: tuple[str, ...] = ("Spring", "Summer", "Fall", "Winter")
YEARS: tuple[str, ...] = ("2011", "2012", "2013", "2014", "2015", "2016", "2017")
PATTERNS: tuple[str, ...] = ("plain", "striped", "checked", "dotted", "printed")
SLEEVES: tuple[str, ...] = ("sleeveless", "short", "three-quarter", "long")

_ADULTS = (MEN, WOMEN, UNISEX)
_FEMALE = (WOMEN, GIRLS)
_PLAIN = ("plain",)
_TO_THE_THIGH = ("cropped", "hip", "thigh")
_FROM_THE_THIGH = ("thigh", "knee", "calf", "ankle")


@dataclass(frozen=True)
class ArticleType:
    """One article type.

    Attributes:
        name: value of the attribute `article_type`, such as "Tshirts".
        nouns: names of a product in titles.
        category: value of the attribute `category`.
        subcategory: value of the attribute `subcategory`.
        product_class: class of the detector, one of `item.PRODUCT_CLASSES`.
        weight: share in the catalogue, relative to the other article types.
        genders, usages, seasons, patterns, sleeves, necklines: possible values of the
            facets, repeated ones more likely; () without sleeves or neckline.
        lengths, fits: likewise, where they are drawn; () where neither can be seen.
    """

    name: str
    nouns: tuple[str, ...]
    category: str
    subcategory: str
    product_class: str
    weight: float = 1.0
    genders: tuple[str, ...] = GENDERS
    usages: tuple[str, ...] = ("Casual",)
    seasons: tuple[str, ...] = SEASONS
    patterns: tuple[str, ...] = PATTERNS
    sleeves: tuple[str, ...] = ()
    necklines: tuple[str, ...] = ()
    lengths: tuple[str, ...] = ()
    fits: tuple[str, ...] = ()


def _apparel(
    name: str, nouns: tuple[str, ...], subcategory: str, product_class: str, **facets: Any
) -> ArticleType:
    return ArticleType(
        name, nouns, "Apparel", subcategory, product_class, fits=FITS, **facets
    )


def _accessory(
    name: str, nouns: tuple[str, ...], subcategory: str, product_class: str, **facets: Any
) -> ArticleType:
    return ArticleType(name, nouns, "Accessories", subcategory, product_class, **facets)


# Tops have the largest weights, as in a fashion shop's catalogue.
ARTICLE_TYPES: tuple[ArticleType, ...] = (
    _apparel(
        "Tshirts",
        ("Tshirt", "T-shirt", "Tshirts"),
        "Topwear",
        "top",
        weight=4,
        usages=("Casual", "Casual", "Sports"),
        sleeves=("sleeveless", "short", "short", "short", "three-quarter", "long"),
        necklines=("round", "v", "collar"),
        lengths=_TO_THE_THIGH,
    ),
    _apparel(
        "Shirts",
        ("Shirt", "Shirts"),
        "Topwear",
        "top",
        weight=3,
        usages=("Casual", "Formal"),
        sleeves=("short", "three-quarter", "long", "long"),
        necklines=("collar",),
        lengths=_TO_THE_THIGH,
    ),
    _apparel(
        "Kurtas",
        ("Kurta", "Kurtas"),
        "Topwear",
        "top",
        weight=2,
        genders=(MEN, WOMEN, WOMEN),
        usages=("Ethnic",),
        sleeves=SLEEVES,
        necklines=("round", "v", "collar"),
        lengths=("thigh", "knee", "calf"),
    ),
    _apparel(
        "Sweatshirts",
        ("Sweatshirt", "Sweatshirts"),
        "Topwear",
        "top",
        weight=1.5,
        usages=("Casual", "Sports"),
        seasons=("Fall", "Winter"),
        sleeves=("long",),
        necklines=("round", "hood", "hood"),
        lengths=_TO_THE_THIGH,
    ),
    _apparel(
        "Jackets",
        ("Jacket", "Jackets"),
        "Topwear",
        "outerwear",
        weight=1.5,
        usages=("Casual", "Sports"),
        seasons=("Fall", "Winter"),
        sleeves=("sleeveless", "long", "long", "long"),
        necklines=("collar", "hood"),
        lengths=(*_TO_THE_THIGH, "knee"),
    ),
    _apparel(
        "Dresses",
        ("Dress", "Dresses"),
        "Dress",
        "one-piece",
        weight=2,
        genders=_FEMALE,
        usages=("Casual", "Casual", "Formal"),
        sleeves=SLEEVES,
        necklines=("round", "v", "collar"),
        lengths=_FROM_THE_THIGH,
    ),
    _apparel(
        "Jeans",
        ("Jeans",),
        "Bottomwear",
        "bottom",
        patterns=_PLAIN,
        lengths=("calf", "ankle", "ankle"),
    ),
    _apparel(
        "Trousers",
        ("Trousers", "Trouser"),
        "Bottomwear",
        "bottom",
        usages=("Casual", "Formal"),
        patterns=("plain", "plain", "striped", "checked"),
        lengths=("calf", "ankle", "ankle"),
    ),
    _apparel(
        "Shorts",
        ("Shorts",),
        "Bottomwear",
        "bottom",
        usages=("Casual", "Sports"),
        lengths=("thigh", "knee"),
    ),
    _apparel(
        "Skirts",
        ("Skirt", "Skirts"),
        "Bottomwear",
        "bottom",
        genders=_FEMALE,
        lengths=_FROM_THE_THIGH,
    ),
    ArticleType(
        "Casual Shoes",
        ("Casual Shoes", "Shoes", "Sneakers"),
        "Footwear",
        "Shoes",
        "footwear",
        weight=2,
        patterns=("plain", "plain", "plain", "striped", "checked", "printed"),
    ),
    _accessory(
        "Handbags", ("Handbag", "Handbags"), "Bags", "bag", weight=1.5, genders=(WOMEN,)
    ),
    _accessory(
        "Sunglasses",
        ("Sunglasses",),
        "Eyewear",
        "eyewear",
        genders=_ADULTS,
        seasons=("Spring", "Summer"),
        patterns=_PLAIN,
    ),
    _accessory(
        "Watches",
        ("Watch", "Watches"),
        "Watches",
        "watch",
        genders=_ADULTS,
        usages=("Casual", "Formal", "Sports"),
        patterns=_PLAIN,
    ),
    _accessory(
        "Caps", ("Cap", "Caps"), "Headwear", "headwear", usages=("Casual", "Sports")
    ),
    _accessory(
        "Belts",
        ("Belt", "Belts"),
        "Belts",
        "belt/tie",
        genders=(MEN, WOMEN),
        usages=("Casual", "Formal"),
        patterns=("plain", "plain", "striped", "printed"),
    ),
    _accessory(
        "Ties",
        ("Tie", "Ties"),
        "Ties",
        "belt/tie",
        genders=(MEN, BOYS),
        usages=("Formal",),
    ),
)
