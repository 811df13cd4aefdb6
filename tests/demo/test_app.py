"""The app: answers, errors of input, and what it refuses."""

import io
import json
import time

import anyio
import httpx2 as httpx
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.demo.app import DemoSettings, demo_app
from fitrank_tf.demo.judgments import JudgmentFiles
from fitrank_tf.demo.photos import ProductPhotos
from fitrank_tf.demo.trust import HEADERS
from tests.demo.toy import ODD_TITLES, ToySearch

ADDRESS = "http://localhost:8600"


@pytest.fixture(scope="module")
def toy() -> ToySearch:
    return ToySearch()


@pytest.fixture
def app(toy, tmp_path) -> Starlette:
    return demo_app(toy, ProductPhotos(toy.photos), JudgmentFiles(tmp_path))


@pytest.fixture
def client(app) -> TestClient:
    return TestClient(app, ADDRESS, raise_server_exceptions=False)


def _photo(kind: str = "PNG", size: tuple[int, int] = (30, 40)) -> bytes:
    encoded = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(encoded, kind)
    return encoded.getvalue()


def test_the_page_and_its_files_come_from_here_alone(client) -> None:
    page = client.get("/")
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    assert "//" not in page.text.replace("<!doctype", "").replace("http://www.w3.org", "")
    for file in ("page.js", "page.css", "icon.svg"):
        assert client.get(f"/static/{file}").status_code == 200


@pytest.mark.parametrize("path", ["/", "/api/search", "/nowhere", "/static/no", "/photo"])
def test_every_answer_has_the_security_headers(client, path: str) -> None:
    headers = client.get(path).headers
    assert {name: headers.get(name) for name in HEADERS} == dict(HEADERS)
    assert "'unsafe" not in headers["content-security-policy"]


def test_a_search_answers_with_hits_wants_and_counts(client, toy) -> None:
    answer = client.get("/api/search", params={"q": "red shirt", "top_k": 5}).json()
    [column] = answer["columns"]
    assert column["system"] == "reranked" and len(column["hits"]) == 5
    assert column["hits"][0]["contributions"] == [["article_type", 1.5], ["colour", -0.25]]
    assert {"facet": "colour", "values": ["Red"], "denied": False} in answer["understood"]
    assert answer["counts"]["admitted"] == len(toy.ids)
    assert dict(answer["counts"]["values"]["sizes"]) == {"S": 26, "M|L": 13}
    assert answer["counts"]["numbers"]["price"]["low"] == 10


def test_filters_narrow_hits_and_the_counts_of_others(client, toy) -> None:
    given = {"q": "shirt", "filter.gender": "Men|women", "filter.price": "15..20"}
    answer = client.get("/api/search", params={**given, "top_k": 100}).json()
    genders = dict(zip(toy.ids, toy.attributes["gender"]))
    prices = dict(zip(toy.ids, map(int, toy.attributes["price"])))
    found = {hit["id"] for hit in answer["columns"][0]["hits"]}
    assert found == {
        product
        for product in toy.ids
        if genders[product] in ("Men", "Women") and 15 <= prices[product] <= 20
    }
    assert answer["counts"]["admitted"] == len(found)
    assert sum(count for _, count in answer["counts"]["values"]["gender"]) == sum(
        15 <= price <= 20 for price in prices.values()
    )


def test_systems_answer_side_by_side(client) -> None:
    asked = {"q": "shirt", "systems": "clip,clip_lora,reranked"}
    columns = client.get("/api/search", params=asked).json()["columns"]
    assert [one["system"] for one in columns] == ["clip", "clip_lora", "reranked"]
    first = [[hit["id"] for hit in one["hits"]] for one in columns]
    assert first[0] != first[2]


