# ruff: noqa: SIM117 - servers outside, calls inside
"""Every route of the table: who may ask, in whose words a refusal is told, and what is a 404."""

from __future__ import annotations

import itertools
from typing import Any

import aiohttp
import pytest

from dragoman.dialects.registry import dialects, find_dialect
from dragoman.gateway.http.route import RouteMatch
from dragoman.gateway.routes import RouteTable
from tests.gateway.serving import KEY, Upstream, gateway, model, serving

TABLE = RouteTable(dialects())
GOOGLE = [route.path.removeprefix("/models/{model}:") for route in find_dialect("gemini").routes]

PATHS: dict[str, tuple[str, str]] = {
    **{path: (route.method, route.dialect.name) for path, route in TABLE.exact.items() if not route.public},
    **{f"/v1beta/models/smart:{verb}": ("POST", "gemini") for verb in GOOGLE},
    "/v1/models/smart:generateContent": ("POST", "gemini"),
    "/models/smart:generateContent": ("POST", "gemini"),
    "/v1beta/models/smart": ("GET", "gemini"),
    "/v1/models/smart": ("GET", "openai_chat"),
    "/engines/smart/embeddings": ("POST", "openai_chat"),
    "/openai/deployments/smart/chat/completions": ("POST", "openai_chat"),
}


def is_refusal(dialect: str, body: dict[str, Any], status: int) -> bool:
    """Whether `body` is an error as the dialect's own clients know it."""
    error = body.get("error")
    if not isinstance(error, dict) or not error.get("message"):
        return False
    if dialect == "anthropic_messages":
        return body["type"] == "error" and isinstance(error["type"], str)
    if dialect == "gemini":
        return bool(error["code"] == status) and isinstance(error["status"], str)
    return set(error) == {"message", "type", "param", "code"}


async def test_a_stranger_is_refused_in_the_words_of_the_dialect(stranger: aiohttp.ClientSession) -> None:
    upstream = Upstream()
    async with serving(upstream) as there, gateway([model(there)]) as here:
        for path, (method, dialect) in PATHS.items():
            for headers in ({}, {"authorization": "Bearer sk-wrong"}, {"x-api-key": "sk-wrong"}):
                async with stranger.request(method, f"{here}{path}", data=b"{}", headers=headers) as reply:
                    assert reply.status == 401, path
                    assert is_refusal(dialect, await reply.json(), 401), await reply.text()
            async with stranger.request(method, f"{here}{path}?key=sk-wrong", data=b"{}") as reply:
                assert reply.status == 401, path
    assert upstream.bodies == []


SHOWN = [
    {"authorization": f"Bearer {KEY}"},
    {"x-api-key": KEY},
    {"x-goog-api-key": KEY},
    {"api-key": KEY},
]


async def test_the_key_opens_every_route(stranger: aiohttp.ClientSession) -> None:
    async with serving(Upstream()) as there, gateway([model(there)]) as here:
        for path, (method, _) in PATHS.items():
            for headers in SHOWN:
                async with stranger.request(method, f"{here}{path}", data=b"{", headers=headers) as reply:
                    assert reply.status == (400 if method == "POST" else 200), (path, await reply.text())


async def test_a_key_in_the_address_opens_googles_routes_only(stranger: aiohttp.ClientSession) -> None:
    async with serving(Upstream()) as there, gateway([model(there)]) as here:
        for path, (method, dialect) in PATHS.items():
            takes = dialect == "gemini" or (method == "GET" and "models" in path)
            async with stranger.request(method, f"{here}{path}?key={KEY}", data=b"{") as reply:
                assert (reply.status != 401) is takes, path


POSTS = sorted(path for path, (method, _) in PATHS.items() if method == "POST")
BAD_BODIES = [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"model": 1}', b"{}", b'{"messages": {}}', b"[" * 100_000]


async def test_a_bad_body_is_a_400_in_the_words_of_the_dialect(client: aiohttp.ClientSession) -> None:
    upstream = Upstream()
    async with serving(upstream) as there, gateway([model(there)]) as here:
        for path, body in itertools.product(POSTS, BAD_BODIES):
            async with client.post(f"{here}{path}", data=body) as reply:
                assert reply.status == 400, (path, body[:20], await reply.text())
                assert is_refusal(PATHS[path][1], await reply.json(), 400), await reply.text()
    assert upstream.bodies == []


