"""A catalogue built in shards has the numbers of one that is built in a process."""

import dataclasses
import os
import shutil
import signal
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from fitrank_tf.cli.build_index import searchable_catalogue
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.catalogue import Catalogue, CatalogueSource, open_catalogue
from fitrank_tf.export.engine.shards import engine_products
from fitrank_tf.export.graphs.served_catalogue import SearchableCatalogue
from fitrank_tf.export.loaded_bundle import LoadedBundle
from fitrank_tf.export.shards.build import build_catalogue
from fitrank_tf.export.shards.catalogue_shards import CatalogueShards, joined

COLOURS = {"red": (0, 0, 200), "blue": (200, 0, 0), "green": (0, 160, 0)}
SHARD = 4


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Catalogue:
    """Nine products of a table, of which one has no title and two no colour."""
    return _shop(tmp_path_factory.mktemp("shop"), range(9))


def _shop(
    folder: Path,
    numbers: range,
    titles: Mapping[int, str] | None = None,
    colours: Mapping[int, str] | None = None,
    price: str = "price",
) -> Catalogue:
    (folder / "photos").mkdir()
    rows = [f"id,text,colour,{price}"]
    for number in numbers:
        name = [*COLOURS][number % 3]
        title = (titles or {}).get(number, f"Acme {name} Shirt {number}" if number else "")
        colour = (colours or {}).get(number, "" if number in (3, 7) else name)
        rows.append(f"p{number},{title},{colour},{10 * number}")
        photo = np.full((40 + number, 30, 3), 255, np.uint8)
        photo[8:-8, 6:-6] = COLOURS[name]
        cv2.imwrite(str(folder / "photos" / f"p{number}.png"), photo)
    table = folder / "products.csv"
    table.write_text("\n".join(rows) + "\n", encoding="utf-8")
    source = CatalogueSource(
        "csv_catalogue", table=str(table), images=str(folder / "photos")
    )
    return open_catalogue(source, str(folder / "data"))


