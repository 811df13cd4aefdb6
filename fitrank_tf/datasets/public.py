"""The public data sets that can be read, by name."""

import functools
from collections.abc import Callable, Mapping

from fitrank_tf.datasets import (
    deepfashion_attributes,
    deepfashion_consumer_to_shop,
    deepfashion_inshop,
    deepfashion_multimodal,
    esci,
    flickr30k,
    inria_holidays,
    marqo_parquet,
    mscoco_karpathy,
    wands,
)
from fitrank_tf.datasets.product_builder import ProductBuilder
from fitrank_tf.datasets.public_builder import PublicBuilder, PublicSource

# Takes the folder that `--manual_dir` names.
OpenPublic = Callable[[str], PublicSource]

_BUILDERS: Mapping[str, type[PublicBuilder]] = {
    "deepfashion_attributes": deepfashion_attributes.Builder,
    "deepfashion_consumer_to_shop": deepfashion_consumer_to_shop.Builder,
    "deepfashion_inshop": deepfashion_inshop.Builder,
    "deepfashion_multimodal": deepfashion_multimodal.Builder,
    "flickr30k": flickr30k.Builder,
    "inria_holidays": inria_holidays.Builder,
    "marqo_parquet": marqo_parquet.Builder,
    "mscoco_karpathy": mscoco_karpathy.Builder,
}


_Named = Mapping[str, tuple[OpenPublic, Callable[..., ProductBuilder]]]


def _named(builders: Mapping[str, type[PublicBuilder]]) -> _Named:
    return {
        f"{name}/{config}" if config else name: (
            functools.partial(builder.SOURCE, config=config),
            functools.partial(builder, config=config or None),
        )
        for name, builder in builders.items()
        for config in [each.name for each in builder.BUILDER_CONFIGS] or [""]
    }


# {data set, or data set/configuration as TFDS writes it: how its source is opened, and its
# builder}.
PUBLIC = _named(_BUILDERS)
# The same of data sets of judged products without photos, which have no benchmark.
TEXT_ONLY = _named({"esci": esci.Builder, "wands": wands.Builder})
