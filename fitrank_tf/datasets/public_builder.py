"""The base classes of public data sets, which people get and unpack themselves."""

import abc
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import tensorflow_datasets as tfds

from fitrank_tf.datasets.attributes import Declaration
from fitrank_tf.datasets.item import item_features
from fitrank_tf.datasets.product_builder import ProductBuilder
from fitrank_tf.datasets.product_source import ProductSource


class PublicSource(ProductSource):
    """The files of a public data set in a folder.

    Args:
        manual_dir: the folder.
        config: one of the builder's configurations; "" for the only one.
    """

    def __init__(self, manual_dir: str, config: str = ""):
        self._config = config

    @classmethod
    @abc.abstractmethod
    def declaration_of(cls, config: str) -> Declaration:
        """The attributes of a configuration's Items, which are known without its files."""

    @classmethod
    def more_features_of(cls, config: str) -> Mapping[str, Any]:
        """The `more_features` of a configuration's Items."""
        del config
        return {}

    @property
    def declaration(self) -> Declaration:
        return self.declaration_of(self._config)

    @property
    def more_features(self) -> Mapping[str, Any]:
        return self.more_features_of(self._config)

    @property
    def has_splits(self) -> bool:
        return True


class PublicBuilder(
    ProductBuilder,
    skip_registration=True,  # type: ignore[call-arg]  # TFDS has no types
):
    """A TFDS builder that reads a `PublicSource`: `tfds build`, `tfds.load` and
    `fitrank --dataset` all use it.

    The class is `Builder` in `<name>/<name>_dataset_builder.py`; README.md, CITATIONS.bib
    and TAGS.txt beside it describe the data set.
    """

    SOURCE: ClassVar[type[PublicSource]]
    HOMEPAGE: ClassVar[str] = ""
    LICENSE: ClassVar[str] = ""

    def __init__(
        self,
        source: ProductSource | None = None,
        data_dir: str | None = None,
        **kwargs: Any,
    ):
        """
        Args:
            source: an opened source; None opens `manual_dir` when the data set is prepared.
            data_dir: as of `ProductBuilder`.
            **kwargs: passed on to TFDS.
        """
        super().__init__(source, data_dir, **kwargs)  # type: ignore[arg-type]

    def _info(self) -> tfds.core.DatasetInfo:
        return self.dataset_info_from_configs(
            features=item_features(
                self.SOURCE.declaration_of(self._config_name).names,
                self.SOURCE.more_features_of(self._config_name),
            ),
            metadata=self._counters(),
            homepage=self.HOMEPAGE,
            license=self.LICENSE,
        )

    def _split_generators(
        self, dl_manager: tfds.download.DownloadManager
    ) -> dict[str, Iterator[tuple[str, dict[str, Any]]]]:
        if self._source is None:
            self._source = self.SOURCE(str(dl_manager.manual_dir), self._config_name)
        return super()._split_generators(dl_manager)

    @property
    def _config_name(self) -> str:
        return self.builder_config.name if self.builder_config else ""