def test_a_chip_is_removed_by_its_words(client) -> None:
    asked = {"q": "polo, not red, shirt", "facet": "colour", "value": "Red"}
    answer = client.get("/api/without", params={**asked, "denied": "true"})
    assert answer.json() == {"text": "polo, shirt"}


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("search?q=x&filter.size=M", "filter 'size': unknown attribute"),
        ("search?q=x&filter.price=cheap", "filter 'cheap'"),
        ("search?q=x&top_k=0", "top_k '0'"),
        ("search?q=x&top_k=101", "top_k '101'"),
        ("search?q=x&top_k=" + "9" * 5000, "top_k"),
        ("search?q=x&top_k=²", "top_k"),
        ("search?q=x&systems=bm25", "system 'bm25'"),
        ("search?q=" + "x" * 2001, "q: 2001 characters"),
        ("search?photo=" + "0" * 32, "it is no longer kept"),
        ("search?like=nobody", "like 'nobody'"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(client, path: str, message: str) -> None:
    answer = client.get(f"/api/{path}")
    assert answer.status_code == 400
    assert message in answer.json()["error"] and "\n" not in answer.json()["error"]


@pytest.mark.parametrize("text", ["%00", "%ff%fe", "%ed%a0%80", "&q=2", "%F0%9F%91%97"])
def test_any_bytes_are_a_text(client, text: str) -> None:
    assert client.get(f"/api/search?q={text}").status_code == 200


@pytest.mark.parametrize("title", ODD_TITLES)
def test_odd_titles_and_ids_come_unchanged_as_json(client, toy, title: str) -> None:
    answer = client.get("/api/search", params={"q": title, "top_k": 40})
    assert answer.headers["content-type"] == "application/json"
    [hit] = [h for h in answer.json()["columns"][0]["hits"] if h["title"] == title]
    photo = client.get("/photo", params={"id": hit["id"]})
    assert photo.content == toy.photos[hit["id"]]
    assert photo.headers["content-type"] == "image/jpeg"
    assert "max-age" in photo.headers["cache-control"]


@pytest.mark.parametrize(
    "path",
    [
        "/photo?id=../app.py",
        "/photo?id=/etc/passwd",
        "/photo?uploaded=../../etc/passwd",
        "/photo",
        "/static/",
        "/static/..%2fapp.py",
        "/static/%2e%2e/app.py",
        "/static/..%5capp.py",
        "/static//etc/passwd",
        "/static/..%2f..%2f..%2fpyproject.toml",
        "/static/%00",
    ],
)
def test_nothing_outside_is_served_and_no_folder_listed(client, path: str) -> None:
    assert client.get(path).status_code in (400, 404)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "TIFF"])
def test_a_photo_is_sent_and_searched_by(client, toy, kind: str) -> None:
    key = client.post("/api/photos", content=_photo(kind)).json()["photo"]
    shown = client.get("/photo", params={"uploaded": key})
    assert shown.status_code == 200 and shown.headers["content-type"].startswith("image/")
    answer = client.get("/api/search", params={"photo": key, "top_k": 3}).json()
    [column] = answer["columns"]
    assert column["system"] == "similar" and len(column["hits"]) == 3


def test_a_product_is_searched_by_its_photo(client, toy) -> None:
    product = toy.ids[5]
    answer = client.get("/api/search", params={"like": product, "q": "in red"}).json()
    assert answer["columns"][0]["hits"][0]["id"] == product


@pytest.mark.parametrize("data", [b"", b"no photo", b"\xff\xd8\xff broken", _photo()[:60]])
def test_what_is_no_photo_is_said_in_one_line(client, data: bytes) -> None:
    answer = client.post("/api/photos", content=data)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("photo: ")


def _post_stream(app, stream) -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=ADDRESS) as sender:
            return await sender.post("/api/photos", content=stream)

    return anyio.run(send)


def test_an_upload_is_cut_while_it_is_read(app) -> None:
    sent = []

    async def endless():
        while True:
            sent.append(1)
            yield b"\xff" * 2**20

    answer = _post_stream(app, endless())
    assert answer.status_code == 413 and "more than 10 MB" in answer.json()["error"]
    assert len(sent) == 11


def test_an_upload_of_the_limit_is_read(client) -> None:
    padded = _photo("JPEG") + b"\0" * (10 * 2**20)
    assert client.post("/api/photos", content=padded[: 10 * 2**20]).status_code == 200
    assert client.post("/api/photos", content=padded).status_code == 413


def test_a_slow_upload_is_ended(app, monkeypatch) -> None:
    monkeypatch.setattr("fitrank_tf.demo.app._BODY_TIME", 0.05)

    async def slow():
        yield b"\xff"
        await anyio.sleep(5)
        yield b"\xff"

    assert _post_stream(app, slow()).status_code == 408


