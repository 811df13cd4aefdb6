"""A page to look at a search: an ASGI app, and the models that it asks."""
