"""The committed SigLIP checkpoints, and the texts that are compared."""

from fitrank_tf.datasets.synthetic_catalogue.product import write_listing
from tests.towers.checkpoints.small_checkpoints import _PLAIN_TEXTS

SIGLIP_KINDS = ("siglip", "siglip2", "open_clip_siglip", "open_clip_siglip2")
CONTEXT, PHOTO = 16, 16
TITLES = [write_listing(0, index).text for index in range(150)]
TEXTS = {kind: [t.strip() for t in _PLAIN_TEXTS] for kind in SIGLIP_KINDS}
