"""Interleaved results over HTTP, and the log that their clicks make."""

import pytest
from starlette.testclient import TestClient

from fitrank_tf.clicks.interleaving import read_wins
from fitrank_tf.clicks.read_log import read_click_log
from fitrank_tf.clicks.recorder import OPEN_SECONDS, ClickRecorder
from fitrank_tf.client.hits import Hit
from fitrank_tf.core.errors import FitRankError
from serving.http.interleaved_search import InterleavedSearch, interleaved_search


class _Ranking:
    def __init__(self, ids: str):
        self._ids = ids

    def search(self, queries: str, top_k: int) -> list[Hit]:
        hits = [
            Hit(n, item, f"{queries} {item}", -n) for n, item in enumerate(self._ids, 1)
        ]
        return hits[:top_k]


@pytest.fixture
def clock():
    return [1000.0]


@pytest.fixture
def recorder(tmp_path, clock):
    return ClickRecorder(tmp_path / "logs" / "clicks.csv", lambda: clock[0])


@pytest.fixture
def client(recorder):
    search = InterleavedSearch(_Ranking("abcd"), _Ranking("wxyz"), recorder, seed=0)
    return TestClient(search.app())


def test_clicks_become_a_log_and_its_winner(client, recorder, tmp_path):
    path = str(tmp_path / "logs" / "clicks.csv")
    for number in range(20):
        query = {"q": f"shirt {number % 2}, red", "top_k": 4, "session": f"s{number // 2}"}
        page = client.get("/search", params=query).json()
        ids = [hit["id"] for hit in page["hits"]]
        assert sorted(ids) == ["a", "b", "w", "x"]
        assert page["hits"][0]["title"].endswith(ids[0])
        click = {"page": page["page"], "product": "w"}
        assert client.post("/clicks", json=click).status_code == 204
    recorder.close()
    assert read_wins(path).winner == "B" and read_wins(path).second == 20
    log = read_click_log([path])
    assert log.rows == 80 and not log.left_out
    assert log.counts.queries == ("shirt 0, red", "shirt 1, red")
    clicked = log.counts.product[log.counts.clicks > 0]
    assert {log.counts.products[item] for item in clicked} == {"w"}
    # A server that starts again goes on in the same file.
    ClickRecorder(tmp_path / "logs" / "clicks.csv").close()
    assert read_wins(path).pages == 20


def test_a_page_takes_clicks_for_a_while(client, clock, tmp_path):
    first = client.get("/search?q=a").json()["page"]
    clock[0] += OPEN_SECONDS
    client.get("/search?q=b")
    assert client.post("/clicks", json={"page": first, "product": "a"}).status_code == 404
    assert (tmp_path / "logs" / "clicks.csv").read_text().count("\n") == 1 + 8


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/search?q=", None, 400),
        ("/search?q=a&top_k=0", None, 400),
        ("/search?q=a&top_k=101", None, 400),
        ("/clicks", b"[1]", 400),
        ("/clicks", b"x" * 5000, 413),
        ("/clicks", b'{"page": "x", "product": "a"}', 404),
    ],
)
def test_bad_requests_are_refused(client, path, body, status):
    method = "GET" if body is None else "POST"
    answer = client.request(method, path, content=body)
    assert answer.status_code == status and answer.json()["error"]


def test_two_bundles_are_needed(tmp_path):
    with pytest.raises(FitRankError, match="A,B"):
        interleaved_search("one", str(tmp_path / "log.csv"))
    (tmp_path / "file").write_text("")
    with pytest.raises(FitRankError, match="--click_log"):
        ClickRecorder(tmp_path / "file" / "log.csv")
