"""Anthropic as a provider."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from dragoman.simulator.anthropic.errors import bad_request, body, fault
from dragoman.simulator.anthropic.reply import write_stream, write_whole
from dragoman.simulator.anthropic.request import read_count, read_messages
from dragoman.simulator.anthropic.rules import cache_marks
from dragoman.simulator.compose import compose
from dragoman.simulator.exchange import (
    Answer,
    SimulatedError,
    SimulatedRequest,
    SimulatedUsage,
    WholeAnswer,
    stable_number,
)
from dragoman.simulator.provider import IncomingCall

__all__ = ["Anthropic"]

_MODELS = ["claude-sonnet-5-5", "claude-haiku-5-5", "claude-opus-5-5", "sim"]


class Anthropic:
    name = "anthropic"

    def check_key(self, headers: Mapping[str, str], query: Mapping[str, str]) -> None:
        key = headers.get("x-api-key", "")
        token = headers.get("authorization", "").removeprefix("Bearer ")
        if not key and not token:
            raise SimulatedError(401, body("authentication_error", "x-api-key header is required"))
        if "sim-bad-key" in (key, token):
            raise fault("401")
        if "anthropic-version" not in headers:
            raise bad_request("anthropic-version: header is required")

    def is_stream(self, operation: str, body: Any) -> bool:
        return isinstance(body, dict) and body.get("stream") is True

    def bad_json(self) -> SimulatedError:
        return bad_request("The request body is not valid JSON: expected value: line 1 column 1 (char 0)")

    def fault(self, name: str, retry_after: str, incoming_model: str, key: str) -> SimulatedError:
        return fault(name, retry_after, model=incoming_model)

    def answer(self, incoming: IncomingCall) -> Answer:
        if incoming.operation == "models":
            return _models()
        if not isinstance(incoming.body, dict):
            raise bad_request("Input should be a valid dictionary or object to extract fields from")
        if incoming.operation == "count":
            return WholeAnswer(
                {"input_tokens": read_count(incoming.body, incoming.model, incoming.faults).prompt_tokens()}
            )
        request = read_messages(incoming.body, incoming.model, incoming.faults)
        usage = _usage(request, incoming)
        reply = compose(request, incoming.seed)
        write = write_stream if incoming.body.get("stream") else write_whole
        return write(request, reply, usage, incoming.number)


def _models() -> WholeAnswer:
    data = [
        {"type": "model", "id": name, "display_name": name.title(), "created_at": "2025-06-15T00:00:00Z"}
        for name in _MODELS
    ]
    return WholeAnswer({"data": data, "has_more": False, "first_id": _MODELS[0], "last_id": _MODELS[-1]})


def _usage(request: SimulatedRequest, incoming: IncomingCall) -> SimulatedUsage:
    """Return the usage: the prompt up to a cache mark is written to the cache the first time, and read from then on."""
    used, limit = request.prompt_tokens(), incoming.faults.context or 200_000
    if used > limit:
        raise fault("context", used=used, limit=limit)
    cache_controls = list(cache_marks(incoming.body))
    if not cache_controls:
        return SimulatedUsage(used)
    fresh = max(1, used // 10)
    settled = [incoming.body.get(name) for name in ("system", "tools")] + [incoming.body["messages"][:1]]
    prefix = str(stable_number(request.model, json.dumps(settled, sort_keys=True)))
    if prefix in incoming.cached:
        return SimulatedUsage(fresh, used - fresh)
    incoming.cached.add(prefix)
    if any(mark.get("ttl") == "1h" for mark in cache_controls):
        return SimulatedUsage(fresh, 0, 0, used - fresh)
    return SimulatedUsage(fresh, 0, used - fresh)