def test_thumbs_are_written_and_come_with_the_search(client, toy, tmp_path) -> None:
    judged = {"query": "red shirt", "product": toy.ids[6], "grade": 1}
    assert client.post("/api/judgments", json=judged).json() == {"grades": {toy.ids[6]: 1}}
    answer = client.get("/api/search", params={"q": " red  shirt "}).json()
    assert answer["grades"] == {toy.ids[6]: 1}
    assert (tmp_path / "queries.tsv").read_text() == "q0001\tred shirt\n"
    assert (tmp_path / "judgments.qrels").read_text() == f"q0001 0 {toy.ids[6]} 1\n"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"[" * 10000,
        b'{"query": "x", "product": "y"}',
        b'{"query": "\\ud800", "product": "y", "grade": 1}',
        b'{"query": 1, "product": "y", "grade": 1}',
        b'{"query": "x", "product": "y", "grade": true}',
        b'{"query": "x", "product": "y", "grade": 7}',
        b'{"query": "x", "product": "a b", "grade": 1}',
        b'{"query": " ", "product": "y", "grade": 1}',
        b"\xff",
    ],
)
def test_a_wrong_judgment_is_said_and_not_written(client, tmp_path, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    answer = client.post("/api/judgments", content=body, headers=headers)
    assert answer.status_code == 400 and answer.json()["error"]
    assert list(tmp_path.iterdir()) == []


def test_a_judgment_is_json_of_limited_size(client) -> None:
    form = {"content-type": "text/plain"}
    assert client.post("/api/judgments", content=b"{}", headers=form).status_code == 415
    large = json.dumps({"query": "x" * 20000}).encode()
    headers = {"content-type": "application/json"}
    assert client.post("/api/judgments", content=large, headers=headers).status_code == 413


def test_without_a_folder_no_thumbs_are_taken(toy) -> None:
    client = TestClient(demo_app(toy, ProductPhotos({})), ADDRESS)
    described = client.get("/api/describe").json()
    assert not described["judging"] and not described["photos"]
    judged = {"query": "x", "product": "y", "grade": 1}
    assert client.post("/api/judgments", json=judged).status_code == 404


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8600", 200),
        ("127.0.0.1:1", 200),
        ("[::1]:8600", 200),
        ("LOCALHOST", 200),
        ("evil.example", 400),
        ("localhost.evil.example", 400),
        ("evil.example:8600", 400),
        ("", 400),
    ],
)
def test_only_local_names_reach_the_page(client, host: str, status: int) -> None:
    assert client.get("/", headers={"host": host}).status_code == status


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost"])
def test_another_site_changes_nothing_and_reads_nothing(client, origin, tmp_path) -> None:
    headers = {"origin": origin}
    judged = {"query": "x", "product": "y", "grade": 1}
    assert client.post("/api/judgments", json=judged, headers=headers).status_code == 403
    assert not list(tmp_path.iterdir())
    answer = client.get("/api/search?q=x", headers=headers)
    assert "access-control-allow-origin" not in answer.headers


def test_a_listed_origin_reads(toy) -> None:
    shop = "https://shop.example"
    settings = DemoSettings(origins=(shop,))
    client = TestClient(demo_app(toy, ProductPhotos({}), settings=settings), ADDRESS)
    answer = client.get("/api/search?q=x", headers={"origin": shop})
    assert answer.headers["access-control-allow-origin"] == shop
    others = client.get("/api/search?q=x", headers={"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in others.headers


@pytest.mark.parametrize("settings", [{"hosts": ()}, {"origins": ("*",)}])
def test_settings_that_admit_nobody_or_all_are_refused(settings) -> None:
    with pytest.raises(FitRankError):
        DemoSettings(**settings)


def test_the_app_works_under_a_path(app) -> None:
    client = TestClient(Starlette(routes=[Mount("/demo", app)]), ADDRESS)
    assert client.get("/demo/").status_code == 200
    assert client.get("/demo/static/page.js").status_code == 200
    assert client.get("/demo/api/search?q=red").json()["columns"]


def test_a_stale_search_is_dropped(toy, tmp_path) -> None:
    """A client that leaves while its search waits: the search is cancelled."""
    events: list[str] = []

    class Waiting(ToySearch):
        async def search(self, *args, **options):
            events.append("began")
            try:
                await anyio.sleep(30)
            finally:
                events.append("ended")

    app = demo_app(Waiting(6), ProductPhotos({}))

    async def leave() -> None:
        received = iter([{"type": "http.request", "body": b"", "more_body": False}])

        async def receive():
            message = next(received, None)
            if message is None:
                while "began" not in events:
                    await anyio.sleep(0.01)
                return {"type": "http.disconnect"}
            return message

        async def send(message) -> None:
            pass

        scope = {
            "type": "http",
            "method": "GET",
            "path": "/api/search",
            "raw_path": b"/api/search",
            "query_string": b"q=red",
            "headers": [(b"host", b"localhost")],
        }
        await app(scope, receive, send)

    start = time.monotonic()
    anyio.run(leave)
    assert events == ["began", "ended"] and time.monotonic() - start < 25
