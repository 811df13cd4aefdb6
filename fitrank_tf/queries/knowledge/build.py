"""Writes `colours.json`, `nouns.json`, `frequent_in_english.json` and
`between_languages.json`: see SOURCES.md.

python -m fitrank_tf.queries.knowledge.build --wordnet /usr/share/wordnet
"""

import argparse
import json
from collections.abc import Callable, Container, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.queries.knowledge.compounds import compound_parts, splits
from fitrank_tf.queries.knowledge.translations import english_words
from fitrank_tf.queries.knowledge.wordnet import WordNet
from fitrank_tf.queries.words import plain_words

FOLDER = Path(__file__).parent

# Crude, or a judgment of the colour instead of its name.
_CRUDE = frozenset(
    ("barf", "bile", "booger", "crap", "diarrhea", "gross", "icky", "nasty", "piss")
    + ("poo", "poop", "puke", "shit", "sick", "sickly", "snot", "ugly", "vomit", "weird")
)
# A lone word that is found more often in WordNet's tagged texts, and has no meaning of a
# colour, is about something else: "earth", "leaf", "ice", but not "sand".
_MOST_USES = 20
# A noun has other meanings in mind when they are so many times as frequent as those kept.
_OTHER_MEANINGS = 3
_FEWEST_OTHERS = 10

# On Zipf's scale: once in 100,000 words, and once in 500,000.
_FREQUENT_IN_ENGLISH, _RARE_IN_ENGLISH = 4.0, 3.3
_TEN_TIMES = 1.0

# wordfreq parts their words with further packages, and no Latin word is of them.
_WITHOUT_LATIN_WORDS = frozenset({"ja", "ko", "zh"})

# The nouns: these synsets and all that are a kind of one, ...
_ROOTS = (
    *("clothing.n.01", "footwear.n.02", "headband.n.01", "handkerchief.n.01"),
    *("bag.n.01", "bag.n.04", "baggage.n.01", "wallet.n.01", "briefcase.n.01"),
    *("cardcase.n.01", "toilet_kit.n.01", "glasses_case.n.01", "key_ring.n.01"),
    *("jewelry.n.01", "pendant.n.01", "locket.n.01", "hairpin.n.01", "hair_slide.n.01"),
    *("barrette.n.01", "watch.n.01", "spectacles.n.01", "umbrella.n.01", "parasol.n.01"),
    *("toiletry.n.01", "compact.n.01", "fabric.n.01", "leather.n.01", "fur.n.01"),
)
_MATERIALS = ("fabric.n.01", "leather.n.01", "fur.n.01")
# ... but not these and their kinds: parts, tools and containers of other things.
_NOT = (
    *("air_bag.n.01", "bladder.n.02", "body_bag.n.01", "burn_bag.n.01", "dust_bag.n.01"),
    *("envelope.n.06", "ice_pack.n.01", "nosebag.n.01", "plastic_bag.n.01", "sack.n.01"),
    *("mailbag.n.01", "mailbag.n.02", "pocket.n.01", "rosin_bag.n.01", "sandbag.n.01"),
    *("sick_bag.n.01", "skin.n.06", "sleeping_bag.n.01", "tea_bag.n.02", "ragbag.n.02"),
    *("beanbag.n.01", "gunnysack.n.01", "sachet.n.01", "piece_of_leather.n.01"),
    *("piece_of_cloth.n.01", "safety_belt.n.01", "holster.n.02", "flipper.n.01"),
    *("laundry.n.01", "ironing.n.01", "mending.n.01", "diaper.n.01", "toothbrush.n.01"),
    *("aspirin_powder.n.01", "araroba.n.01", "dover's_powder.n.01", "potpourri.n.03"),
)


