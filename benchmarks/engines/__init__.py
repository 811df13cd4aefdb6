"""How searches grow with the catalogue: in one graph, and around an engine."""
