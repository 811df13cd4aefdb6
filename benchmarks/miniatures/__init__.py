"""Miniatures of the public data sets: drawn products in each set's own layout."""
