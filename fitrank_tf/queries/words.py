"""The words that shoppers use for a facet value.

There are three kinds, from the strictest: synonyms of the value, of which queries and
training texts are written; more specific words ("tartan" implies "checked"), which are
recognised but never written, because the product may be another check; and words for
several values ("kids"), which are recognised in a query but not in a title.

Tables are keyed by `plain_words` of a value, for article types of its singular.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from itertools import chain

# Synonyms, in the singular where there is one; the name of the article type itself is
# added. They hold in one direction: "bag" names the article type "Handbags", but "handbag"
# does not name an article type "Bags".
_ARTICLE_SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "backpack": ("back pack",),
    "bath robe": ("bathrobe",),
    "boxers": ("boxer shorts",),
    "bra": ("brassiere",),
    "casual shoe": ("sneaker",),
    "clutch": ("clutch bag",),
    "deodorant": ("deo",),
    "duffel bag": ("duffle bag",),
    "eyeshadow": ("eye shadow",),
    "face moisturiser": ("face moisturizer", "moisturiser"),
    "flip flop": ("slipper",),
    "foundation and primer": ("foundation", "primer"),
    "handbag": ("bag", "purse", "hand bag"),
    "heels": ("high heels",),
    "highlighter and blush": ("highlighter", "blush"),
    "innerwear vest": ("vest",),
    "jewellery set": ("jewelry set",),
    "kajal and eyeliner": ("kajal", "eyeliner"),
    "key chain": ("keychain", "key ring"),
    "laptop bag": ("laptop case",),
    "lip gloss": ("lipgloss",),
    "mobile pouch": ("phone pouch",),
    "nail polish": ("nail paint", "nail enamel"),
    "necklace and chain": ("necklace",),
    "night suit": ("nightsuit",),
    "nightdress": ("nightie", "nightgown"),
    "perfume and body mist": ("perfume", "body mist"),
    "saree": ("sari",),
    "sports shoe": ("trainer", "running shoe"),
    "sunglasses": ("shades",),
    "sweater": ("jumper", "pullover"),
    "swimwear": ("swimsuit",),
    "tie": ("necktie",),
    "track pants": ("trackpants",),
    "trousers": ("pants",),
    "tshirt": ("t-shirt", "tee"),
    "waist pouch": ("waist bag", "bum bag"),
    "watch": ("wristwatch", "wrist watch"),
}
# Named here so that a catalogue without shorts does not take "shorts" for "shirts".
_OTHER_ARTICLES: tuple[str, ...] = (
    *("belt", "blazer", "blouse", "boots", "cap", "cardigan", "coat", "dress", "earring"),
    *("flats", "glove", "hat", "hoodie", "jacket", "jeans", "kurta", "kurti", "legging"),
    *("ring", "sandal", "scarf", "shirt", "shoe", "shorts", "skirt", "sock", "stocking"),
    *("stole", "suit", "sweatshirt", "swim shorts", "tights", "top", "trunk", "tunic"),
    *("waistcoat", "wallet"),
)
_Rows = tuple[tuple[str, ...], ...]
# Each row holds synonyms of one value; any of them may be the catalogue's name.
_SYNONYMS: Mapping[str, _Rows] = {
    "gender": (
        ("men", "mens", "men's"),
        ("women", "womens", "women's", "ladies"),
        ("boys", "boy's", "boy"),
        ("girls", "girl's", "girl"),
    ),
    "colour": (
        ("coffee brown", "coffee"),
        ("fluorescent green", "neon green"),
        ("gold", "golden"),
        ("grey", "gray"),
        ("grey melange", "gray melange"),
        ("multi", "multicolour", "multicolor", "multicoloured", "multicolored"),
        ("navy blue", "navy"),
        ("off white", "offwhite"),
        ("turquoise blue", "turquoise"),
    ),
    "usage": (
        ("casual", "casual wear"),
        ("ethnic", "ethnic wear"),
        ("formal", "formal wear"),
        ("party", "party wear"),
        ("sports", "sport"),
    ),
    "season": (("fall", "autumn"),),
    "pattern": (
        ("checked", "check", "checks", "checkered", "plaid"),
        ("striped", "stripes", "stripe", "stripy"),
        ("printed", "print"),
        ("plain", "solid"),
        ("dotted", "polka dot", "polka dots"),
    ),
    # The words before "sleeve" and "neck".
    "sleeve": (
        ("short", "half"),
        ("long", "full"),
        ("three-quarter", "three quarter", "3/4"),
    ),
    "neckline": (("round", "crew"),),
}
_NOUNS: Mapping[str, tuple[str, ...]] = {
    "sleeve": ("sleeve", "sleeves"),
    "neckline": ("neck",),
}
# Values that take no noun.
_WHOLE = ("sleeveless", "collar", "hood")

# Recognised, never written: these are more specific than the value, or rarely used.
_RECOGNISED: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("article_type", "cap"): ("baseball cap", "baseball caps"),
    ("article_type", "necklace and chain"): ("chain", "chains"),
    ("article_type", "shorts"): ("bermuda", "bermudas"),
    ("article_type", "track pants"): ("track pant",),
    ("article_type", "trousers"): ("trouser", "pant"),
    ("article_type", "tshirt"): ("tee shirt", "tee shirts"),
    ("gender", "men"): ("man", "man's", "male", "gents"),
    ("gender", "women"): ("woman", "woman's", "lady", "female"),
    ("neckline", "collar"): ("collared",),
    ("neckline", "hood"): ("hooded",),
    ("pattern", "checked"): ("chequered", "gingham", "tartan"),
    ("pattern", "dotted"): ("dots", "spotted", "spots", "polka"),
    ("pattern", "printed"): ("prints", "graphic", "floral"),
    ("pattern", "striped"): ("stripey", "pinstripe", "pinstriped"),
    ("sleeve", "long"): ("long sleeved", "full sleeved"),
    ("sleeve", "short"): ("short sleeved", "half sleeved"),
    ("sleeve", "three quarter"): ("three quarter sleeved", "3/4 sleeved"),
    ("usage", "sports"): ("sporty", "sportswear"),
}
# Words for several values.
_SHARED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "gender": dict.fromkeys(("boys", "girls"), ("kids", "kid", "kid's", "children")),
    "article_type": {
        **dict.fromkeys(("casual shoe", "sports shoe", "formal shoe"), ("shoes", "shoe")),
        **dict.fromkeys(
            ("accessory gift set", "fragrance gift set"), ("gift set", "gift sets")
        ),
    },
}

_PLURAL_ONLY = (
    *("jeans", "shorts", "sunglasses", "briefs", "boxers", "tights", "flats", "shades"),
    *("heels", "pants", "trousers"),
)
_NO_PLURAL = ("wear", "care", "ipad")
_IRREGULAR: Mapping[str, str] = {"scarves": "scarf", "accessories": "accessory"}


def plain_words(text: str) -> str:
    """A text's letters and digits, lower case, with single blanks between words."""
    return " ".join("".join(c if c.isalnum() else " " for c in text.lower()).split())


