"""Credentials that sign more than a key does, and the server that checks their signatures."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit

from aiohttp import web

from dragoman.credentials import HttpRequest

__all__ = ["CHUNKS", "RESPONSE", "HmacCredential", "SigningServer", "TokenCredential"]

RESPONSE = {
    "id": "c1",
    "object": "chat.completion",
    "created": 1,
    "model": "ripe",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "ripe"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
CHUNKS = (
    b'data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"ripe",'
    b'"choices":[{"index":0,"delta":{"role":"assistant","content":"ripe"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
)
_SCHEME = "HMAC-SHA256"


def _signature(
    secret: str, method: str, path: str, query: str, headers: Mapping[str, str], names: list[str], body: bytes
) -> str:
    """As AWS does it: over the method, the path, the sorted query, the listed headers, and the hash of the body."""
    lines = [method, path, urlencode(sorted(parse_qsl(query, keep_blank_values=True)))]
    lines += [f"{name}:{headers[name].strip()}" for name in names]
    lines.append(hashlib.sha256(body).hexdigest())
    return hmac.new(secret.encode(), "\n".join(lines).encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class HmacCredential:
    """Signs the final bytes of a request with a secret, as AWS SigV4 does."""

    env: tuple[str, ...] = ()
    waits: bool = False

    def is_available(self) -> bool:
        return True

    async def sign(self, request: HttpRequest, key: str | None, *, provider: str) -> HttpRequest:
        parts, names = urlsplit(request.url), sorted(request.headers)
        signature = _signature(
            key or "", request.method, parts.path, parts.query, request.headers, names, request.body or b""
        )
        return request.with_header("authorization", f"{_SCHEME} SignedHeaders={';'.join(names)}, Signature={signature}")


@dataclass(frozen=True, slots=True)
class TokenCredential:
    """Fetches a token once, and sends it, as Google's clients do."""

    fetch: Callable[[], Awaitable[str]]
    env: tuple[str, ...] = ()
    waits: bool = True
    tokens: list[str] = field(default_factory=list)

    def is_available(self) -> bool:
        return True

    async def sign(self, request: HttpRequest, key: str | None, *, provider: str) -> HttpRequest:
        if not self.tokens:
            self.tokens.append(await self.fetch())
        return request.with_header("authorization", f"Bearer {self.tokens[0]}")


class SigningServer:
    """Answers only requests whose signature fits what arrived."""

    def __init__(self, secret: str = "", token: str = "") -> None:
        self.secret, self.token = secret, token
        self.seen: list[tuple[str, str, Mapping[str, str], bytes]] = []
        """Method, path with query, headers and body of each request whose signature fitted."""
        self.refused = 0
        self.app = web.Application()
        self.app.router.add_route("*", "/{rest:.*}", self._answer)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        if not self._fits(request, headers, body):
            self.refused += 1
            return web.json_response({"error": {"message": "the signature does not match"}}, status=401)
        self.seen.append((request.method, request.raw_path, headers, body))
        await asyncio.sleep(0)
        if request.method == "GET":
            return web.json_response({"data": []})
        if b'"stream":true' in body:
            return web.Response(body=CHUNKS, content_type="text/event-stream")
        return web.json_response(RESPONSE)

    def _fits(self, request: web.Request, headers: Mapping[str, str], body: bytes) -> bool:
        authorization = headers.get("authorization", "")
        if self.token:
            return authorization == f"Bearer {self.token}"
        signed, _, signature = authorization.removeprefix(f"{_SCHEME} SignedHeaders=").partition(", Signature=")
        path, _, query = request.raw_path.partition("?")
        names = signed.split(";")
        if any(name not in headers for name in names):
            return False
        expected = _signature(self.secret, request.method, path, query, headers, names, body)
        return hmac.compare_digest(expected, signature)
