"""Filters of a served search: restrict the products by their attributes.

A filter is a text: "" admits everything, "Women" the products of that value, and
"Women|Unisex" those of either. Case and blanks around a value do not matter. A value
that no product has admits none.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from fitrank_tf.datasets.item import ATTRIBUTES

# Every attribute of an Item; the catalogue's own words are the values.
FILTERS: tuple[str, ...] = ATTRIBUTES

_ALTERNATIVES = "|"
# No product has this number, and no value.
_UNKNOWN, _NO_VALUE = -2, -1


class AttributeFilter(tf.Module):
    """Filter texts to the products that they admit, in TensorFlow ops.

    Args:
        attributes: name -> N values, for each of `FILTERS`; "" where there is none.
    """

    def __init__(self, attributes: Mapping[str, Sequence[str]]):
        super().__init__(name="attribute_filter")
        keys, codes = _numbered(attributes)
        # [filters, N]: a value's number, the same for equal values.
        self.codes = tf.Variable(codes, dtype=tf.int32, trainable=False)
        self._numbers = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(
                tf.constant(keys or [b"-"]),
                tf.range(len(keys) or 1, dtype=tf.int32),
            ),
            default_value=_UNKNOWN,
        )

    def __call__(self, filters: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Returns which products pass all filters of a query.

        Args:
            filters: some of `FILTERS` -> string [batch].

        Returns:
            bool [batch, N].
        """
        batch = tf.size(next(iter(filters.values())))
        admitted = tf.ones([batch, tf.shape(self.codes)[1]], tf.bool)
        for name, texts in filters.items():
            admitted &= self._admitted(name, texts)
        return admitted

    def _admitted(self, name: str, texts: tf.Tensor) -> tf.Tensor:
        """bool [batch, N], or [batch, 1] where nobody uses this filter."""
        values = normalised(tf.strings.split(texts, _ALTERNATIVES).to_tensor(""))
        wanted = values != ""
        idle = ~tf.reduce_any(wanted, axis=1, keepdims=True)

        def compare() -> tf.Tensor:
            numbers = self._numbers.lookup(tf.strings.join([f"{name}=", values]))
            numbers = tf.where(wanted, numbers, _UNKNOWN)
            codes = self.codes[FILTERS.index(name)]
            same = numbers[:, :, tf.newaxis] == codes[tf.newaxis, tf.newaxis, :]
            return idle | tf.reduce_any(same, axis=1)

        # Comparing costs values times products; most requests set one filter or none.
        return tf.cond(tf.reduce_all(idle), lambda: idle, compare)


def normalised(values: tf.Tensor) -> tf.Tensor:
    """Values as they are compared: lower case, single blanks, none at the ends."""
    values = tf.strings.unicode_transcode(values, "UTF-8", "UTF-8", errors="replace")
    values = tf.strings.lower(values, encoding="utf-8")
    return tf.strings.strip(tf.strings.regex_replace(values, r"\s+", " "))


def _numbered(
    attributes: Mapping[str, Sequence[str]],
) -> tuple[list[bytes], np.ndarray]:
    """The distinct values of all filters, each "name=value", and their places there."""
    keys: list[bytes] = []
    codes = []
    for name in FILTERS:
        values = normalised(tf.constant(list(attributes[name]), tf.string)).numpy()
        distinct, places = np.unique(values.astype(object), return_inverse=True)
        first = len(keys)
        keys += [f"{name}=".encode() + value for value in distinct]
        codes.append(np.where(values == b"", _NO_VALUE, first + places))
    return keys, np.array(codes, np.int32)
