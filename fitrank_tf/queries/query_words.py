"""The words of a text as people type it."""

import unicodedata

from fitrank_tf.queries.words import plain_words

# Unicode's format characters: zero width, soft hyphens, marks of direction.
_FORMAT = "Cf"
# NFKC makes letters of them: "Nike™" would be "niketm".
_MARKS = str.maketrans("™℠", "  ")


def query_words(text: str) -> list[str]:
    """The words of a text: runs of letters and digits, lower case.

    Format characters are removed and do not part words. Compatible characters are one
    (NFKC): full-width letters are the plain ones.
    """
    if not text.isascii():
        seen = (c for c in text if unicodedata.category(c) != _FORMAT)
        text = unicodedata.normalize("NFKC", "".join(seen).translate(_MARKS))
    return plain_words(text).split()
