"""Who may call."""

from __future__ import annotations

import pytest

from dragoman.dialects.registry import dialects
from dragoman.errors import CallerAuthenticationError, ConfigError
from dragoman.gateway.master_key import MasterKeyGate, check_master_key, is_loopback
from dragoman.gateway.routes import RouteTable

KEY = "sk-f3hQ0sL2mZx8Vw7R"
ROUTES = RouteTable(dialects()).exact
ROUTE = ROUTES["/v1/chat/completions"]
IN_QUERY = ROUTES["/v1beta/models"]


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {KEY}"},
        {"authorization": f"bearer  {KEY} "},
        {"authorization": KEY},
        {"x-api-key": KEY},
        {"x-goog-api-key": KEY},
        {"api-key": KEY},
        {"x-api-key": "another", "authorization": f"Bearer {KEY}"},
    ],
)
async def test_the_key_is_taken_as_each_client_sends_it(headers: dict[str, str]) -> None:
    await MasterKeyGate(KEY).authenticate(ROUTE, headers)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer "},
        {"authorization": f"Bearer {KEY}x"},
        {"authorization": f"Bearer {KEY[:-1]}"},
        {"authorization": f"Basic {KEY}"},
        {"authorization": f"Bearer {KEY.upper()}"},
        {"x-api-key": "é" * 20},
        {"cookie": KEY},
        {"x-key": KEY},
    ],
)
async def test_anything_else_stays_out(headers: dict[str, str]) -> None:
    with pytest.raises(CallerAuthenticationError) as caught:
        await MasterKeyGate(KEY).authenticate(ROUTE, headers)
    assert caught.value.status_code == 401
    assert KEY not in caught.value.message


async def test_a_key_in_the_query_counts_where_the_route_takes_it() -> None:
    await MasterKeyGate(KEY).authenticate(IN_QUERY, {}, f"alt=sse&key={KEY}".encode())
    for query in (b"", b"key=", b"key=wrong", f"monkey={KEY}".encode(), f"key=wrong&key={KEY}".encode()):
        with pytest.raises(CallerAuthenticationError):
            await MasterKeyGate(KEY).authenticate(IN_QUERY, {}, query)
    with pytest.raises(CallerAuthenticationError):
        await MasterKeyGate(KEY).authenticate(ROUTE, {}, f"key={KEY}".encode())


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:4000", "127.0.0.1:4000", "127.8.9.1", "[::1]:4000", "LOCALHOST"]
)
async def test_without_a_key_this_machine_may_call(host: str) -> None:
    await MasterKeyGate(loopback_only=True).authenticate(ROUTE, {"host": host})
    await MasterKeyGate(loopback_only=True).authenticate(ROUTE, {"host": host, "origin": "http://localhost:3000"})


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"host": ""},
        {"host": "evil.example"},
        {"host": "127.0.0.1.evil.example:4000"},
        {"host": "localhost.evil.example"},
        {"host": "10.0.0.1:4000"},
        {"host": "127.0.0.1:4000", "origin": "https://evil.example"},
        {"host": "127.0.0.1:4000", "origin": "null"},
        {"host": "127.0.0.1:4000", "origin": "https://localhost.evil.example"},
        {"host": "127.0.0.1:4000", "origin": ""},
    ],
)
async def test_without_a_key_no_foreign_page_may_call(headers: dict[str, str]) -> None:
    with pytest.raises(CallerAuthenticationError):
        await MasterKeyGate(loopback_only=True).authenticate(ROUTE, headers)


def test_no_key_is_in_the_repr() -> None:
    assert KEY not in repr(MasterKeyGate(KEY))


@pytest.mark.parametrize(
    "key", ["", "sk-1234", "tiny", "a" * 40, "sk-1234567890abcdef", "your-master-key-here", "sk-changeme-changeme"]
)
def test_a_weak_key_is_refused_unless_permitted(key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_master_key(key, "127.0.0.1", False)
    assert not key or key not in caught.value.message
    assert check_master_key(key, "127.0.0.1", True)


def test_a_strong_key_is_taken_everywhere() -> None:
    assert check_master_key(KEY, "0.0.0.0", False) is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "gateway.internal", ""])
def test_without_a_key_only_a_loopback_address_is_listened_on(host: str) -> None:
    with pytest.raises(ConfigError):
        check_master_key(None, host, False)
    assert check_master_key(None, host, True)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", None])
def test_without_a_key_a_loopback_address_is_warned_of(host: str | None) -> None:
    warning = check_master_key(None, host, False)
    assert warning is not None
    assert "master_key" in warning


@pytest.mark.parametrize(
    ("host", "expected"), [("localhost.", True), ("::1", True), ("::ffff:10.0.0.1", False), ("127.1", False)]
)
def test_what_counts_as_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
