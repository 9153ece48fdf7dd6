"""Real servers on free ports: the gateway under test, and small upstreams that play a provider."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import orjson
import uvicorn

from dragoman.gateway.app import Gateway
from dragoman.gateway.config.gateway_config import parse_config
from dragoman.gateway.http.connection import Connection
from dragoman.gateway.server import bind

__all__ = ["KEY", "PROVIDER_KEY", "Upstream", "chat_chunks", "chat_reply", "gateway", "model", "serving", "until"]

KEY = "sk-f3hQ0sL2mZx8Vw7R"
PROVIDER_KEY = "canary-4a7f91c2-provider-key"


async def until(condition: Callable[[], Any]) -> None:
    """Wait for something that has no event of its own."""
    while True:
        met = condition()
        if await met if inspect.isawaitable(met) else met:
            return
        await asyncio.sleep(0.01)


class _Server(uvicorn.Server):
    """uvicorn without its waits of a tenth of a second, which add up over hundreds of tests."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self.stop = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # the tests' own signals stay theirs

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self.stop.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                await until(lambda: not self.server_state.tasks)
        for task in self.server_state.tasks:
            task.cancel()
        await self.lifespan.shutdown()


@contextlib.asynccontextmanager
async def serving(app: Any, http: Any = "auto") -> AsyncIterator[str]:
    """The address of a server of `app`, for as long as it is entered."""
    listener = bind("127.0.0.1", 0)
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="auto", ws="none", http=http)
    server = _Server(config)
    task = asyncio.create_task(server.serve([listener]))
    await server.ready.wait()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.stop.set()
        await task


@contextlib.asynccontextmanager
async def gateway(
    models: list[dict[str, Any]], http: Any = Connection, gate: Any = None, **sections: Any
) -> AsyncIterator[str]:
    """The address of a gateway with a master key, unless `general_settings` or `gate` says otherwise."""
    data = {"model_list": models, "general_settings": {"master_key": KEY}, **sections}
    async with serving(Gateway(parse_config(data, {}), gate=gate), http) as url:
        yield url


def model(url: str, name: str = "smart", provider: str = "openai", **params: Any) -> dict[str, Any]:
    """An entry of the model list in front of an upstream."""
    return {
        "model_name": name,
        "litellm_params": {"model": f"{provider}/real-{name}", "api_base": url, "api_key": PROVIDER_KEY, **params},
    }


def chat_reply(text: str = "Hello!") -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "real-smart-2026",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    }


def chat_chunks(*texts: str) -> list[bytes]:
    """An OpenAI stream, whole."""

    def event(delta: dict[str, Any], finish: str | None = None) -> bytes:
        choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
        head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1700000000, "model": "real-smart"}
        return b"data: " + orjson.dumps({**head, "choices": choices}) + b"\n\n"

    first = event({"role": "assistant", "content": ""})
    return [first, *(event({"content": text}) for text in texts), event({}, "stop"), b"data: [DONE]\n\n"]


class Upstream:
    """An ASGI app whose answer is written down in a test. It notices when its caller leaves."""

    def __init__(self, answer: Callable[[Upstream], Awaitable[None]] | None = None) -> None:
        self._answer = answer or (lambda upstream: upstream.json(chat_reply()))
        self.bodies: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.asked = asyncio.Event()
        self.left = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        self.bodies.append(orjson.loads(body or b"null"))
        self.headers.append({name.decode(): value.decode() for name, value in scope["headers"]})
        self.paths.append(scope["path"])
        self._send = send
        self.asked.set()
        answer = asyncio.ensure_future(self._answer(self))
        leaving = asyncio.ensure_future(receive())
        await asyncio.wait({answer, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            self.left.set()
            answer.cancel()
        leaving.cancel()
        await asyncio.gather(answer, leaving, return_exceptions=True)

    async def json(self, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        await self.start(status, {"content-type": "application/json", **(headers or {})})
        await self.send(orjson.dumps(value), more=False)

    async def start(self, status: int = 200, headers: dict[str, str] | None = None) -> None:
        sent = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
        await self._send({"type": "http.response.start", "status": status, "headers": sent})

    async def send(self, data: bytes, more: bool = True) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": more})

    async def stream(self, events: list[bytes], end: bool = True) -> None:
        await self.start(200, {"content-type": "text/event-stream"})
        for event in events:
            await self.send(event)
        if end:
            await self.send(b"", more=False)
