"""Write Gemini's answers: whole, as an event stream, and as a JSON array in pieces."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from dragoman.simulator.exchange import (
    Part,
    SimulatedCall,
    SimulatedReply,
    SimulatedRequest,
    SimulatedStream,
    SimulatedUsage,
    TextPart,
    ThinkingPart,
    WholeAnswer,
    split_tokens,
    token_count,
)
from dragoman.simulator.gemini.errors import body as error_body
from dragoman.simulator.gemini.rules import call_content
from dragoman.simulator.signatures import sign

__all__ = ["write_count", "write_embeddings", "write_stream", "write_usage", "write_whole"]

_FINISH = {"length": "MAX_TOKENS", "filter": "SAFETY", "refusal": "PROHIBITED_CONTENT"}


def write_usage(request: SimulatedRequest, usage: SimulatedUsage, replies: Iterable[SimulatedReply]) -> dict[str, Any]:
    images = sum(len(turn.media) for turn in request.turns) * 85
    details = [{"modality": "TEXT", "tokenCount": usage.prompt - images}]
    if images:
        details.append({"modality": "IMAGE", "tokenCount": images})
    thought_tokens = sum(reply.reasoning_tokens() for reply in replies)
    answer_tokens = sum(reply.output_tokens() for reply in replies) - thought_tokens
    counted: dict[str, Any] = {
        "promptTokenCount": usage.prompt,
        "candidatesTokenCount": answer_tokens,
        "totalTokenCount": usage.prompt + answer_tokens + thought_tokens,
        "promptTokensDetails": details,
    }
    if usage.cache_read:
        counted |= {
            "cachedContentTokenCount": usage.cache_read,
            "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": usage.cache_read}],
        }
    return counted | ({"thoughtsTokenCount": thought_tokens} if thought_tokens else {})


def write_whole(
    request: SimulatedRequest, replies: list[SimulatedReply], usage: SimulatedUsage, mark: int
) -> WholeAnswer:
    candidates = []
    for index, reply in enumerate(replies):
        content: dict[str, Any] = {"role": "model"}
        parts = _parts(request, reply)
        if parts:
            content["parts"] = parts
        candidates.append({"content": content, "finishReason": _FINISH.get(reply.finish, "STOP"), "index": index})
    return WholeAnswer({"candidates": candidates} | _tail(request, mark, write_usage(request, usage, replies)))


def _tail(request: SimulatedRequest, mark: int, counted: dict[str, Any]) -> dict[str, Any]:
    return {"usageMetadata": counted, "modelVersion": request.model, "responseId": f"{mark:016x}"}


def _shows_thoughts(request: SimulatedRequest) -> bool:
    return bool((request.parameters.get("thinkingConfig") or {}).get("includeThoughts"))


def _parts(request: SimulatedRequest, reply: SimulatedReply) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    sealed = not reply.thoughts and not request.model.startswith("gemini-3")
    for part in reply.parts:
        written_part = _part(request, part)
        if written_part and "functionCall" in written_part and not sealed:
            # Only the first call of a step is signed, for all of them.
            call = written_part["functionCall"]
            written_part["thoughtSignature"] = sign("gemini", call_content(call["name"], call["args"]))
            sealed = True
        parts += [written_part] if written_part else []
    if parts and not sealed and not reply.calls:
        parts[-1]["thoughtSignature"] = sign("gemini", f"text {reply.text}")
    return parts


def _part(request: SimulatedRequest, part: Part) -> dict[str, Any] | None:
    if isinstance(part, SimulatedCall):
        call: dict[str, Any] = {"name": part.name, "args": part.arguments}
        if request.model.startswith("gemini-3"):
            call["id"] = part.id[:8]
        return {"functionCall": call}
    if isinstance(part, ThinkingPart):
        return {"text": part.text, "thought": True} if _shows_thoughts(request) and not part.redacted else None
    return {"text": part.text} if part.text else None


def write_stream(
    request: SimulatedRequest, replies: list[SimulatedReply], usage: SimulatedUsage, mark: int, *, events: bool
) -> SimulatedStream:
    bodies: list[dict[str, Any]] = []
    for index, reply in enumerate(replies):
        pieces = [piece for part in _parts(request, reply) for piece in _pieces(part)] or [{"text": ""}]
        for piece in pieces:
            bodies.append({"candidates": [{"content": {"parts": [piece], "role": "model"}, "index": index}]})
        bodies[-1]["candidates"][0]["finishReason"] = _FINISH.get(reply.finish, "STOP")
    last = write_usage(request, usage, replies)
    early = write_usage(request, usage, [SimulatedReply((TextPart("."),))])
    for body in bodies:
        body |= _tail(request, mark, last if body is bodies[-1] else early)
    error = error_body(503, "UNAVAILABLE", "The model is overloaded. Please try again later.")
    return _event_stream(bodies, error) if events else _array_stream(bodies, error)


def _event_stream(bodies: list[dict[str, Any]], error: dict[str, Any]) -> SimulatedStream:
    chunks = [b"data: " + _json(body) + b"\r\n\r\n" for body in bodies]
    return SimulatedStream(chunks, b"data: " + _json(error) + b"\r\n\r\n", b'data: {"candidates": [\r\n\r\n')


def _array_stream(bodies: list[dict[str, Any]], error: dict[str, Any]) -> SimulatedStream:
    chunks = [(b"[" if k == 0 else b",\r\n") + _json(body, indent=2) for k, body in enumerate(bodies)]
    broken = b",\r\n" + _json(error, indent=2) + b"\n]\n"
    malformed = b',\r\n{"candidates": [,\n]'
    return SimulatedStream([*chunks, b"\n]\n"], broken, malformed, content_type="application/json; charset=UTF-8")


def _json(value: Any, indent: int | None = None) -> bytes:
    separators = None if indent else (",", ": ")
    return json.dumps(value, ensure_ascii=False, indent=indent, separators=separators).encode()


def _pieces(part: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a text in pieces of a few tokens; its signature follows in a part of its own, with an empty text."""
    if "functionCall" in part:
        return [part]
    text_tokens = split_tokens(part["text"])
    thought = {"thought": True} if part.get("thought") else {}
    pieces: list[dict[str, Any]] = [
        {"text": "".join(text_tokens[at : at + 3])} | thought for at in range(0, len(text_tokens), 3)
    ]
    if "thoughtSignature" in part:
        pieces.append({"text": "", "thoughtSignature": part["thoughtSignature"]})
    return pieces


def write_count(request: SimulatedRequest) -> WholeAnswer:
    used = request.prompt_tokens()
    return WholeAnswer({"totalTokens": used, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": used}]})


def write_embeddings(values: list[list[float]], texts: list[str], single: bool) -> WholeAnswer:
    counted = {"promptTokenCount": sum(max(1, token_count(text)) for text in texts)}
    if single:
        return WholeAnswer({"embedding": {"values": values[0]}, "usageMetadata": counted})
    return WholeAnswer({"embeddings": [{"values": entry} for entry in values], "usageMetadata": counted})
