"""The simulator as an ASGI application."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from dragoman.simulator.anthropic.provider import Anthropic
from dragoman.simulator.call_log import CallLog, ObservedCall
from dragoman.simulator.directives import fault_settings
from dragoman.simulator.exchange import Answer, SimulatedError, WholeAnswer, stable_number
from dragoman.simulator.faults import Faults, split_model
from dragoman.simulator.fixed_answers import fixed_stream, fixed_whole
from dragoman.simulator.gemini.provider import Gemini
from dragoman.simulator.http_request import HttpRequest, last_text, route
from dragoman.simulator.openai.provider import OpenAI
from dragoman.simulator.provider import IncomingCall, SimulatedProvider
from dragoman.simulator.reply_sender import Receive, ReplySender, Send, read_body, wait_for_disconnect

__all__ = ["Simulator", "SimulatorSettings", "app"]

_Scope: TypeAlias = MutableMapping[str, Any]


@dataclass(frozen=True)
class SimulatorSettings:
    """`faults` apply to every call that names no others. `fast`: fixed answers without any checks, for load tests."""

    seed: int = 0
    faults: Faults = field(default_factory=Faults)
    fast: bool = False


def app(settings: SimulatorSettings | None = None) -> Simulator:
    """Return the ASGI application."""
    return Simulator(settings or SimulatorSettings())


class Simulator:
    def __init__(self, settings: SimulatorSettings) -> None:
        self.settings = settings
        self.call_log = CallLog()
        self.providers: dict[str, SimulatedProvider] = {
            "openai": OpenAI(),
            "anthropic": Anthropic(),
            "gemini": Gemini(),
        }
        self.fixed_answers = (
            {name: (fixed_whole(name), fixed_stream(name)) for name in self.providers} if settings.fast else {}
        )

    async def __call__(self, scope: _Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)

    async def _http(self, scope: _Scope, receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["path"].rstrip("/") or "/"
        if path.startswith("/_simulator"):
            await _send_json(send, *self._about(method, path))
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        query = dict(parse_qsl(scope["query_string"].decode()))
        target = route(method, path, headers, query)
        if target is None:
            await _send_json(
                send, 404, {"error": {"message": f"Unknown request URL: {method} {path}.", "code": "unknown_url"}}
            )
            return
        raw = await read_body(receive)
        if self.fixed_answers:
            await self._send_fixed(send, target, raw)
        else:
            await self._serve(HttpRequest(*target, method, path, query, headers, raw), receive, send)

    def _about(self, method: str, path: str) -> tuple[int, Any]:
        """Return the status and the body of one of the simulator's own routes."""
        if (method, path) == ("POST", "/_simulator/reset"):
            self.call_log.reset()
            return 200, {"reset": True}
        answers: dict[str, Callable[[], Any]] = {
            "/_simulator/calls": self.call_log.report,
            "/_simulator/last": lambda: self.call_log.last,
            "/_simulator/health": lambda: {"ok": True},
        }
        answer = answers.get(path) if method == "GET" else None
        return (200, answer()) if answer else (404, {"error": "no such route"})

    async def _send_fixed(self, send: Send, target: tuple[str, str, str], raw: bytes) -> None:
        self.call_log.count += 1
        body, stream = self.fixed_answers[target[0]]
        if target[1] != "streamGenerateContent" and b'"stream":true' not in raw and b'"stream": true' not in raw:
            await _send_bytes(send, 200, body)
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        gap = 1 / self.settings.faults.rate if self.settings.faults.rate else 0
        for chunk in stream.chunks:
            if gap:
                await asyncio.sleep(gap)
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _serve(self, request: HttpRequest, receive: Receive, send: Send) -> None:
        """Answer a call, and note when the caller leaves before that is done."""
        call = ObservedCall(request.path)
        self.call_log.add(call)
        wire = ReplySender(send, call, request.dialect)
        answering = asyncio.ensure_future(self._answer(request, wire))
        leaving = asyncio.ensure_future(wait_for_disconnect(receive))
        try:
            await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                call.mark_disconnected()
                answering.cancel()
            else:
                answering.result()
        finally:
            leaving.cancel()
            answering.cancel()
            await asyncio.gather(answering, leaving, return_exceptions=True)
            call.ended = call.closed_at or wire.now()

    async def _answer(self, request: HttpRequest, wire: ReplySender) -> None:
        self.call_log.last = request.as_json()
        body, is_json = request.parse()
        model_name = request.model_name(body)
        model, model_faults = split_model(model_name)
        provider = self.providers[request.dialect]
        wire.call.model, wire.call.stream = model_name, provider.is_stream(request.operation, body)
        try:
            faults = self._faults(request, body, model_faults)
        except ValueError as error:
            await wire.refuse(_bad_settings(provider, str(error)))
            return
        await wire.delay(faults)
        if faults.drop:
            wire.close()
            return
        try:
            answer = self._decide(request, body if is_json else None, model, faults)
        except SimulatedError as error:
            await wire.refuse(error)
        else:
            await wire.answer(answer, faults)

    def _faults(self, request: HttpRequest, body: Any, model_faults: str) -> Faults:
        """Return the faults of the settings, changed by the header, then by the model's name, then by the prompt."""
        faults = self.settings.faults
        for text in (request.headers.get("x-simulate", ""), model_faults, fault_settings(last_text(body))):
            faults = faults.with_changes(text)
        if faults.times:
            key = f"{request.path} {model_faults} {last_text(body)}"
            self.call_log.by_model[key] += 1
            if self.call_log.by_model[key] > faults.times:
                return faults.without_failures()
        return faults

    def _decide(self, request: HttpRequest, body: Any, model: str, faults: Faults) -> Answer:
        provider = self.providers[request.dialect]
        if faults.echo:
            return WholeAnswer(request.as_json())
        provider.check_key(request.headers, request.query)
        if self._fails(faults):
            raise provider.fault(faults.error or "500", faults.retry_after, model, request.api_key())
        if body is None:
            raise provider.bad_json()
        if model.startswith("nonexistent"):
            raise provider.fault("404", "", model, request.api_key())
        seed = self.settings.seed
        mark = stable_number(seed, request.path, request.body)
        return provider.answer(
            IncomingCall(
                request.operation, model, body, request.query, request.headers, faults, seed, mark, self.call_log.cached
            )
        )

    def _fails(self, faults: Faults) -> bool:
        """Whether this call gets the error. With a rate that is a share of the calls, the same ones in each run."""
        if faults.error_rate:
            return stable_number(self.settings.seed, self.call_log.count) % 10_000 < faults.error_rate * 10_000
        return bool(faults.error)


def _bad_settings(provider: SimulatedProvider, message: str) -> SimulatedError:
    error = provider.fault("400", "", "", "")
    error.body["error"]["message"] = message
    return error


async def _send_json(send: Send, status: int, value: Any) -> None:
    await _send_bytes(send, status, json.dumps(value).encode())


async def _send_bytes(send: Send, status: int, data: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(data)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": data})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return
