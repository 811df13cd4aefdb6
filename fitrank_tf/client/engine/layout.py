"""How products lie in an engine's collection: names, fields, and values as they are kept.

| field                  | type         | holds                                           |
|------------------------|--------------|-------------------------------------------------|
| `id`                   | VARCHAR, key | the shop's product id                           |
| `position`             | INT64        | its place in the catalogue; orders equal scores |
| `title`                | VARCHAR      | its title                                       |
| `attribute_<name>`     | see `KINDS`  | an attribute as it is compared; null for none   |
| `likely_values`        | VARCHAR      | facet values of a chance of `LIKELY`: ",3,17,"  |
| `embedding`            | vector [D]   | unit embedding of its photo                     |
| `product`              | vector [W]   | what the re-ranker reads of it                  |
| `title_terms`          | sparse       | BM25 weights of the terms of its title          |

A collection belongs to the models and title terms of one fingerprint. Its alias is made of
the fingerprint, so a request that was read by other models never reaches it.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence

from fitrank_tf.core.filters import parse_ranges, split_values

# The served model that belongs to an engine.
ENGINE_MODEL = "engine_search"
DEFAULT_NAME = "products"
# Another where a collection of before cannot be searched any more.
LAYOUT = "1"

ID, POSITION, TITLE, LIKELY_VALUES = "id", "position", "title", "likely_values"
EMBEDDING, PRODUCT, TITLE_TERMS = "embedding", "product", "title_terms"
# From which chance on a product is taken to have a facet value.
LIKELY = 0.5
# {kind of an attribute: Milvus's type}.
KINDS: Mapping[str, str] = {
    "category": "VARCHAR",
    "categories": "ARRAY",
    "number": "DOUBLE",
}
# Of the embeddings, Milvus's names; "auto" is exact for a small catalogue.
INDEX_TYPES: tuple[str, ...] = (
    "auto",
    "FLAT",
    "HNSW",
    "HNSW_SQ",
    "SCANN",
    "IVF_FLAT",
    "IVF_SQ8",
)
# Bytes of a text, Milvus's limit; values of an attribute.
MOST_BYTES, MOST_VALUES = 65_535, 4096

# The nearest products to each one that is found by its title.
_NEAREST_TO_TITLED = 2
_ATTRIBUTE = "attribute_"
_KEPT_DIGITS = 16
_BLANKS = re.compile(r"[\s\x1e\x1f]+")


def alias_of(name: str, fingerprint: str) -> str:
    """The alias of the collection that belongs to models.

    Args:
        name: of the catalogue in the engine, letters, digits and "_".
        fingerprint: of the models.
    """
    return f"{name}_{fingerprint[:_KEPT_DIGITS]}"


def titled_places(list_size: int) -> int:
    """How many products are candidates by their titles, beside the nearest ones.

    Args:
        list_size: how many candidates those are.
    """
    return max(1, list_size // _NEAREST_TO_TITLED)


def attribute_field(name: str) -> str:
    """The field of an attribute.

    Args:
        name: of a served model's input for it, see `core.attribute_names.input_name`.
    """
    return f"{_ATTRIBUTE}{name}"


def attribute_of(field: str) -> str | None:
    """The attribute of a field, as of `attribute_field`; None for another field."""
    return field.removeprefix(_ATTRIBUTE) if field.startswith(_ATTRIBUTE) else None


def normalised(value: str) -> str:
    """A value as it is compared: lower case, single blanks, none at the ends."""
    text = value.encode(errors="replace").decode()
    return _BLANKS.sub(" ", text.lower()).strip()


def stored_value(kind: str, text: str) -> str | float | list[str] | None:
    """What a collection holds of an attribute.

    Args:
        kind: one of `KINDS`.
        text: a product's, "" for none; see `datasets.attributes`.
    """
    if kind == "number":
        return float(text) if text else None
    if kind == "category":
        return normalised(text) or None
    values = list(dict.fromkeys(filter(None, map(normalised, split_values(text)))))
    return values or None


def admits(field: str, kind: str, text: str) -> str:
    """The expression of a filter, "" where it admits all.

    Args:
        field: by `attribute_field`.
        kind: of the attribute.
        text: the filter, as in `core.filters`.

    Raises:
        FitRankError: for a text of a number that is no range.
    """
    if not split_values(text):
        return ""
    if kind == "number":
        ranges = parse_ranges(text).ranges
        return _any(within(field, each.low, each.high) for each in ranges)
    values = [normalised(value) for value in split_values(text)]
    listed = f"[{', '.join(map(_quoted, values))}]"
    if kind == "categories":
        return f"array_contains_any({field}, {listed})"
    return f"{field} in {listed}"


def within(field: str, low: float, high: float) -> str:
    """The expression of a number within bounds, both included; "" for infinite ones."""
    infinity = float("inf")
    if low > high:
        # What contradicts itself admits nothing.
        return f"{POSITION} in []"
    return all_of(
        [
            f"{field} >= {float(low)!r}" if low > -infinity else "",
            f"{field} <= {float(high)!r}" if high < infinity else "",
        ]
    )


def likely_values(values: Iterable[int]) -> str:
    """The text of facet values, by number."""
    return f",{','.join(map(str, values))},"


def lacks(values: Sequence[int]) -> str:
    """The expression of products that are likely to have none of some facet values."""
    return all_of(f'not ({LIKELY_VALUES} like "%,{value},%")' for value in values)


def all_of(expressions: Iterable[str]) -> str:
    """Expressions that all hold; those that are "" hold anyway."""
    return " and ".join(f"({each})" for each in expressions if each)


def _any(expressions: Iterable[str]) -> str:
    return " or ".join(f"({each})" for each in expressions)


def _quoted(value: str) -> str:
    """A literal of Milvus's, whose escapes for quotes and backslashes are JSON's."""
    return json.dumps(value, ensure_ascii=False)
