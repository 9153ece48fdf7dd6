"""Through a proxy, and past it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dragoman.transport import Timeouts, Transport
from dragoman.transport._proxies import Proxies
from tests.transport.asking import SECRET, post, refused
from tests.upstreams.certificates import Authority
from tests.upstreams.proxy import proxying
from tests.upstreams.raw import answer, serve, serving


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    yield


async def test_https_goes_through_a_tunnel_that_sees_none_of_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    async with serving(serve(answer(b"ok")), tls=authority.server("provider.test")) as up, proxying(up.port) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        transport = Transport(verify=str(authority.file))
        for _ in range(2):
            reply = await post(transport, "https://provider.test/v1/chat?key=query", body=b"the prompt")
            assert await reply.read() == b"ok"
        [head] = proxy.heads
        assert head.startswith("CONNECT provider.test:443 HTTP/1.1\r\n")
        for hidden in (SECRET, "authorization", "query", "v1/chat"):
            assert hidden not in head.lower()
        assert SECRET.encode() not in proxy.tunnelled
        assert b"the prompt" not in proxy.tunnelled
        assert up.requests[0].headers["authorization"] == f"Bearer {SECRET}"
        assert up.requests[0].target == "/v1/chat?key=query"
        await transport.aclose()


async def test_http_is_handed_to_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(serve(answer(b"ok"))) as up, proxying(up.port) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.removeprefix("http://"))
        transport = Transport()
        for _ in range(2):
            assert await (await post(transport, "http://provider.test/v1/chat?x=1")).read() == b"ok"
        [head] = proxy.heads
        assert head.startswith("POST http://provider.test/v1/chat?x=1 HTTP/1.1\r\n")
        assert "host: provider.test\r\n" in head
        await transport.aclose()


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_wants_to_know_who_we_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, scheme: str
) -> None:
    authority = Authority(tmp_path)
    tls = authority.server("provider.test") if scheme == "https" else None
    async with (
        serving(serve(answer(b"ok")), tls=tls) as up,
        proxying(up.port, authorization="Basic bWU6cHctc2VjcmV0") as proxy,
    ):
        monkeypatch.setenv(f"{scheme}_proxy", proxy.url.replace("//", "//me:pw-secret@"))
        transport = Transport(verify=str(authority.file))
        assert await (await post(transport, f"{scheme}://provider.test/")).read() == b"ok"
        if scheme == "https":
            assert "proxy-authorization" not in up.requests[0].headers
        await transport.aclose()
        monkeypatch.setenv(f"{scheme}_proxy", proxy.url.replace("//", "//me:wrong-secret@"))
        transport = Transport(verify=str(authority.file))
        if scheme == "https":
            error = await refused(transport, "https://provider.test")
            assert error.code == "proxy_error"
            assert "407" in error.message
        else:
            assert (await post(transport, "http://provider.test/")).status == 407
        await transport.aclose()


async def test_a_proxy_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(serve(answer())) as up:
        gone = up.url
    monkeypatch.setenv("all_proxy", gone.replace("//", "//me:pw-secret@"))
    transport = Transport()
    for url in ("http://provider.test", "https://provider.test"):
        assert (await refused(transport, url)).code == "proxy_error"
    await transport.aclose()


async def test_a_proxy_of_a_kind_we_do_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "socks5://me:pw-secret@127.0.0.1:1")
    transport = Transport()
    assert (await refused(transport, "https://provider.test")).code == "proxy_error"


async def test_the_environment_can_be_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    transport = Transport(trust_env=False)
    error = await refused(transport, "http://nobody.invalid", timeouts=Timeouts())
    assert error.code == "dns_failure"


async def test_loopback_is_always_asked_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    transport = Transport()
    async with serving(serve(answer(b"ok"))) as up:
        for host in ("127.0.0.1", "localhost"):
            assert await (await post(transport, f"http://{host}:{up.port}/")).read() == b"ok"
    await transport.aclose()


@pytest.mark.parametrize(
    ("no_proxy", "host", "direct"),
    [
        ("", "provider.test", False),
        ("*", "provider.test", True),
        ("provider.test", "provider.test", True),
        ("provider.test", "api.provider.test", True),
        (".provider.test", "api.provider.test", True),
        ("other.test, provider.test", "provider.test", True),
        ("provider.test", "notprovider.test", False),
        ("provider.test:443", "provider.test", True),
        ("provider.test:8443", "provider.test", False),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.0.0.0/8", "provider.test", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("fd00::/8", "fd00::1", True),
        ("", "127.9.9.9", True),
        ("", "::1", True),
        ("", "localhost", True),
    ],
)
def test_no_proxy(monkeypatch: pytest.MonkeyPatch, no_proxy: str, host: str, direct: bool) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.test:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert Proxies().find("https", host, 443) == (None if direct else "http://proxy.test:3128")
