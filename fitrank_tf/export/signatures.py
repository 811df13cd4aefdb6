"""What all served modules share: {signature name: tf.function}, and how it is saved."""

import abc
from collections.abc import Mapping
from pathlib import Path

import tensorflow as tf

DEFAULT_SIGNATURE = "serving_default"


class ServedModule(tf.Module, abc.ABC):
    """A module that is served: weights, tables and named signatures, no training code."""

    @abc.abstractmethod
    def signatures(self) -> Mapping[str, tf.types.experimental.PolymorphicFunction]:
        """{signature name: tf.function with named, shaped inputs and a dict of outputs}.

        Every input and output has the batch as dimension 0, as TF-Serving's
        batching asks.
        """


def save_served(module: ServedModule, model_dir: Path, version: int) -> Path:
    """Writes `model_dir/<version>/`, the layout that TF-Serving loads.

    The directory's parent must not be served yet: a bundle is written aside and
    renamed as a whole (`bundle.write_bundle`).
    """
    target = model_dir / str(version)
    target.parent.mkdir(parents=True, exist_ok=True)
    tf.saved_model.save(module, str(target), signatures=dict(module.signatures()))
    return target
