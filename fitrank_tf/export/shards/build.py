"""A bundle's side of a whole catalogue, as an Apache Beam pipeline.

Each worker loads the bundle once. What it computes of a product is what `build-index`
computes in one process; a photo goes through the models in batches that hold a bounded
number of bytes.
"""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from fitrank_tf.datasets.attributes import Attribute
from fitrank_tf.datasets.catalogue import Catalogue
from fitrank_tf.export.graphs.served_catalogue import SearchableCatalogue
from fitrank_tf.export.loaded_bundle import LoadedBundle
from fitrank_tf.export.shards.catalogue_shards import (
    CatalogueShards,
    begin_shards,
    joined,
    origin,
    shard_name,
    write_shard,
)
from fitrank_tf.features.extract import FeatureExtractor
from fitrank_tf.features.io.beam_shards import (
    UNREADABLE,
    Shard,
    ShardWork,
    encoded_items,
    photo_batches,
    plan_shards,
    prepared_folder,
    run_shards,
)
from fitrank_tf.inputs.images import resize_and_pad

# A batch of photos holds no more of them, and no more bytes of their pixels. Of 64 photos
# it is no faster, and takes half a gigabyte more.
_PHOTOS, _PIXEL_BYTES = 16, 64 * 2**20


def build_catalogue(
    bundle: Path,
    catalogue: Catalogue,
    output: Path,
    shard_size: int,
    since: Path | None,
    options: Sequence[str],
) -> CatalogueShards:
    """Runs the pipeline; returns when all shards are written.

    Args:
        bundle: whose models are used.
        catalogue: prepared.
        output: folder to write to; a run that was stopped goes on there.
        shard_size: most products of a shard.
        since: earlier shards; their products are taken over where photo, title and
            attributes are the same.
        options: of Beam, such as `--runner=FlinkRunner`.

    Raises:
        FitRankError: if `output` holds products of another catalogue or other models,
            `since` is not finished or of other models, or the workers do not share its
            file system.
    """
    models = LoadedBundle(bundle).products_fingerprint
    if since is not None:
        CatalogueShards(since).check_models(models)
    shards = plan_shards(catalogue, shard_size, shard_name)
    filters = catalogue.declaration.filters
    made_of = origin(catalogue.fingerprint, models)
    begin_shards(output, made_of, filters, [shard.file for shard in shards])
    work = _BuildShard(
        str(output.resolve()),
        str(bundle.resolve()),
        prepared_folder(catalogue),
        filters,
        str(since.resolve()) if since else "",
        made_of,
    )
    run_shards(shards, work, "products", options)
    return CatalogueShards(output)


@dataclasses.dataclass(frozen=True)
class _Product:
    """A product of a shard.

    Attributes:
        id: its id.
        title: its title.
        cells: the texts of its attributes.
        content: digest of photo, title and attributes.
    """

    id: str
    title: str
    cells: Mapping[str, str]
    content: str

    @classmethod
    def of(cls, item: Mapping[str, Any], filters: Sequence[Attribute]) -> "_Product":
        title = item["text"].decode()
        cells = {each.name: item["attributes"][each.name].decode() for each in filters}
        digest = hashlib.sha256(item["image"])
        digest.update(json.dumps([title, cells]).encode())
        return cls(item["id"].decode(), title, cells, digest.hexdigest())


class _Models:
    """What a worker holds: a bundle, its extractor, and the earlier shards.

    Args:
        bundle: its directory.
        since: folder of the earlier shards; None for none.
        filters: the attributes of the products.
    """

    def __init__(self, bundle: Path, since: Path | None, filters: tuple[Attribute, ...]):
        self.since = CatalogueShards(since) if since else None
        self._bundle, self._filters = LoadedBundle(bundle), filters
        self._extractor = FeatureExtractor(self._bundle.feature_models)

    @functools.cached_property
    def nothing(self) -> SearchableCatalogue:
        """No product, with tables of the models' widths."""
        blank = _Product("", "", {}, "")
        return self.products([blank], [np.full((8, 8, 3), 255, np.uint8)]).select([])

    def products(
        self, given: Sequence[_Product], pixels: Sequence[np.ndarray]
    ) -> SearchableCatalogue:
        """What a search stores of a few products.

        Args:
            given: the products.
            pixels: their photos, uint8 [H, W, 3] each.
        """
        seen = self._extractor.extract_photos(pixels)
        features = np.stack([one.features for one in seen])
        size = self._bundle.info.image_size
        squares = np.stack([resize_and_pad(photo, size).numpy() for photo in pixels])
        photos = tf.data.Dataset.from_tensor_slices(squares)
        embeddings = self._bundle.embed_photos(photos, features)
        titles = tuple(product.title for product in given)
        cells = {
            each.name: tuple(product.cells.get(each.name, "") for product in given)
            for each in self._filters
        }
        return SearchableCatalogue(
            tuple(product.id for product in given),
            titles,
            cells,
            self._bundle.known(embeddings, features, titles),
            self._filters,
        )


class _BuildShard(ShardWork[_Models]):
    """Computes and writes the products of a shard."""

    def __init__(
        self,
        folder: str,
        bundle: str,
        prepared: str,
        filters: Sequence[Attribute],
        since: str,
        made_of: Mapping[str, str],
    ):
        super().__init__(folder)
        self._bundle_path, self._prepared, self._since_path = bundle, prepared, since
        self._filters, self._made_of = tuple(filters), dict(made_of)

    def load(self) -> _Models:
        since = Path(self._since_path) if self._since_path else None
        return _Models(Path(self._bundle_path), since, self._filters)

    def make(self, shard: Shard, path: Path) -> None:
        contents: dict[str, str] = {}
        parts: list[SearchableCatalogue] = []
        unreadable: list[_Product] = []
        earlier = self._earlier(shard)
        photos = self._photos(shard, earlier, contents)
        for products, pixels in photo_batches(photos, unreadable, _PHOTOS, _PIXEL_BYTES):
            self.count_photos(len(products))
            parts.append(self.models.products(products, pixels))
        whole = joined([*parts, earlier], self._filters)
        row_of = {item: row for row, item in enumerate(whole.ids)}
        kept = [item for item in contents if item in row_of]
        write_shard(
            path,
            whole.select([row_of[item] for item in kept]),
            [contents[item] for item in kept],
            len(earlier),
            {UNREADABLE: [one.id for one in unreadable]} if unreadable else {},
            self._made_of,
        )

    def _earlier(self, shard: Shard) -> SearchableCatalogue:
        """The products of earlier shards that are the same in this one."""
        if self.models.since is None:
            return self.models.nothing
        content = {one.id: one.content for one, _ in self._products(shard)}
        found, contents = self.models.since.find(content)
        same = zip(found.ids, contents)
        rows = [row for row, (item, of) in enumerate(same) if content[item] == of]
        if not rows:
            # Those found may have other attributes.
            return self.models.nothing
        return dataclasses.replace(found.select(rows), filters=self._filters)

    def _products(self, shard: Shard) -> Iterator[tuple[_Product, bytes]]:
        for item in encoded_items(self._prepared, shard):
            yield _Product.of(item, self._filters), item["image"]

    def _photos(
        self, shard: Shard, earlier: SearchableCatalogue, contents: dict[str, str]
    ) -> Iterator[tuple[_Product, bytes]]:
        """The products that are not taken over, with their photos.

        Args:
            shard: to read.
            earlier: products that are taken over.
            contents: gets the digests of all products.
        """
        there = set(earlier.ids)
        for product, data in self._products(shard):
            contents[product.id] = product.content
            if product.id not in there:
                yield product, data