async def test_a_body_that_is_too_large_is_a_413(client: aiohttp.ClientSession) -> None:
    settings = {"master_key": KEY, "max_request_size_mb": 0.001}

    async def pieces() -> Any:
        for _ in range(4):
            yield b"x" * 500

    async with serving(Upstream()) as there, gateway([model(there)], general_settings=settings) as here:
        for path in POSTS:
            async with client.post(f"{here}{path}", data=b'{"a":"' + b"x" * 2000 + b'"}') as reply:
                assert reply.status == 413
                assert is_refusal(PATHS[path][1], await reply.json(), 413), await reply.text()
            async with client.post(f"{here}{path}", data=pieces()) as reply:
                assert reply.status == 413


@pytest.mark.parametrize(
    ("path", "headers", "dialect"),
    [
        ("/nope", {}, "openai_chat"),
        ("/v1/nothing", {}, "openai_chat"),
        ("/v1/messages/batches", {}, "anthropic_messages"),
        ("/nope", {"anthropic-version": "2023-06-01"}, "anthropic_messages"),
        ("/v1beta/files", {}, "gemini"),
        ("/nope", {"x-goog-api-key": "x"}, "gemini"),
        ("/v1/chat/completions/../../health", {}, "openai_chat"),
        ("//health", {}, "openai_chat"),
        ("/health/liveliness/x", {}, "openai_chat"),
        ("/engines/completions", {}, "openai_chat"),
        ("/v1beta/models/:generateContent", {}, "gemini"),
    ],
)
async def test_an_unknown_path_is_a_404(
    client: aiohttp.ClientSession, path: str, headers: dict[str, str], dialect: str
) -> None:
    from yarl import URL

    async with serving(Upstream()) as there, gateway([model(there)]) as here:
        async with client.post(URL(f"{here}{path}", encoded=True), headers=headers, data=b"{}") as reply:
            assert reply.status == 404, await reply.text()
            assert is_refusal(dialect, await reply.json(), 404), await reply.text()


async def test_other_methods(client: aiohttp.ClientSession) -> None:
    async with serving(Upstream()) as there, gateway([model(there)]) as here:
        for method, path, dialect in (
            ("GET", "/v1/chat/completions", "openai_chat"),
            ("PUT", "/v1/messages", "anthropic_messages"),
            ("DELETE", "/v1beta/models/smart:generateContent", "gemini"),
            ("POST", "/v1/models", "openai_chat"),
            ("POST", "/health/readiness", "openai_chat"),
        ):
            async with client.request(method, f"{here}{path}") as reply:
                assert reply.status == 405, path
                assert is_refusal(dialect, await reply.json(), 405), await reply.text()
        async with client.head(f"{here}/v1/models") as reply:
            assert (reply.status, await reply.read()) == (200, b"")
        origin = {"origin": "https://a.example", "access-control-request-method": "POST"}
        async with client.options(f"{here}/v1/chat/completions", headers=origin) as reply:
            assert (reply.status, reply.headers["allow"]) == (204, "POST, OPTIONS")
            assert not [name for name in reply.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize("path", ["/", "/health/liveliness", "/health/liveness", "/health/readiness"])
async def test_what_is_public(stranger: aiohttp.ClientSession, path: str) -> None:
    async with serving(Upstream()) as there, gateway([model(there)]) as here:
        async with stranger.get(f"{here}{path}", headers={"host": "anything.example"}) as reply:
            assert reply.status == 200
            assert "smart" not in await reply.text()


def test_public_routes_are_these_and_no_others() -> None:
    public = {path for path, route in TABLE.exact.items() if route.public}
    assert public == {"/", "/health/liveliness", "/health/liveness", "/health/readiness"}
    assert not any(route.public for routes in TABLE.patterns.values() for route in routes.values())


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1beta/models/gemini-2.5-pro:generateContent", "gemini-2.5-pro"),
        ("/v1beta/models/openai/gpt-4o:streamGenerateContent", "openai/gpt-4o"),
        ("/v1/models/ollama/llama3:8b:generateContent", "ollama/llama3:8b"),
        ("/v1/models/ollama/llama3:8b", "ollama/llama3:8b"),
        ("/v1beta/models/a b:countTokens", "a b"),
        ("/openai/deployments/x/chat/completions/chat/completions", "x/chat/completions"),
    ],
)
def test_a_models_name_may_hold_slashes_and_colons(path: str, name: str) -> None:
    found = TABLE.find(path)
    assert isinstance(found, RouteMatch)
    assert found.model == name


async def test_without_a_master_key_no_foreign_page_gets_through(stranger: aiohttp.ClientSession) -> None:
    async with serving(Upstream()) as there, gateway([model(there)], general_settings={}) as here:
        async with stranger.get(f"{here}/v1/models") as reply:
            assert reply.status == 200
        for headers in ({"host": "evil.example"}, {"origin": "https://evil.example"}):
            async with stranger.get(f"{here}/v1/models", headers=headers) as reply:
                assert reply.status == 401
