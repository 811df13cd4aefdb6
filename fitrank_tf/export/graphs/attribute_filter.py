"""Filters of a served search: restrict the products by their attributes.

A filter is a text, as `core.filters` says: "" admits everything, "Women|Unisex" the
products of either value, "30..45" those whose number is within. A value that no product has
admits none, and so does what is no range for a number.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from fitrank_tf.core.filters import NUMBER_PATTERN, split_values
from fitrank_tf.datasets.attributes import CATEGORIES, NUMBER, Attribute

# No product has this number, and no value.
_UNKNOWN, _NO_VALUE = -2, -1
# Stand for a quoted backslash and bar; in texts they count as blanks.
_BACKSLASH, _BAR = "\x1e", "\x1f"
_BLANKS = r"[\s\x1e\x1f]+"


class AttributeFilter(tf.Module):
    """Filter texts to the products that they admit, in stock TensorFlow ops.

    Args:
        attributes: name -> N values, for each of `declared`; "" where there is none.
        declared: the attributes that can be filtered by.
    """

    def __init__(
        self,
        attributes: Mapping[str, Sequence[str]],
        declared: Sequence[Attribute],
    ):
        super().__init__(name="attribute_filter")
        self.declared = tuple(declared)
        self._columns = {
            one.name: _column(one.kind, attributes[one.name]) for one in declared
        }
        self._size = len(attributes[declared[0].name]) if declared else 0

    def __call__(self, filters: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Returns which products pass all filters of a query.

        Args:
            filters: some of the declared attributes -> string [batch].

        Returns:
            bool [batch, N].
        """
        batch = tf.size(next(iter(filters.values())))
        admitted = tf.ones([batch, self._size], tf.bool)
        for name, texts in filters.items():
            admitted &= _admitted(self._columns[name], texts)
        return admitted


class _ValueColumn(tf.Module):
    """The values of an attribute: one or several a product.

    Args:
        values: those of each of N products.
    """

    def __init__(self, values: Sequence[Sequence[str]]):
        super().__init__(name="value_column")
        flat = tf.constant([value for of in values for value in of], tf.string)
        keys, numbers = np.unique(
            normalised(flat).numpy().astype(object), return_inverse=True
        )
        codes = np.full((max(1, *map(len, values)), len(values)), _NO_VALUE, np.int32)
        at = iter(numbers)
        for row, of in enumerate(values):
            codes[: len(of), row] = [next(at) for _ in of]
        # [values of a product, N]: a value's number, the same for equal values.
        self.codes = tf.Variable(codes, trainable=False)
        self._numbers = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(
                tf.constant(keys if len(keys) else [b""]),
                tf.range(max(1, len(keys)), dtype=tf.int32),
            ),
            default_value=_UNKNOWN,
        )

    def __call__(self, wanted: tf.Tensor) -> tf.Tensor:
        """bool [batch, N], which have one of the values, string [batch, A], "" for none."""
        numbers = tf.where(wanted != "", self._numbers.lookup(wanted), _UNKNOWN)
        same = numbers[:, :, tf.newaxis, tf.newaxis] == self.codes
        return tf.reduce_any(same, axis=[1, 2])


class _NumberColumn(tf.Module):
    """The numbers of an attribute.

    Args:
        numbers: float64 [N], NaN where there is none.
    """

    def __init__(self, numbers: np.ndarray):
        super().__init__(name="number_column")
        self.numbers = tf.Variable(numbers, dtype=tf.float64, trainable=False)

    def __call__(self, wanted: tf.Tensor) -> tf.Tensor:
        """bool [batch, N], which are in a range, string [batch, A], "" for none."""
        low, high = range_ends(wanted)
        inside = (low[..., tf.newaxis] <= self.numbers) & (
            self.numbers <= high[..., tf.newaxis]
        )
        return tf.reduce_any(inside, axis=1)


def _column(kind: str, cells: Sequence[str]) -> tf.Module:
    if kind == NUMBER:
        return _NumberColumn(np.array([float(cell or "nan") for cell in cells]))
    if kind == CATEGORIES:
        return _ValueColumn([split_values(cell) for cell in cells])
    return _ValueColumn([[cell] if cell.strip() else [] for cell in cells])


def _admitted(column: tf.Module, texts: tf.Tensor) -> tf.Tensor:
    """bool [batch, N], or [batch, 1] where nobody uses this filter."""

    def chosen() -> tf.Tensor:
        wanted = _alternatives(texts)
        return ~tf.reduce_any(wanted != "", axis=1, keepdims=True) | column(wanted)

    # Reading a text takes ten ops, and comparing costs values times products; most requests
    # set one filter or none.
    return tf.cond(
        tf.reduce_any(texts != ""), chosen, lambda: tf.ones([tf.size(texts), 1], tf.bool)
    )


def _alternatives(texts: tf.Tensor) -> tf.Tensor:
    """The values of texts, normalised: string [batch, A], "" for padding."""
    texts = tf.strings.regex_replace(_valid(texts), _BLANKS, " ")
    texts = tf.strings.regex_replace(texts, r"\\\\", _BACKSLASH)
    texts = tf.strings.regex_replace(texts, r"\\\|", _BAR)
    values = tf.strings.split(texts, "|").to_tensor("")
    values = tf.strings.regex_replace(values, _BACKSLASH, r"\\")
    return normalised(tf.strings.regex_replace(values, _BAR, "|"))


def range_ends(wanted: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Lowest and highest number of each range, float64 of the shape of `wanted`.

    What is no range has infinity as its lowest number. NaN is no bound, and admits none.
    """
    one = f"({NUMBER_PATTERN})"
    rules = {
        rf"^{one}$": r">=\1 <=\1",
        rf"^{one} ?\.\. ?{one}$": r">=\1 <=\2",
        rf"^{one} ?\.\.$": r">=\1",
        rf"^\.\. ?{one}$": r"<=\1",
        r"([<>]=?) ": r"\1",
    }
    for pattern, rewritten in rules.items():
        wanted = tf.strings.regex_replace(wanted, pattern, rewritten)
    parts = tf.strings.split(wanted).to_tensor("")
    numbers = tf.strings.regex_replace(parts, "^[<>]=?", "")
    valid = tf.strings.regex_full_match(parts, f"[<>]=?{one}")
    inf = tf.constant(np.inf, tf.float64)
    numbers = tf.strings.to_number(tf.where(valid, numbers, "inf"), tf.float64)
    least = tf.strings.regex_full_match(parts, ">.*")
    exclusive = valid & ~tf.strings.regex_full_match(parts, ".=.*")
    beyond = tf.math.nextafter(numbers, tf.where(least, inf, -inf))
    numbers = tf.where(exclusive, beyond, numbers)
    # Padding bounds nothing; what is neither admits nothing.
    is_low = (valid & least) | (~valid & (parts != ""))
    low = tf.reduce_max(tf.where(is_low, numbers, -inf), axis=-1)
    high = tf.reduce_min(tf.where(valid & ~least, numbers, inf), axis=-1)
    return tf.where(wanted == "", inf, low), high


def normalised(values: tf.Tensor) -> tf.Tensor:
    """Values as they are compared: lower case, single blanks, none at the ends."""
    values = tf.strings.lower(_valid(values), encoding="utf-8")
    return tf.strings.strip(tf.strings.regex_replace(values, _BLANKS, " "))


def _valid(texts: tf.Tensor) -> tf.Tensor:
    return tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")
