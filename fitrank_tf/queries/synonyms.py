"""A shop's own words for its values: a text file with a line for each value.

    # attribute <tab> value <tab> words, with commas between them
    colour          Navy Blue       midnight, ink blue
    article_type    Tshirts         jersey, tee

They hold in requests and in titles, beside the catalogue's own names and before what
general knowledge says.
"""

import dataclasses
import difflib
import os
from collections.abc import Collection

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.lines import line_error, numbered_lines
from fitrank_tf.queries.lexicon import FacetLexicon
from fitrank_tf.queries.words import plain_words


def with_synonyms(lexicon: FacetLexicon, path: str | os.PathLike[str]) -> FacetLexicon:
    """The lexicon with the words of a file; those that it had before are replaced.

    Args:
        lexicon: of the catalogue.
        path: of a file as the module says, in UTF-8; lines that begin with # say nothing.

    Raises:
        FitRankError: if the file cannot be read, or a line has another form, an unknown
            attribute or value, or a word that is the catalogue's name of another value;
            names the line.
    """
    values = dict(lexicon.values)
    synonyms = []
    for number, line in numbered_lines(path):
        if line.lstrip().startswith("#"):
            continue
        fields = [field.strip() for field in line.split("\t")]
        words = [plain_words(word) for word in fields[-1].split(",")]
        if len(fields) != 3 or not all(words):
            raise line_error(
                path,
                number,
                "not an attribute, a value and words",
                "write them with tabs between them, and commas between words",
            )
        facet, said, _ = fields
        try:
            facet = _known(facet, values, "attribute")
            value = _known(said, values[facet], f"value of {facet}")
        except FitRankError as error:
            raise line_error(path, number, str(error)) from error
        names = {plain_words(other): other for other in values[facet] if other != value}
        for word in words:
            if word in names:
                raise line_error(
                    path, number, f"{word!r} is the value {names[word]!r} of the catalogue"
                )
        synonyms.append((facet, value, tuple(words)))
    return dataclasses.replace(lexicon, synonyms=tuple(synonyms))


def _known(said: str, names: Collection[str], what: str) -> str:
    """The name that is meant, whatever its case and blanks."""
    by_words = {plain_words(name): name for name in names}
    if plain_words(said) in by_words:
        return by_words[plain_words(said)]
    near = difflib.get_close_matches(plain_words(said), by_words, n=1)
    hint = f"; do you mean {by_words[near[0]]!r}?" if near else ""
    raise FitRankError(f"{said!r} is no {what}{hint}")