def build_colours(
    css4: Mapping[str, str],
    xkcd: Mapping[str, str],
    more: Mapping[str, str],
    surveyed: Mapping[str, str],
) -> Mapping[str, list[list[float]]]:
    """The points of all colour names.

    A name of `more` has its point, another name those of XKCD and of CSS; and each has that
    of `surveyed` besides. "Gray" is spelt "grey".

    Args:
        css4: {name: "#rrggbb"}, words run together ("seagreen").
        xkcd: {name: "#rrggbb"}.
        more: {name: "#rrggbb"}.
        surveyed: {name: "#rrggbb"}; a name of this table alone is left out.

    Returns:
        {name as `plain_words` returns it: one to three (CIE L, a, b) under D65, rounded to
        0.1}.
    """
    *tables, further = [
        {plain_words(name): [value] for name, value in table.items()}
        for table in (xkcd, more, surveyed)
    ]
    known = {
        name: of
        for table in tables
        for name, of in table.items()
        if not _CRUDE & {*name.split()}
    }
    words = {word for name in known for word in name.split()}
    css = {_split(name, words): [value] for name, value in css4.items()}
    both = {name: known.get(name, []) + css.get(name, []) for name in {*known, *css}}
    both |= tables[1]
    return {
        name: (lab_of_hex([*of, *further.get(name, ())]).round(1) + 0.0).tolist()
        for name, of in sorted(both.items())
        if "gray" not in name
    }


