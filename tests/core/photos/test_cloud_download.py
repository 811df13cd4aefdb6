"""Photos in s3:// and gs:// buckets, of servers that run on this machine."""

from pathlib import Path

import pytest

from fitrank_tf.core.photos import download as module
from fitrank_tf.core.photos.clean import UnreadablePhoto
from fitrank_tf.core.photos.download import download
from tests.datasets.small_catalogues import noise_photo

PHOTO = noise_photo(1)
BUCKET, NAME = "shop", "summer 2024/a+b ü.jpg"


@pytest.fixture(autouse=True)
def _new_process(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("FITRANK_CACHE", str(tmp_path / "cache"))
    module._hosts.cache_clear()


@pytest.fixture
def s3(monkeypatch):
    pytest.importorskip("s3fs", reason="needs the extra s3")
    server = pytest.importorskip("moto.server", reason="needs moto[server]")
    import boto3

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    moto = server.ThreadedMotoServer("127.0.0.1", 0)
    moto.start()
    host, port = moto.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    client = boto3.client("s3")
    client.create_bucket(Bucket=BUCKET)
    client.put_object(Bucket=BUCKET, Key=NAME, Body=PHOTO)
    yield "s3"
    moto.stop()


@pytest.fixture
def gs(monkeypatch):
    gcsfs = pytest.importorskip("gcsfs", reason="needs the extra gs")
    server = pytest.importorskip(
        "gcp_storage_emulator.server", reason="needs gcp-storage-emulator"
    )
    emulator = server.create_server("127.0.0.1", 0, in_memory=True, default_bucket=BUCKET)
    emulator.start()
    port = emulator._api._httpd.server_port
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{port}")
    # It would ask for the kind of the bucket by gRPC, which no emulator answers.
    monkeypatch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    gcsfs.GCSFileSystem.clear_instance_cache()
    gcsfs.GCSFileSystem(token="anon").pipe(f"{BUCKET}/{NAME}", PHOTO)
    yield "gs"
    emulator.stop()


@pytest.mark.parametrize("scheme", ["s3", "gs"])
def test_a_photo_in_a_bucket_is_fetched_and_kept(scheme: str, request) -> None:
    request.getfixturevalue(scheme)
    address = f"{scheme}://{BUCKET}/{NAME}"
    assert download(address) == PHOTO
    for missing in (f"{address}.png", f"{scheme}://other-bucket/{NAME}"):
        with pytest.raises(UnreadablePhoto, match="no such file"):
            download(missing)