def article_words(article_type: str) -> tuple[str, ...]:
    """Plural and singular of an article type, lower case, the given form first."""
    given = article_type.lower()
    for plural, singular in _IRREGULAR.items():
        if given.endswith(plural):
            return given, given.removesuffix(plural) + singular
        if given.endswith(singular):
            return given, given.removesuffix(singular) + plural
    if not given or given.endswith((*_PLURAL_ONLY, *_NO_PLURAL)):
        return (given,)
    if given.endswith("s") and not given.endswith("ss"):
        longer = given.endswith(("sses", "shes", "ches", "xes"))
        return given, given[:-2] if longer else given[:-1]
    return given, given + ("es" if given.endswith(("ss", "sh", "ch", "x")) else "s")


def written_forms(facet: str, value: str) -> tuple[str, ...]:
    """Synonyms of a facet value, for writing queries and training texts.

    Args:
        facet: one of `facets.FACETS`.
        value: the value as the catalogue has it.

    Returns:
        Lower-case words with their punctuation ("t-shirt").
    """
    own, key = value.lower(), _key(facet, value)
    if facet == "article_type":
        names = (own, key, *_ARTICLE_SYNONYMS.get(key, ()))
        return _unique(form for name in names for form in article_words(name))
    words = _row(facet, key)
    if facet in _NOUNS and not key.endswith(_WHOLE):
        return _unique(f"{word} {noun}" for word in words for noun in _NOUNS[facet])
    return words if len(words) > 1 else (own,)


def value_forms(facet: str, value: str) -> tuple[str, ...]:
    """All words that name a facet value and no other, in a query or in a title.

    Args:
        facet: one of `facets.FACETS`.
        value: the value as the catalogue has it.

    Returns:
        Lower-case words without punctuation, as `plain_words` returns them.
    """
    read = _RECOGNISED.get((facet, _key(facet, value)), ())
    return _plain((*written_forms(facet, value), *read))


def shared_forms(facet: str, value: str) -> tuple[str, ...]:
    """Words that name the value and others, such as "kids" for boys and for girls.

    Args:
        facet: one of `facets.FACETS`.
        value: the value as the catalogue has it.

    Returns:
        Lower-case words without punctuation, as `plain_words` returns them.
    """
    return _plain(_SHARED.get(facet, {}).get(_key(facet, value), ()))


@cache
def known_words() -> frozenset[str]:
    """All single words of this module's tables: none of them is a misspelling."""
    articles = (*_ARTICLE_SYNONYMS, *_OTHER_ARTICLES, *chain(*_ARTICLE_SYNONYMS.values()))
    forms = chain(
        *map(article_words, articles),
        *chain(*_SYNONYMS.values()),
        *_NOUNS.values(),
        _WHOLE,
        *_RECOGNISED.values(),
        *(words for shared in _SHARED.values() for words in shared.values()),
    )
    return frozenset(word for form in _plain(forms) for word in form.split())


def _unique(forms: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, forms)))


def _plain(forms: Iterable[str]) -> tuple[str, ...]:
    return _unique(map(plain_words, forms))


def _row(facet: str, key: str) -> tuple[str, ...]:
    rows = _SYNONYMS.get(facet, ())
    return next((row for row in rows if key in map(plain_words, row)), (key,))


def _key(facet: str, value: str) -> str:
    """A value's key in the tables: an article type's singular, or a row's first synonym."""
    plain = plain_words(value)
    if facet == "article_type":
        return min(article_words(plain.replace("t shirt", "tshirt")), key=len)
    for noun in ("sleeved", "neckline", *_NOUNS.get(facet, ())):
        plain = plain.removesuffix(f" {noun}")
    return plain_words(_row(facet, plain)[0])
