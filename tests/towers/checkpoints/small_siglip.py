"""The committed SigLIP checkpoints, and the texts that are compared."""

from fitrank_tf.datasets.synthetic_catalogue.product import write_listing
from tests.towers.checkpoints.small_checkpoints import MENDED, PLAIN_TEXTS

KINDS = ("siglip", "siglip2", "open_clip_siglip", "open_clip_siglip2")
CONTEXT, PHOTO = 16, 16
# What the vocabularies were learned from.
TITLES = [write_listing(0, index).text for index in range(150)]
# Without a normaliser transformers makes a piece of a blank before a text.
_STRIPPED = [text.strip() for text in PLAIN_TEXTS]
_UNMENDED = [t for t in _STRIPPED if not any(mended in t for mended in MENDED)]
TEXTS = {kind: _UNMENDED if "open_clip" in kind else _STRIPPED for kind in KINDS}