def lab_of_hex(hexes: list[str]) -> np.ndarray:
    """Converts sRGB to CIELAB under D65 (IEC 61966-2-1, CIE 15).

    Args:
        hexes: N colours as "#rrggbb".

    Returns:
        float64 [N, 3], L, a, b.
    """
    rgb = np.array([[*bytes.fromhex(value.removeprefix("#"))] for value in hexes]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    xyz = linear @ to_xyz.T / to_xyz.sum(axis=1)
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    x, y, z = f.T
    return np.column_stack([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def not_asked_colours(
    names: Iterable[str], nouns: Iterable[str], wordnet: WordNet
) -> list[str]:
    """Names that mean something else when they are alone, as in "leather" and "ice".

    A name is kept if WordNet knows it as a colour; otherwise it must neither be a garment,
    a cosmetic or a material nor a frequent word.

    Args:
        names: of colours.
        nouns: of the thesaurus.
        wordnet: the nouns.
    """
    lone = {name for name in names if " " not in name} - wordnet.colour_words
    things = {*nouns}
    return sorted(
        name for name in lone if name in things or wordnet.uses.get(name, 0) > _MOST_USES
    )


def build_nouns(wordnet: WordNet, more: Mapping[str, Any]) -> Mapping[str, Any]:
    """The thesaurus: WordNet's synsets under the roots, with `more_nouns.json`.

    Args:
        wordnet: the nouns.
        more: "synsets" and "senses" in the form that is returned. Its synsets are new, or
            add words in front of WordNet's; its parents and senses replace WordNet's.
            "kinds" are {name of a synset: words that are each a kind of it}; "left_out" and
            "not_asked" are {reason: words}.

    Returns:
        "synsets": {name: (words, names of the synsets that it is a kind of)}, and "senses":
        {word of several synsets: their names, the usual ones first}; "not_asked": words
        that name a value of a shop, but in a request mostly mean something else.

    Raises:
        FitRankError: if `more` names a synset that there is not.
    """
    offsets = {name: offset for offset, name in wordnet.names.items()}
    kept = wordnet.below(
        [offsets[name] for name in _ROOTS], without=[offsets[name] for name in _NOT]
    )
    left_out = {word for words in more["left_out"].values() for word in words}
    synsets: dict[str, tuple[list[str], list[str]]] = {}
    for offset in kept:
        synset = wordnet.synsets[offset]
        parents = [wordnet.names[parent] for parent in synset.parents if parent in kept]
        words = [word for word in _united(synset.words) if word not in left_out]
        synsets[wordnet.names[offset]] = words, parents
    added = {word: ([word], [of]) for of, words in more["kinds"].items() for word in words}
    added |= more["synsets"]
    for name, (words, parents) in added.items():
        old = synsets.get(name, ([], []))
        synsets[name] = _united(words, old[0]), parents or old[1]
    named = [*more["senses"].items(), *((name, of) for name, (_, of) in added.items())]
    for word, names in named:
        if unknown := {*names} - synsets.keys():
            raise FitRankError(
                f"more_nouns.json: {word!r} names {', '.join(sorted(unknown))}, which no "
                "synset is called; name one of nouns.json or add it"
            )
    senses: dict[str, list[str]] = {}
    for name in sorted(synsets, key=lambda name: (name not in added, name)):
        for word in synsets[name][0]:
            senses.setdefault(word, []).append(name)
    for word, names in senses.items():
        usual = [wordnet.names[offset] for offset in wordnet.senses.get(word, ())]
        added_first = [name for name in names if name not in usual]
        names[:] = added_first + [name for name in usual if name in names]
    chosen = {word for words, _ in added.values() for word in words} | {*more["senses"]}
    of_material = wordnet.below([offsets[name] for name in _MATERIALS])
    materials = {wordnet.names[offset] for offset in of_material}
    # "Tweed" is the material; "tweeds" are trousers.
    several = {
        word: [name for name in names if name in materials and word not in chosen] or names
        for word, names in senses.items()
        if len(names) > 1
    }
    not_asked = {word for words in more["not_asked"].values() for word in words}
    other = {word for word in senses if _is_mostly_other(wordnet, word, kept)}
    return {
        "synsets": dict(sorted(synsets.items())),
        "senses": dict(sorted({**several, **more["senses"]}.items())),
        "not_asked": sorted(not_asked | (other - chosen)),
    }


def _is_mostly_other(wordnet: WordNet, word: str, kept: frozenset[str]) -> bool:
    """Whether the tagged texts mostly use a word for something that is not kept."""
    ours = sum(
        wordnet.uses_of_sense.get(key, 0)
        for offset in wordnet.senses.get(word, ())
        if offset in kept
        for key, of in zip(wordnet.synsets[offset].keys, wordnet.synsets[offset].words)
        if of == word
    )
    others = wordnet.uses.get(word, 0) - ours
    return others >= _FEWEST_OTHERS and others > _OTHER_MEANINGS * ours


def _united(first: Iterable[str], second: Iterable[str] = ()) -> list[str]:
    return list(dict.fromkeys((*first, *second)))


def _split(name: str, words: set[str]) -> str:
    """A name of words run together, with blanks; at most the first word is not known."""
    if name in words:
        return name
    for end in range(len(name) - 3, 2, -1):
        rest = _split(name[end:], words)
        if name[:end] in words and words.issuperset(rest.split()):
            return f"{name[:end]} {rest}"
    for start in range(3, len(name) - 2):
        if name[start:] in words:
            return f"{name[:start]} {name[start:]}"
    return name


def frequent_in_english(
    languages: Mapping[str, Mapping[str, Iterable[str]]],
    nouns: Container[str],
    frequency: Callable[[str, str], float],
) -> list[str]:
    """Words that are expected in English texts, and phrases of frequent words.

    Those that are frequent in English, or more so than in each of their languages; of
    English nouns those that are not ten times as frequent in one of their languages.

    Args:
        languages: {language: {English phrase: words}}.
        nouns: of English.
        frequency: of a word in a language, on Zipf's scale; 0 where it is not known, as of
            words that are written in Latin letters instead of their own.
    """
    most: dict[str, float] = {}
    for language, table in languages.items():
        for word in {plain_words(word) for words in table.values() for word in words}:
            if word.isascii():
                most[word] = max(frequency(word, language), most.get(word, 0.0))

    def is_expected(phrase: str, own: float) -> bool:
        english = min(frequency(word, "en") for word in phrase.split())
        if " " in phrase or english > _FREQUENT_IN_ENGLISH:
            return english > _FREQUENT_IN_ENGLISH
        return english > max(own, _RARE_IN_ENGLISH) or (
            phrase in nouns and own < english + _TEN_TIMES
        )

    return sorted(phrase for phrase, own in most.items() if is_expected(phrase, own))


def in_own_language(
    languages: Mapping[str, Mapping[str, Iterable[str]]],
    words: Container[str],
    frequency: Callable[[str, str], float],
) -> dict[str, dict[str, float]]:
    """How much more frequent words of English are in the language that they are also of.

    Args:
        languages: {language: {English phrase: words}}.
        words: of English and another language.
        frequency: as in `frequent_in_english`.

    Returns:
        {language: {word: decimal logarithm of the ratio}}, without words of which the
        frequency in the language is not known.
    """
    ratios = {}
    for language, table in languages.items():
        own = {plain_words(word) for of in table.values() for word in of}
        known = {
            word: round(frequency(word, language) - frequency(word, "en"), 2)
            for word in sorted(own)
            if word in words and " " not in word and frequency(word, language)
        }
        if known:
            ratios[language] = known
    return ratios


def no_compounds(words: Iterable[str], frequency: Callable[[str, str], float]) -> list[str]:
    """Words of English that could be compounds of another language, but are not.

    Args:
        words: of English.
        frequency: as in `frequent_in_english`.
    """
    return sorted(
        {
            word
            for word in words
            for language, parts in compound_parts().items()
            if any(splits(word, parts))
            and frequency(word, "en") > frequency(word, language)
        }
    )


def _write(name: str, tables: Mapping[str, Any]) -> None:
    """Writes JSON of tables with a row in a line, so that a change is read in the diff."""
    parts = []
    for key, table in tables.items():
        text = json.dumps(table)
        if isinstance(table, Mapping):
            rows = (f"  {json.dumps(row)}: {json.dumps(of)}" for row, of in table.items())
            text = "{\n" + ",\n".join(rows) + "\n }"
        parts.append(f" {json.dumps(key)}: {text}")
    (FOLDER / name).write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


def main() -> None:
    """Reads the sources and writes the files beside this module."""
    import wordfreq
    from matplotlib import colors

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wordnet", type=Path, default=Path("/usr/share/wordnet"))
    wordnet = WordNet(parser.parse_args().wordnet)
    more = json.loads((FOLDER / "more_nouns.json").read_text(encoding="utf-8"))
    nouns = build_nouns(wordnet, more)
    words = [word for of, _ in nouns["synsets"].values() for word in of]
    colours, surveyed = (
        json.loads((FOLDER / f"{name}_colours.json").read_text(encoding="utf-8"))
        for name in ("more", "surveyed")
    )
    points = build_colours(
        {name: str(of) for name, of in colors.CSS4_COLORS.items()},
        {name.removeprefix("xkcd:"): str(of) for name, of in colors.XKCD_COLORS.items()},
        {name: value for of in colours["points"].values() for name, value in of.items()},
        surveyed["points"],
    )
    not_asked = not_asked_colours({*points} - {*colours["alone"]}, words, wordnet)
    _write("colours.json", {"points": points, "not_asked": not_asked})
    _write("nouns.json", nouns)
    languages = json.loads((FOLDER / "translations.json").read_text(encoding="utf-8"))
    known = wordfreq.available_languages().keys() - _WITHOUT_LATIN_WORDS

    def frequency(word: str, language: str) -> float:
        return wordfreq.zipf_frequency(word, language) if language in known else 0.0

    frequent = frequent_in_english(languages, wordnet.common_nouns, frequency)
    _write("frequent_in_english.json", {"words": frequent})
    _write(
        "between_languages.json",
        {
            "in_own_language": in_own_language(languages, english_words(), frequency),
            "no_compounds": no_compounds(wordfreq.iter_wordlist("en"), frequency),
        },
    )


if __name__ == "__main__":
    main()
