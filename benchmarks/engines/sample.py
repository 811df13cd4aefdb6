"""Catalogues of any size, of the products of a bundle."""

import dataclasses

from benchmarks.index.sample_embeddings import resampled
from fitrank_tf.export.graphs.served_catalogue import SearchableCatalogue


def grown(catalogue: SearchableCatalogue, size: int, seed: int = 0) -> SearchableCatalogue:
    """A catalogue of another size: its products again and again, or the first of them.

    Embeddings are drawn from the distribution of the catalogue's; all else is repeated.

    Args:
        catalogue: at least one product.
        size: how many products there shall be.
        seed: decides the embeddings.
    """
    repeated = catalogue.select([row % len(catalogue) for row in range(size)])
    known = catalogue.tables.embeddings
    drawn = resampled(known, known[:1], size, seed).vectors
    tables = dataclasses.replace(repeated.tables, embeddings=drawn)
    ids = tuple(f"{row}" for row in range(size))
    return dataclasses.replace(repeated, ids=ids, tables=tables)


def common_filter(catalogue: SearchableCatalogue) -> dict[str, str]:
    """The filter that comes nearest to admitting a third of the products."""
    shares = [
        (abs(values.count(value) / len(values) - 1 / 3), each.name, value)
        for each in catalogue.filters
        if each.kind == "category"
        for values in [catalogue.attributes[each.name]]
        for value in sorted(set(values) - {""})
    ]
    _, name, value = min(shares)
    return {name: value}
