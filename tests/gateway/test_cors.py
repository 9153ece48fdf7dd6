"""Web pages elsewhere: kept out, unless the configuration names their origin."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from dragoman.errors import ConfigError
from dragoman.gateway.config.gateway_config import parse_config
from tests.gateway.serving import KEY, Upstream, chat_chunks, gateway, model, serving

PAGE = "https://app.example.com"
CHAT = {"model": "smart", "messages": [{"role": "user", "content": "hi"}]}
ASK = {
    "origin": PAGE,
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization,content-type",
}


def cors_of(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items() if name.lower().startswith(("access-", "vary"))}


@pytest.mark.parametrize(("origins", "told"), [([PAGE, "http://b:1"], PAGE), ("*", "*"), (PAGE.upper(), PAGE)])
async def test_a_page_of_an_origin_that_is_named_may_ask_and_read(
    client: aiohttp.ClientSession, stranger: aiohttp.ClientSession, origins: Any, told: str
) -> None:
    general = {"master_key": KEY, "cors_origins": origins}
    shared = {"access-control-allow-origin": told, "access-control-expose-headers": "*", "vary": "origin"}
    upstream = Upstream(lambda up: up.stream(chat_chunks("Hi")))
    async with serving(upstream) as there, gateway([model(there)], general_settings=general) as here:
        url = f"{here}/v1/chat/completions"
        async with stranger.options(url, headers=ASK) as reply:
            assert reply.status == 204
            assert cors_of(reply.headers) == {
                **shared,
                "access-control-allow-methods": "POST, OPTIONS",
                "access-control-allow-headers": "authorization,content-type",
                "access-control-max-age": "600",
            }
        async with client.post(url, json={**CHAT, "stream": True}, headers={"origin": PAGE}) as reply:
            assert (reply.status, cors_of(reply.headers)) == (200, shared)
            assert "[DONE]" in await reply.text()
        async with stranger.post(url, json=CHAT, headers={"origin": PAGE}) as reply:
            assert (reply.status, cors_of(reply.headers)) == (401, shared)
        async with client.get(f"{here}/nothing", headers={"origin": PAGE}) as reply:
            assert (reply.status, cors_of(reply.headers)) == (404, shared)


@pytest.mark.parametrize("general", [{}, {"cors_origins": ["https://other.example.com"]}])
@pytest.mark.parametrize("origin", [PAGE, "null", "https://app.example.com.evil", f"{PAGE}:444", "https://[v1", None])
async def test_no_other_page_is_told_anything(
    client: aiohttp.ClientSession, stranger: aiohttp.ClientSession, general: dict[str, Any], origin: str | None
) -> None:
    vary = {"vary": "origin"} if general else {}
    headers = {**ASK, "origin": origin} if origin is not None else {}
    async with gateway([model("http://127.0.0.1:1")], general_settings={"master_key": KEY, **general}) as here:
        async with stranger.options(f"{here}/v1/models", headers=headers) as reply:
            assert (reply.status, cors_of(reply.headers)) == (204, vary)
        async with client.get(f"{here}/v1/models", headers=headers) as reply:
            assert (reply.status, cors_of(reply.headers)) == (200, vary)


async def test_without_a_master_key_only_pages_that_are_named_may_call(stranger: aiohttp.ClientSession) -> None:
    async with gateway([model("http://127.0.0.1:1")], general_settings={"cors_origins": PAGE}) as here:
        for origin, status in ((PAGE, 200), ("https://evil.example.com", 401), ("https://[v1", 401), ("null", 401)):
            async with stranger.get(f"{here}/v1/models", headers={"origin": origin}) as reply:
                assert reply.status == status


async def test_header_names_that_are_none_are_not_repeated(stranger: aiohttp.ClientSession) -> None:
    async with gateway(
        [model("http://127.0.0.1:1")], general_settings={"master_key": KEY, "cors_origins": "*"}
    ) as here:
        for names in ("a: b", "x" * 3000, ""):
            headers = {**ASK, "access-control-request-headers": names}
            async with stranger.options(f"{here}/v1/models", headers=headers) as reply:
                assert "access-control-allow-headers" not in reply.headers


@pytest.mark.parametrize(
    ("origins", "path"),
    [
        (["https://a", "https://b/"], "cors_origins[1]"),
        ("https://a/path", "cors_origins"),
        ("app.example.com", "cors_origins"),
        (["null"], "cors_origins[0]"),
        ("https://a\r\nx: y", "cors_origins"),
        ("https://*.example.com", "cors_origins"),
    ],
)
def test_what_is_no_origin_is_refused(origins: Any, path: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(
            {"model_list": [model("http://a")], "general_settings": {"master_key": KEY, "cors_origins": origins}}, {}
        )
    assert caught.value.message.startswith(f"general_settings.{path}: expected `*`, or an origin")


def test_all_pages_may_call_only_with_a_key() -> None:
    with pytest.raises(ConfigError, match="needs a master_key"):
        parse_config({"model_list": [model("http://a")], "general_settings": {"cors_origins": "*"}}, {})
