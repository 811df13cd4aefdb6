"""Several endpoints: calls in turn, failover, and what is wrong with an address."""

import asyncio
from collections.abc import Callable

import grpc
import pytest

from fitrank_tf.client import AsyncSearchClient, Hit, SearchClient, Security
from fitrank_tf.core.errors import FitRankError
from tests.client.toy_shop import ONE_HIT, Scripted
from tests.serving.process.test_tls import SERVER

FOUND = [[Hit(1, "5", "Bag", 0.5)]]


def _search_all(address: str, count: int) -> list:
    with SearchClient(address, timeout=30) as client:
        return [client.search(["bag"]) for _ in range(count)]


def _search_all_async(address: str, count: int) -> list:
    async def search() -> list:
        async with AsyncSearchClient(address, timeout=30) as client:
            return [await client.search(["bag"]) for _ in range(count)]

    return asyncio.run(search())


both = pytest.mark.parametrize("search_all", [_search_all, _search_all_async])


@both
def test_calls_go_to_each_endpoint_in_turn(start_server, search_all: Callable) -> None:
    servers = [Scripted(ONE_HIT), Scripted(ONE_HIT), Scripted(ONE_HIT)]
    address = ", ".join(start_server(server) for server in servers)
    assert search_all(address, 30) == [FOUND] * 30
    assert all(server.calls >= 3 for server in servers)


@both
def test_an_endpoint_that_is_not_there_is_passed_over(start_server, search_all) -> None:
    address = f"127.0.0.1:1,{start_server(Scripted(ONE_HIT))},localhost:1"
    assert search_all(address, 5) == [FOUND] * 5


def test_a_search_goes_on_when_a_server_is_killed(start_server) -> None:
    servers = [Scripted(ONE_HIT), Scripted(ONE_HIT)]
    first, second = map(start_server, servers)
    with SearchClient(f"{first},{second}", timeout=30) as client:
        for _ in range(20):
            assert client.search(["bag"]) == FOUND
        assert all(server.calls for server in servers)
        start_server.stop(first)
        before = servers[1].calls
        for _ in range(20):
            assert client.search(["bag"]) == FOUND
        assert servers[1].calls >= before + 20
        start_server.stop(second)
        with pytest.raises(FitRankError, match=f"no server answers at {first},{second}"):
            client.search(["bag"])


@pytest.mark.parametrize("count", [1, 2])
def test_servers_with_tls_and_a_token(start_server, tmp_path, count: int) -> None:
    pair = [(SERVER.key.encode(), SERVER.certificate.encode())]
    credentials = grpc.ssl_server_credentials(pair)
    (tmp_path / "ca.pem").write_text(SERVER.certificate)
    (tmp_path / "token").write_text("secret\n")
    tokens = []

    def answer(context: grpc.ServicerContext) -> object:
        tokens.append(dict(context.invocation_metadata())["authorization"])
        return ONE_HIT(context)

    addresses = [start_server(Scripted(answer), credentials) for _ in range(count)]
    security = Security(str(tmp_path / "ca.pem"), str(tmp_path / "token"))
    address = ",".join(addresses)
    with SearchClient(address, timeout=30, security=security) as client:
        assert [client.search(["bag"]) for _ in range(4)] == [FOUND] * 4
    assert tokens == ["Bearer secret"] * 4


@pytest.mark.parametrize(
    ("address", "gist"),
    [
        ("a:1,b", "address 'b': write it as host:port"),
        ("a:1,", "address '': write it as host:port"),
        ("localhost:1,no.such.host.invalid:2", "'no.such.host.invalid': no such host"),
        ("127.0.0.1:1,[::1]:2", "some have IPv4 alone and some IPv6"),
    ],
)
def test_a_bad_endpoint_is_named(address: str, gist: str) -> None:
    with pytest.raises(FitRankError, match=gist):
        SearchClient(address)


def test_endpoints_of_ipv6_are_reached(start_server) -> None:
    try:
        address = start_server(Scripted(ONE_HIT), host="[::1]")
    except RuntimeError:
        pytest.skip("no IPv6 here")
    assert _search_all(f"{address},[::1]:1", 3) == [FOUND] * 3
