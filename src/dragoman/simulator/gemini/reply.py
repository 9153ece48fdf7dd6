"""Gemini's answers: whole, as an event stream, and as a JSON array in pieces."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from dragoman.simulator._ask import (
    Part,
    Say,
    SimulatedCall,
    SimulatedReply,
    SimulatedRequest,
    SimulatedStream,
    SimulatedUsage,
    Think,
    Whole,
    token_count,
    tokens,
)
from dragoman.simulator._signatures import sign
from dragoman.simulator.gemini.errors import body as error_body
from dragoman.simulator.gemini.rules import signed_call

__all__ = ["count", "embedded", "streamed", "usage_of", "whole"]

_FINISH = {"length": "MAX_TOKENS", "filter": "SAFETY", "refusal": "PROHIBITED_CONTENT"}


def usage_of(ask: SimulatedRequest, usage: SimulatedUsage, replies: Iterable[SimulatedReply]) -> dict[str, Any]:
    images = sum(len(turn.media) for turn in ask.turns) * 85
    details = [{"modality": "TEXT", "tokenCount": usage.prompt - images}]
    if images:
        details.append({"modality": "IMAGE", "tokenCount": images})
    thought = sum(reply.reasoning_tokens() for reply in replies)
    written = sum(reply.output_tokens() for reply in replies) - thought
    counted: dict[str, Any] = {
        "promptTokenCount": usage.prompt,
        "candidatesTokenCount": written,
        "totalTokenCount": usage.prompt + written + thought,
        "promptTokensDetails": details,
    }
    if usage.cache_read:
        counted |= {
            "cachedContentTokenCount": usage.cache_read,
            "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": usage.cache_read}],
        }
    return counted | ({"thoughtsTokenCount": thought} if thought else {})


def whole(ask: SimulatedRequest, replies: list[SimulatedReply], usage: SimulatedUsage, mark: int) -> Whole:
    candidates = []
    for index, reply in enumerate(replies):
        content: dict[str, Any] = {"role": "model"}
        parts = _parts(ask, reply)
        if parts:
            content["parts"] = parts
        candidates.append({"content": content, "finishReason": _FINISH.get(reply.finish, "STOP"), "index": index})
    return Whole({"candidates": candidates} | _tail(ask, mark, usage_of(ask, usage, replies)))


def _tail(ask: SimulatedRequest, mark: int, counted: dict[str, Any]) -> dict[str, Any]:
    return {"usageMetadata": counted, "modelVersion": ask.model, "responseId": f"{mark:016x}"}


def _thinks_aloud(ask: SimulatedRequest) -> bool:
    return bool((ask.parameters.get("thinkingConfig") or {}).get("includeThoughts"))


def _parts(ask: SimulatedRequest, reply: SimulatedReply) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    sealed = not reply.thoughts and not ask.model.startswith("gemini-3")
    for part in reply.parts:
        made = _part(ask, part)
        if made and "functionCall" in made and not sealed:
            # Only the first call of a step is signed, for all of them.
            call = made["functionCall"]
            made["thoughtSignature"] = sign("gemini", signed_call(call["name"], call["args"]))
            sealed = True
        parts += [made] if made else []
    if parts and not sealed and not reply.calls:
        parts[-1]["thoughtSignature"] = sign("gemini", f"text {reply.text}")
    return parts


def _part(ask: SimulatedRequest, part: Part) -> dict[str, Any] | None:
    if isinstance(part, SimulatedCall):
        call: dict[str, Any] = {"name": part.name, "args": part.arguments}
        if ask.model.startswith("gemini-3"):
            call["id"] = part.id[:8]
        return {"functionCall": call}
    if isinstance(part, Think):
        return {"text": part.text, "thought": True} if _thinks_aloud(ask) and not part.redacted else None
    return {"text": part.text} if part.text else None


def streamed(
    ask: SimulatedRequest, replies: list[SimulatedReply], usage: SimulatedUsage, mark: int, *, events: bool
) -> SimulatedStream:
    bodies: list[dict[str, Any]] = []
    for index, reply in enumerate(replies):
        pieces = [piece for part in _parts(ask, reply) for piece in _pieces(part)] or [{"text": ""}]
        for piece in pieces:
            bodies.append({"candidates": [{"content": {"parts": [piece], "role": "model"}, "index": index}]})
        bodies[-1]["candidates"][0]["finishReason"] = _FINISH.get(reply.finish, "STOP")
    last = usage_of(ask, usage, replies)
    early = usage_of(ask, usage, [SimulatedReply((Say("."),))])
    for body in bodies:
        body |= _tail(ask, mark, last if body is bodies[-1] else early)
    error = error_body(503, "UNAVAILABLE", "The model is overloaded. Please try again later.")
    if events:
        chunks = [b"data: " + _json(body) + b"\r\n\r\n" for body in bodies]
        return SimulatedStream(chunks, b"data: " + _json(error) + b"\r\n\r\n", b'data: {"candidates": [\r\n\r\n')
    chunks = [(b"[" if k == 0 else b",\r\n") + _json(body, indent=2) for k, body in enumerate(bodies)]
    broken = b",\r\n" + _json(error, indent=2) + b"\n]\n"
    return SimulatedStream(
        [*chunks, b"\n]\n"], broken, b',\r\n{"candidates": [,\n]', content_type="application/json; charset=UTF-8"
    )


def _json(value: Any, indent: int | None = None) -> bytes:
    separators = None if indent else (",", ": ")
    return json.dumps(value, ensure_ascii=False, indent=indent, separators=separators).encode()


def _pieces(part: dict[str, Any]) -> list[dict[str, Any]]:
    """A text in pieces of a few tokens; its signature comes behind them, in a part of its own, with an empty text."""
    if "functionCall" in part:
        return [part]
    found = tokens(part["text"])
    thought = {"thought": True} if part.get("thought") else {}
    pieces: list[dict[str, Any]] = [{"text": "".join(found[at : at + 3])} | thought for at in range(0, len(found), 3)]
    if "thoughtSignature" in part:
        pieces.append({"text": "", "thoughtSignature": part["thoughtSignature"]})
    return pieces


def count(ask: SimulatedRequest) -> Whole:
    used = ask.prompt_tokens()
    return Whole({"totalTokens": used, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": used}]})


def embedded(values: list[list[float]], texts: list[str], single: bool) -> Whole:
    counted = {"promptTokenCount": sum(max(1, token_count(text)) for text in texts)}
    if single:
        return Whole({"embedding": {"values": values[0]}, "usageMetadata": counted})
    return Whole({"embeddings": [{"values": entry} for entry in values], "usageMetadata": counted})
