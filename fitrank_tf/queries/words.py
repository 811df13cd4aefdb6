"""The words that shoppers use for a facet value.

There are three kinds, from the strictest: synonyms of the value, of which queries and
training texts are written; more specific words ("tartan" implies "checked"), which are
recognised but never written, because the product may be another check; and words for
several values ("kids"), which are recognised in a query but not in a title.

`english_fashion.json` has them for attributes of some names; of any other attribute a
request says the shop's own value, or name and value:

| key of an attribute | meaning                                                           |
|---------------------|-------------------------------------------------------------------|
| `rows`              | rows of synonyms; any of a row may be the catalogue's name        |
| `synonyms`          | synonyms in the singular, by the name's singular. They hold in    |
|                     | one direction: "bag" names the article type "Handbags", but       |
|                     | "handbag" does not name an article type "Bags"                    |
| `inflected`         | values are nouns with singular and plural                         |
| `others`            | values that are named so that a catalogue without shorts does not |
|                     | take "shorts" for a misspelt "shirts"                             |
| `nouns`, `whole`    | nouns that follow a value, and values that take none              |
| `recognised`        | words that are more specific than a value, or rarely used         |
| `shared`            | words for several values                                          |

Its tables are keyed by `plain_words` of a value, for inflected values of its singular.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any
from unicodedata import category

from fitrank_tf.core.filters import parse_range
from fitrank_tf.datasets.attributes import NUMBER, Attribute

_WORDING, _SMALL_WORDS = "english_fashion.json", "request_words.json"
# After a number or at the end of an attribute's name, as in "heel_height_mm".
_UNITS = ("mm", "cm", "m", "in", "inch", "g", "kg", "ml", "l", "eur", "usd", "gbp")
# Of Chinese and Japanese, for regular expressions of Python and of TensorFlow.
IDEOGRAPH = "([々〇ぁ-ゟァ-ヺー-ヿ㐀-䶿一-鿿豈-\ufaff])"
# Numbers of a range that a request may say.
_MOST_NUMBERS = 100


@cache
def wording() -> Mapping[str, Any]:
    """`english_fashion.json`."""
    return json.loads(Path(__file__).with_name(_WORDING).read_text(encoding="utf-8"))


@cache
def small_words() -> Mapping[str, Mapping[str, Sequence[str]]]:
    """{language: {role: its words}}; see `request_words`."""
    return json.loads(Path(__file__).with_name(_SMALL_WORDS).read_text(encoding="utf-8"))


@cache
def yes_words() -> frozenset[str]:
    """Values that mean yes in any language, as `plain_words` has them."""
    languages = small_words().values()
    return frozenset(_plain(chain(*(of.get("yes", ()) for of in languages))))


def _tables(facet: str) -> Mapping[str, Any]:
    return wording()["attributes"].get(facet, {})


def plain_words(text: str) -> str:
    """A text's letters and digits, lower case, with single blanks between words.

    Each character of Chinese and Japanese is a word, for these are written without blanks.
    """
    if text.isascii():
        return " ".join("".join(c if c.isalnum() else " " for c in text.lower()).split())
    # A vowel sign or an accent of its own is a mark, and part of its word.
    letters = (c if c.isalnum() or category(c)[0] == "M" else " " for c in text.lower())
    return " ".join(re.sub(IDEOGRAPH, r" \1 ", "".join(letters)).split())


def article_words(article_type: str) -> tuple[str, ...]:
    """Plural and singular of an article type, lower case, the given form first."""
    given = article_type.lower()
    for plural, singular in wording()["irregular"].items():
        if given.endswith(plural):
            return given, given.removesuffix(plural) + singular
        if given.endswith(singular):
            return given, given.removesuffix(singular) + plural
    if not given or given.endswith((*wording()["plural_only"], *wording()["no_plural"])):
        return (given,)
    if given.endswith("s") and not given.endswith("ss"):
        longer = given.endswith(("sses", "shes", "ches", "xes"))
        return given, given[:-2] if longer else given[:-1]
    return given, given + ("es" if given.endswith(("ss", "sh", "ch", "x")) else "s")


def written_forms(attribute: Attribute, value: str) -> tuple[str, ...]:
    """Synonyms of a facet value, for writing queries and training texts.

    Args:
        attribute: the facet.
        value: the value as the catalogue has it, or the range of a number.

    Returns:
        Lower-case words with their punctuation ("t-shirt").
    """
    if attribute.kind == NUMBER:
        return _number_forms(attribute, value)
    tables, own = _tables(attribute.name), value.lower()
    key = _key(attribute.name, value)
    if tables.get("inflected"):
        names = (own, key, *tables["synonyms"].get(key, ()))
        return _unique(form for name in names for form in article_words(name))
    words = _row(attribute.name, key)
    nouns = tables.get("nouns", ())
    if nouns and not key.endswith(tuple(tables["whole"])):
        return _unique(f"{word} {noun}" for word in words for noun in nouns)
    if len(words) > 1:
        return words
    return (f"{_name(attribute)} {own}",) if attribute.named else (own,)


def value_forms(attribute: Attribute, value: str) -> tuple[str, ...]:
    """All words that name a facet value and no other, in a query or in a title.

    Args:
        attribute: the facet.
        value: the value as the catalogue has it, or the range of a number.

    Returns:
        Lower-case words without punctuation, as `plain_words` returns them.
    """
    forms = written_forms(attribute, value)
    if attribute.kind != NUMBER and not _tables(attribute.name):
        name, own = _name(attribute), value.lower()
        forms = (*forms, f"{name} {own}", f"{own} {name}")
        if attribute.named and plain_words(value) in yes_words():
            forms = (*forms, name)
    elif attribute.kind == NUMBER:
        # A request may leave the unit out: "heel height 45".
        _, unit = name_and_unit(attribute.name, _UNITS)
        forms = (*forms, *(form.removesuffix(f" {unit}") for form in forms if unit))
    read = _tables(attribute.name).get("recognised", {})
    return _plain((*forms, *read.get(_key(attribute.name, value), ())))


def shared_forms(attribute: Attribute, value: str) -> tuple[str, ...]:
    """Words that name the value and others, such as "kids" for boys and for girls.

    Args:
        attribute: the facet.
        value: the value as the catalogue has it.

    Returns:
        Lower-case words without punctuation, as `plain_words` returns them.
    """
    shared = _tables(attribute.name).get("shared", {})
    return _plain(shared.get(_key(attribute.name, value), ()))


@cache
def known_words() -> frozenset[str]:
    """All single words of `english_fashion.json`: none of them is a misspelling."""
    forms: list[str] = []
    for tables in wording()["attributes"].values():
        synonyms = tables.get("synonyms", {})
        articles = (*synonyms, *tables.get("others", ()), *chain(*synonyms.values()))
        forms += chain(
            *map(article_words, articles),
            *tables.get("rows", ()),
            tables.get("nouns", ()),
            tables.get("whole", ()),
            *tables.get("recognised", {}).values(),
            *tables.get("shared", {}).values(),
        )
    return frozenset(word for form in _plain(forms) for word in form.split())


def _number_forms(attribute: Attribute, value: str) -> tuple[str, ...]:
    """Name and number, of the numbers of a range: "heel height 45", "45 mm heel height"."""
    within = parse_range(value)
    low, high = within.low, within.high
    places = max(len(end.partition(".")[2]) for end in value.split("..") if end)
    step = 10.0**-places
    while (high - low) / step > _MOST_NUMBERS:
        step *= 10
    count = int((high - low) / step + 1e-6) + 1
    numbers = dict.fromkeys(
        f"{number:.10g}" for number in (*(low + step * n for n in range(count)), high)
    )
    name, unit = name_and_unit(attribute.name, _UNITS)
    unit = f" {unit}" if unit else ""
    return _unique(
        form
        for number in numbers
        for form in (f"{name} {number}{unit}", f"{number}{unit} {name}")
    )


def name_and_unit(name: str, units: Collection[str]) -> tuple[str, str]:
    """An attribute's name in words, without the unit at its end, and the unit or "".

    Args:
        name: such as "heel_height_mm".
        units: that may be at its end; a name is never a unit alone.
    """
    words = name.replace("_", " ").split()
    unit = words.pop() if len(words) > 1 and words[-1] in units else ""
    return " ".join(words), unit


def _name(attribute: Attribute) -> str:
    return attribute.name.replace("_", " ").strip()


def _unique(forms: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, forms)))


def _plain(forms: Iterable[str]) -> tuple[str, ...]:
    return _unique(map(plain_words, forms))


def _row(facet: str, key: str) -> tuple[str, ...]:
    rows = _tables(facet).get("rows", ())
    return next((tuple(row) for row in rows if key in map(plain_words, row)), (key,))


def _key(facet: str, value: str) -> str:
    """A value's key in the tables: its singular, or the first synonym of its row."""
    plain, tables = plain_words(value), _tables(facet)
    if tables.get("inflected"):
        return min(article_words(plain.replace("t shirt", "tshirt")), key=len)
    if tables:
        for noun in ("sleeved", "neckline", *tables.get("nouns", ())):
            plain = plain.removesuffix(f" {noun}")
    return plain_words(_row(facet, plain)[0])
