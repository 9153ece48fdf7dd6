"""A server that answers with recorded exchanges: real sockets, real answers."""

from __future__ import annotations

import contextlib
import functools
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import uvicorn

from dragoman.providers import Providers
from dragoman.routing import CallOptions, Deployment
from tests.recordings import Recording, all_recordings
from tests.routing.upstream import eventually

__all__ = ["VERSIONS", "Replayer", "raw_answer", "running_replayer"]

VERSIONS = {"anthropic": "", "gemini": "/v1beta"}
"""What of a provider's paths belongs to its address, where that is not /v1."""
_PIECE = 700
"""Bytes of a stream that are sent at once."""


class Replayer:
    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.bodies: list[Any] = []
        """What was asked."""

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        sent = b""
        while (message := await receive())["type"] == "http.request":
            sent += message.get("body", b"")
            if not message.get("more_body"):
                break
        self.bodies.append(json.loads(sent))
        recording = _by_id()[scope["path"].split("/")[1]]
        kind = recording.response_headers.get(
            "content-type", "text/event-stream" if recording.stream else "application/json"
        )
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind.encode())]})
        body = recording.response_bytes
        for start in range(0, len(body), _PIECE):
            await send({"type": "http.response.body", "body": body[start : start + _PIECE], "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    def base(self, recording: Recording) -> str:
        return f"{self.address}/{recording.id}{VERSIONS.get(recording.provider, '/v1')}"

    def deployment(self, recording: Recording, **more: Any) -> Deployment:
        """One that is answered with the recording."""
        return Deployment(
            id="recorded:0",
            alias="recorded",
            provider=Providers().find(more.pop("provider", recording.provider)),
            model=more.pop("model", recording.model),
            options=CallOptions(api_base=self.base(recording), api_key="sk-" + "secret" * 4, **more.pop("options", {})),
            **more,
        )


@functools.cache
def _by_id() -> dict[str, Recording]:
    return {recording.id: recording for recording in all_recordings()}


@contextlib.contextmanager
def running_replayer() -> Iterator[Replayer]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        replayer = Replayer(listening.getsockname()[1])
        server = uvicorn.Server(
            uvicorn.Config(replayer, log_level="critical", timeout_graceful_shutdown=1, loop="asyncio")
        )
        thread = threading.Thread(target=server.run, args=([listening],), name="replayer")
        thread.start()
        try:
            eventually(lambda: server.started)
            yield replayer
        finally:
            server.should_exit = True
            thread.join(10)


def raw_answer(recording: Recording) -> dict[str, Any]:
    """The provider's body, or what of a stream's events tells model and usage, merged into one such body."""
    if not recording.stream:
        return dict(recording.response_body)
    merged: dict[str, Any] = {"usage": {}}
    for line in recording.response_bytes.decode().splitlines():
        if not line.startswith("data:") or line.endswith("[DONE]"):
            continue
        event = json.loads(line[5:])
        message = event.get("message") if isinstance(event.get("message"), dict) else event
        for name in ("model", "modelVersion", "usageMetadata", "service_tier"):
            merged[name] = message.get(name) or merged.get(name)
        usage = message.get("usage") or (event.get("x_groq") or {}).get("usage") or {}
        merged["usage"].update({key: value for key, value in usage.items() if value is not None})
    return merged
