"""One cell of the matrix: real upstreams, a router, one call, and all that it showed."""

from __future__ import annotations

import contextlib
from typing import Any, NamedTuple

import orjson

from dragoman.dialects import anthropic_messages, gemini, openai_chat
from dragoman.dialects.codec import Codec, ReplyStyle, RequestHints
from dragoman.errors import APIError
from dragoman.observe import (
    AttemptEnded,
    CallFailed,
    CallSucceeded,
    CircuitClosed,
    CircuitOpened,
    Event,
    FallbackStarted,
)
from dragoman.providers import Providers
from dragoman.routing import (
    Answer,
    Attempt,
    Call,
    CallOptions,
    CallRouter,
    Deployment,
    RouterSettings,
    Source,
    StreamAnswer,
)
from dragoman.types.operations import CHAT
from tests.routing.faults._table import Way
from tests.routing.upstream import Stillness
from tests.upstreams.faulty import SAID, FaultyUpstream, faulty, well

__all__ = ["DIALECTS", "Shown", "delivered", "play"]

DIALECTS: dict[str, Codec[Any, Any, Any]] = {
    "openai": openai_chat.CODEC,
    "anthropic": anthropic_messages.CODEC,
    "gemini": gemini.CODEC,
}
_OTHER = {"openai": "anthropic", "anthropic": "gemini", "gemini": "openai"}
_BODIES: dict[str, dict[str, Any]] = {
    "openai": {"model": "smart", "messages": [{"role": "user", "content": "Hello"}]},
    "anthropic": {"model": "smart", "max_tokens": 64, "messages": [{"role": "user", "content": "Hello"}]},
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]},
}
_SHORT = {
    "slow headers": {"timeout": 0.5},
    "slow first content": {"idle_timeout": 0.5},
    "stall": {"idle_timeout": 0.5},
}
"""Limits only where they are to run out."""
_SHORT_STREAM = {"slow headers": {"stream_timeout": 0.5}, "slow first content": {"stream_timeout": 0.5}}


class Shown(NamedTuple):
    attempts: list[tuple[str, str | None]]
    seen: dict[str, int]
    events: list[str]
    error: APIError | None
    answered: str
    """What the caller got, as bytes or chunks in one string."""
    told_with: tuple[Attempt, ...]
    """The attempts in the answer, or in its error."""
    slept: list[float]


async def play(fault: str, dialect: str, way: Way, *, stream: bool, relayed: bool) -> Shown:
    """`relayed`: the caller's own body passes through; else it is written anew from the hub's."""
    heard: list[Event] = []
    still = Stillness(frozen=True)
    async with contextlib.AsyncExitStack() as stack:
        upstreams: dict[str, FaultyUpstream] = {}
        for number, is_faulty in enumerate(way.own):
            one = faulty(fault, dialect, times=1 if way.once else None) if is_faulty else well(dialect)
            upstreams[f"smart:{number}"] = await stack.enter_async_context(one)
        if way.backup:
            upstreams["backup:0"] = await stack.enter_async_context(well(_OTHER[dialect]))
        limits = (_SHORT_STREAM if stream else _SHORT).get(fault, _SHORT.get(fault, {}))
        router = CallRouter(
            [_deployment(name, upstream, limits if name != "backup:0" else {}) for name, upstream in upstreams.items()],
            settings=RouterSettings(num_retries=way.retries, fallbacks={"smart": ("backup",)} if way.backup else {}),
            clock=still.clock,
            listeners=(heard.append,),
        )
        stack.push_async_callback(router.aclose)
        told_with, error, text = await _called(router, _call(dialect, stream=stream, relayed=relayed))
        seen = {name: upstream.asked for name, upstream in upstreams.items()}
    attempts = [(event.attempt.deployment, event.attempt.error) for event in heard if isinstance(event, AttemptEnded)]
    return Shown(attempts, seen, [_said(event) for event in heard], error, text, told_with, still.slept)


def _deployment(name: str, upstream: FaultyUpstream, limits: dict[str, float]) -> Deployment:
    alias, _, number = name.partition(":")
    record = Providers().find(upstream.dialect)
    options = CallOptions(api_base=upstream.base, api_key=f"sk-{name}", **limits)  # type: ignore[arg-type]
    return Deployment(id=name, alias=alias, provider=record, model="sim", options=options, order=int(number))


def _call(dialect: str, *, stream: bool, relayed: bool) -> Call:
    if not relayed:
        return Call(operation=CHAT, model="smart", request=dict(_BODIES["openai"]), stream=stream)
    codec, body = DIALECTS[dialect], dict(_BODIES[dialect])
    if stream and dialect != "gemini":
        body["stream"] = True
    return Call(
        operation=CHAT,
        model="smart",
        request=codec.read_request(body, RequestHints(model="smart", stream=stream)),
        stream=stream,
        source=Source(codec.dialect, body, orjson.dumps(body)),
        reply_style=ReplyStyle(model="smart"),
    )


async def _called(router: CallRouter, call: Call) -> tuple[tuple[Attempt, ...], APIError | None, str]:
    pieces: list[Any] = []
    try:
        answer = await router.answer(call)
        if isinstance(answer, StreamAnswer):
            async for batch in answer.batches:
                pieces += batch
    except APIError as error:
        return error.attempts, error, _text(pieces)
    return answer.attempts, None, _text([answer.native or answer.response] if isinstance(answer, Answer) else pieces)


def _text(pieces: list[Any]) -> str:
    return "".join(piece.decode() if isinstance(piece, bytes) else orjson.dumps(piece).decode() for piece in pieces)


def _said(event: Event) -> str:
    match event:
        case AttemptEnded():
            return f"AttemptEnded {event.attempt.deployment} {event.attempt.error}"
        case CircuitOpened() | CircuitClosed():
            return f"{type(event).__name__} {event.key.partition(':')[0] if 'credential' in event.key else event.key}"
        case FallbackStarted():
            return f"FallbackStarted {event.fallback} {event.error}"
        case CallFailed():
            return f"CallFailed {event.record.error}"
        case CallSucceeded():
            return "CallSucceeded"
        case _:
            return type(event).__name__


def delivered(fault: str) -> str:
    """A mark of what a stream says before it fails."""
    return '"f"' if "tool" in fault else SAID