@pytest.fixture(scope="module")
def shards(trained_bundle, shop, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("shards")
    build_catalogue(trained_bundle, shop, folder, SHARD, None, [])
    return folder


def _whole(shards: CatalogueShards) -> SearchableCatalogue:
    return joined(list(shards), shards.filters)


def _assert_same(found: SearchableCatalogue, expected: SearchableCatalogue) -> None:
    for name in ("ids", "titles", "filters"):
        assert getattr(found, name) == getattr(expected, name)
    assert dict(found.attributes) == dict(expected.attributes)
    for field in dataclasses.fields(expected.tables):
        table = getattr(found.tables, field.name)
        assert table.dtype == np.float32
        # Batches of other sizes are summed in another order.
        np.testing.assert_allclose(
            table, getattr(expected.tables, field.name), atol=1e-4, err_msg=field.name
        )


def test_products_are_those_of_one_process(trained_bundle, shop, shards) -> None:
    _assert_same(
        _whole(CatalogueShards(shards)),
        searchable_catalogue(LoadedBundle(trained_bundle), shop),
    )
    assert len(CatalogueShards(shards)) == 9
    assert {path.suffix for path in shards.iterdir()} == {".json", ".parquet"}


@pytest.mark.slow
def test_two_processes_make_the_same_products(
    trained_bundle, shop, shards, tmp_path
) -> None:
    build_catalogue(trained_bundle, shop, tmp_path, SHARD, None, ["--direct_num_workers=2"])
    _assert_same(_whole(CatalogueShards(tmp_path)), _whole(CatalogueShards(shards)))


def test_only_a_shard_that_is_missing_is_made_again(trained_bundle, shop, tmp_path) -> None:
    whole = _whole(build_catalogue(trained_bundle, shop, tmp_path, SHARD, None, []))
    files = sorted(tmp_path.glob("*.parquet"))
    before = {path: path.stat().st_mtime_ns for path in files}
    files[1].unlink()
    with pytest.raises(FitRankError, match=rf"{files[1].name} is missing: .*run it again"):
        CatalogueShards(tmp_path)
    _assert_same(
        _whole(build_catalogue(trained_bundle, shop, tmp_path, SHARD, None, [])), whole
    )
    after = {path: path.stat().st_mtime_ns for path in files}
    assert [path for path in files if after[path] != before[path]] == [files[1]]


def test_what_is_the_same_is_taken_over(trained_bundle, shards, tmp_path) -> None:
    """Product 0 and 1 are gone, 9 is new, 4 has another title, 5 another colour."""
    (tmp_path / "shop").mkdir()
    changed = _shop(tmp_path / "shop", range(2, 10), {4: "Acme trousers"}, {5: "Turquoise"})
    found = build_catalogue(trained_bundle, changed, tmp_path / "new", SHARD, shards, [])
    assert sum(summary.copied for summary in found.summaries) == 5
    _assert_same(_whole(found), searchable_catalogue(LoadedBundle(trained_bundle), changed))


def test_nothing_is_taken_over_of_other_attributes(
    trained_bundle, shards, tmp_path
) -> None:
    (tmp_path / "shop").mkdir()
    other = _shop(tmp_path / "shop", range(3), price="heel_height")
    found = build_catalogue(trained_bundle, other, tmp_path / "new", SHARD, shards, [])
    assert sum(summary.copied for summary in found.summaries) == 0
    assert {each.name for each in found.filters} == {"colour", "heel_height"}
    assert len(_whole(found)) == 3


@pytest.mark.parametrize("torn", [(2, 5), (0, 1, 2, 3, 4, 5)])
def test_photos_that_cannot_be_decoded_are_left_out_and_counted(
    trained_bundle, tmp_path, monkeypatch, torn
) -> None:
    (tmp_path / "photos").mkdir()
    for number in range(6):
        data = tf.io.encode_png(np.full((12, 9, 3), 30 * number, np.uint8)).numpy()
        data = data[:40] if number in torn else data
        (tmp_path / "photos" / f"p{number}.png").write_bytes(data)
    monkeypatch.setattr(
        "fitrank_tf.datasets.product_builder.clean_photo", lambda data: data
    )
    source = CatalogueSource("photo_folder", images=str(tmp_path / "photos"))
    catalogue = open_catalogue(source, str(tmp_path / "data"))
    found = build_catalogue(trained_bundle, catalogue, tmp_path / "out", 3, None, [])
    left_out = [
        item for one in found.summaries for ids in one.skipped.values() for item in ids
    ]
    assert sorted(left_out) == [f"p{number}" for number in torn]
    assert len(found) == 6 - len(torn)
    ids = {item for some in found for item in some.ids}
    assert ids == {f"p{number}" for number in range(6)} - set(left_out)


def test_other_products_models_and_sizes_are_refused(trained_bundle, shop, shards) -> None:
    drawn = open_catalogue(CatalogueSource(num_items=10))
    with pytest.raises(FitRankError, match=r"products of another catalogue; .*--since"):
        build_catalogue(trained_bundle, drawn, shards, SHARD, None, [])
    with pytest.raises(FitRankError, match="of another size; give the --shard_size"):
        build_catalogue(trained_bundle, shop, shards, SHARD - 1, None, [])
    with pytest.raises(FitRankError, match="by the models of another bundle"):
        CatalogueShards(shards).check_models("others")
    with pytest.raises(FitRankError, match=r"catalogue\.json cannot be read"):
        CatalogueShards(shards.parent)


def test_a_file_of_other_models_is_refused(trained_bundle, shop, shards, tmp_path) -> None:
    """In a folder that is read, one that is continued, and one without its description."""
    folder = tmp_path / "shards"
    shutil.copytree(shards, folder)
    path = sorted(folder.glob("*.parquet"))[1]
    table = pq.read_table(path)
    footer = {
        key: value.replace(
            LoadedBundle(trained_bundle).products_fingerprint.encode(), b"others"
        )
        for key, value in table.schema.metadata.items()
    }
    pq.write_table(table.replace_schema_metadata(footer), path)
    refused = rf"{path.name} is of another models .*delete it"
    with pytest.raises(FitRankError, match=refused):
        CatalogueShards(folder)
    for _ in range(2):
        with pytest.raises(FitRankError, match=refused):
            build_catalogue(trained_bundle, shop, folder, SHARD, None, [])
        (folder / "catalogue.json").unlink(missing_ok=True)


def test_what_a_killed_worker_left_is_deleted(
    trained_bundle, shop, shards, tmp_path
) -> None:
    folder = tmp_path / "shards"
    shutil.copytree(shards, folder)
    name = sorted(folder.glob("*.parquet"))[0].name
    left, other = folder / f".{name}.123-456.tmp", folder / ".notes.txt.123-456.tmp"
    left.write_bytes(b"PAR1")
    other.write_bytes(b"mine")
    build_catalogue(trained_bundle, shop, folder, SHARD, None, [])
    assert not left.exists()
    assert other.exists()


def test_an_engine_gets_the_same_products_each_time(trained_bundle, shop, shards) -> None:
    products = engine_products(trained_bundle, shards)
    assert products.count == 9
    assert products.filters == shop.declaration.filters
    for _ in range(2):
        ids = [item for some in products.batches for item in some.ids]
        assert ids == list(_whole(CatalogueShards(shards)).ids)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_killed_worker_of_a_dask_cluster_loses_nothing(
    trained_bundle, shop, shards, tmp_path
) -> None:
    distributed = pytest.importorskip("distributed", reason="the extra dask is missing")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, memory_limit=0
    ) as cluster:
        killed = [next(iter(cluster.workers.values())).pid]

        def kill() -> None:
            while not list(tmp_path.glob("*.parquet")):
                time.sleep(0.05)
            os.kill(killed[0], signal.SIGKILL)

        threading.Thread(target=kill, daemon=True).start()
        address = f"--dask_client_address={cluster.scheduler_address}"
        options = ["--runner=DaskRunner", address, "--dask_npartitions=5"]
        found = build_catalogue(trained_bundle, shop, tmp_path, 2, None, options)
        alive = {worker.pid for worker in cluster.workers.values()}
    assert killed[0] not in alive
    _assert_same(_whole(found), _whole(CatalogueShards(shards)))
