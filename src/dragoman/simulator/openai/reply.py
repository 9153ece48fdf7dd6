"""Write OpenAI's answers: whole, and as a stream of chunks."""

from __future__ import annotations

import json
from typing import Any

from dragoman.simulator.exchange import (
    SimulatedCall,
    SimulatedReply,
    SimulatedRequest,
    SimulatedStream,
    SimulatedUsage,
    WholeAnswer,
    split_tokens,
    stable_number,
)
from dragoman.simulator.fields import list_in
from dragoman.simulator.openai.errors import body as error_body

__all__ = ["write_stream", "write_usage", "write_whole"]

_FINISH = {"tools": "tool_calls", "length": "length", "filter": "content_filter"}


def write_usage(usage: SimulatedUsage, replies: list[SimulatedReply], audio: int = 0) -> dict[str, Any]:
    output_tokens = sum(reply.output_tokens() for reply in replies)
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": output_tokens,
        "total_tokens": usage.prompt + output_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read, "audio_tokens": audio},
        "completion_tokens_details": {
            "reasoning_tokens": sum(reply.reasoning_tokens() for reply in replies),
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def write_whole(
    request: SimulatedRequest, replies: list[SimulatedReply], usage: SimulatedUsage, mark: int, body: Any
) -> WholeAnswer:
    choices = [
        {
            "index": index,
            "message": _message(request, reply, body),
            "logprobs": _logprobs(reply.text, body),
            "finish_reason": _finish(reply),
        }
        for index, reply in enumerate(replies)
    ]
    return WholeAnswer(
        _head(request, mark, "chat.completion") | {"choices": choices, "usage": write_usage(usage, replies)} | _TAIL
    )


_TAIL = {"service_tier": "default", "system_fingerprint": "fp_simulated"}


def _head(request: SimulatedRequest, mark: int, kind: str) -> dict[str, Any]:
    created = 1_750_000_000 + mark % 1_000_000
    return {"id": f"chatcmpl-{mark:016x}", "object": kind, "created": created, "model": request.model}


def _finish(reply: SimulatedReply) -> str:
    return _FINISH.get(reply.finish, "stop")


def _message(request: SimulatedRequest, reply: SimulatedReply, body: Any) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": _content(reply), "refusal": reply.refusal}
    if _shows_reasoning(request) and reply.thoughts:
        message["reasoning_content"] = "".join(thought.text for thought in reply.thoughts)
    if reply.calls and "functions" in body:
        message["function_call"] = _function(reply.calls[0])
    elif reply.calls:
        message["tool_calls"] = [
            {"id": f"call_{call.id}", "type": "function", "function": _function(call)} for call in reply.calls
        ]
    if "audio" in list_in(body, "modalities"):
        message |= {"content": None, "audio": _AUDIO | {"transcript": reply.text}}
    return message | {"annotations": []}


_AUDIO = {"id": "audio_simulated", "data": "UklGRg==", "expires_at": 1_760_000_000}


def _content(reply: SimulatedReply) -> str | None:
    """Return the text; null stands for an empty one beside calls or a refusal."""
    return reply.text or (None if reply.calls or reply.refusal else "")


def _shows_reasoning(request: SimulatedRequest) -> bool:
    return request.model.startswith(("sim-reasoner", "deepseek"))


def _function(call: SimulatedCall) -> dict[str, Any]:
    return {"name": call.name, "arguments": json.dumps(call.arguments, ensure_ascii=False)}


def _logprobs(text: str, body: Any) -> dict[str, Any] | None:
    if not body.get("logprobs"):
        return None
    entries = []
    for piece in split_tokens(text):
        raw = list(piece.encode())
        top = [{"token": piece, "logprob": -0.5 - k, "bytes": raw} for k in range(body.get("top_logprobs") or 0)]
        entries.append({"token": piece, "logprob": -0.5, "bytes": raw, "top_logprobs": top})
    return {"content": entries, "refusal": None}


def write_stream(
    request: SimulatedRequest, replies: list[SimulatedReply], usage: SimulatedUsage, mark: int, body: Any
) -> SimulatedStream:
    options = body.get("stream_options") or {}
    head = _head(request, mark, "chat.completion.chunk") | _TAIL
    if options.get("include_usage"):
        head["usage"] = None
    chunks: list[bytes] = []
    for index, reply in enumerate(replies):
        for delta, finish, logprobs in _deltas(request, reply, body):
            choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
            chunk = head | {"choices": [choice]}
            if options.get("include_obfuscation") is not False:
                chunk["obfuscation"] = f"{stable_number(mark, len(chunks)):x}"[: 5 + len(chunks) % 7]
            chunks.append(_event(chunk))
    if options.get("include_usage"):
        chunks.append(_event(head | {"choices": [], "usage": write_usage(usage, replies)}))
    chunks.append(b"data: [DONE]\n\n")
    broken = _event(
        error_body("The server had an error while processing your request. Sorry about that!", "server_error")
    )
    return SimulatedStream(chunks, broken, b'data: {"id":"chatcmpl-\n\n')


def _event(value: Any) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


def _deltas(
    request: SimulatedRequest, reply: SimulatedReply, body: Any
) -> list[tuple[dict[str, Any], str | None, Any]]:
    """Return (delta, finish reason, logprobs) of each chunk."""
    deltas: list[tuple[dict[str, Any], str | None, Any]] = [
        ({"role": "assistant", "content": "", "refusal": None}, None, None)
    ]
    if _shows_reasoning(request):
        deltas += [
            ({"reasoning_content": piece}, None, None)
            for thought in reply.thoughts
            for piece in split_tokens(thought.text)
        ]
    deltas += [({"content": piece}, None, _logprobs(piece, body)) for piece in split_tokens(reply.text)]
    deltas += [({"refusal": piece}, None, None) for piece in split_tokens(reply.refusal or "")]
    for index, call in enumerate(reply.calls):
        deltas += [(delta, None, None) for delta in _call_deltas(call, index, "functions" in body)]
    return [*deltas, ({}, _finish(reply), None)]


def _call_deltas(call: SimulatedCall, index: int, old: bool) -> list[dict[str, Any]]:
    function = _function(call)
    pieces = [function["arguments"][at : at + 7] for at in range(0, len(function["arguments"]), 7)]
    if old:
        first: dict[str, Any] = {"function_call": {"name": call.name, "arguments": ""}}
        return [first, *({"function_call": {"arguments": piece}} for piece in pieces)]
    start = {
        "index": index,
        "id": f"call_{call.id}",
        "type": "function",
        "function": {"name": call.name, "arguments": ""},
    }
    rest = ({"tool_calls": [{"index": index, "function": {"arguments": piece}}]} for piece in pieces)
    return [{"tool_calls": [start]}, *rest]
