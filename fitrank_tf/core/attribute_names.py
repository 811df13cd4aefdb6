"""Names of attributes: as columns and people write them, and as served models take them."""

import keyword
import re
import unicodedata
from collections.abc import Collection

# Other inputs of the served models, and other kinds of query.
_RESERVED = ("query", "image", "text", "top_k", "id", "title", "facet", "given")


def attribute_name(text: str) -> str:
    """An attribute's name, from a column's or as a person writes it.

    "Heel Height (mm)" is `heel_height_mm`, "Absatzhöhe" is `absatzhöhe`. A name that served
    models use otherwise gets a "_" at its end.
    """
    text = unicodedata.normalize("NFC", text).casefold()
    name = re.sub(r"\W+", "_", unicodedata.normalize("NFC", text)).strip("_")
    return f"{name}_" if name in _RESERVED else name


def input_name(name: str) -> str:
    """The name of a served model's input for an attribute, which TensorFlow wants in ASCII.

    `absatzhöhe` is `absatzhohe`; letters without a Latin base are written as their code.

    Args:
        name: from `attribute_name`.
    """
    folded = unicodedata.normalize("NFKD", name)
    ascii_only = "".join(
        c if c.isascii() else "" if unicodedata.combining(c) else f"u{ord(c):x}"
        for c in folded
    )
    if not ascii_only[:1].isalpha():
        return f"a_{ascii_only}"
    return f"{ascii_only}_" if keyword.iskeyword(ascii_only) else ascii_only


def known_name(text: str, known: Collection[str]) -> str:
    """The attribute that a person means, or the text itself if it is none of the known.

    Args:
        text: a name as a person writes it.
        known: names of attributes, or of a served model's inputs for them.
    """
    name = attribute_name(text)
    return next((each for each in (text, name, input_name(name)) if each in known), text)
