"""Write Anthropic's answers: whole and as a stream of events."""

from __future__ import annotations

import json
from typing import Any

from dragoman.simulator.anthropic.errors import body as error_body
from dragoman.simulator.exchange import (
    Part,
    SimulatedCall,
    SimulatedReply,
    SimulatedRequest,
    SimulatedStream,
    SimulatedUsage,
    ThinkingPart,
    WholeAnswer,
    split_tokens,
)
from dragoman.simulator.signatures import sign

__all__ = ["write_stream", "write_usage", "write_whole"]

_STOP = {"stop": "end_turn", "length": "max_tokens", "tools": "tool_use", "stop_sequence": "stop_sequence"}


def write_usage(usage: SimulatedUsage, output_tokens: int) -> dict[str, Any]:
    return {
        "input_tokens": usage.fresh,
        "cache_creation_input_tokens": usage.cache_write_5m + usage.cache_write_1h,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write_5m,
            "ephemeral_1h_input_tokens": usage.cache_write_1h,
        },
        "output_tokens": output_tokens,
        "service_tier": "standard",
        "inference_geo": "not_available",
    }


def write_whole(request: SimulatedRequest, reply: SimulatedReply, usage: SimulatedUsage, mark: int) -> WholeAnswer:
    omitted = _omitted(request)
    counted = write_usage(usage, reply.output_tokens())
    counted["output_tokens_details"] = {"thinking_tokens": reply.reasoning_tokens()}
    body = _head(request, mark) | _stop(reply) | {"content": _content(reply, omitted), "usage": counted}
    return WholeAnswer(body)


def _omitted(request: SimulatedRequest) -> bool:
    return (request.parameters.get("thinking") or {}).get("display") == "omitted"


def _head(request: SimulatedRequest, mark: int) -> dict[str, Any]:
    return {"model": request.model, "id": f"msg_01{mark:020x}", "type": "message", "role": "assistant"}


def _stop(reply: SimulatedReply) -> dict[str, Any]:
    reason = _STOP.get(reply.finish, "refusal")
    details = None
    if reason == "refusal":
        details = {"type": "refusal", "category": None, "explanation": reply.refusal}
    return {"stop_reason": reason, "stop_sequence": reply.stop_sequence, "stop_details": details}


def _content(reply: SimulatedReply, omitted: bool) -> list[dict[str, Any]]:
    blocks = [_block(part, omitted) for part in reply.parts]
    return [block for block in blocks if block.get("text") != ""]


def _block(part: Part, omitted: bool) -> dict[str, Any]:
    if isinstance(part, SimulatedCall):
        return {"type": "tool_use", "id": f"toolu_01{part.id}", "name": part.name, "input": part.arguments}
    if not isinstance(part, ThinkingPart):
        return {"type": "text", "text": part.text}
    if part.redacted:
        return {"type": "redacted_thinking", "data": sign("anthropic-redacted", part.text)}
    return {"type": "thinking", "thinking": "" if omitted else part.text, "signature": sign("anthropic", part.text)}


def write_stream(request: SimulatedRequest, reply: SimulatedReply, usage: SimulatedUsage, mark: int) -> SimulatedStream:
    start = _head(request, mark) | {"content": [], "stop_reason": None, "stop_sequence": None, "stop_details": None}
    chunks = [_event("message_start", {"message": start | {"usage": write_usage(usage, 1)}})]
    for index, block in enumerate(_content(reply, _omitted(request))):
        chunks += _block_events(block, index)
        if index == 0:
            chunks.insert(2, b'event: ping\ndata: {"type": "ping"}\n\n')
    final = write_usage(usage, reply.output_tokens())
    for name in ("cache_creation", "service_tier", "inference_geo"):
        del final[name]
    final["output_tokens_details"] = {"thinking_tokens": reply.reasoning_tokens()}
    chunks.append(_event("message_delta", {"delta": _stop(reply), "usage": final}))
    chunks.append(_event("message_stop", {}))
    error = error_body("overloaded_error", "Overloaded")
    broken = f"event: error\ndata: {json.dumps(error)}\n\n".encode()
    return SimulatedStream(chunks, broken, b'event: content_block_delta\ndata: {"type":"content_block_delta",\n\n')


def _event(kind: str, fields: dict[str, Any]) -> bytes:
    data = json.dumps({"type": kind} | fields, ensure_ascii=False, separators=(",", ":"))
    # Anthropic pads its events with spaces.
    return f"event: {kind}\ndata: {data}{' ' * (len(data) % 7)}\n\n".encode()


def _block_events(block: dict[str, Any], index: int) -> list[bytes]:
    opening, deltas = _STREAMED[block["type"]](block)
    events = [_event("content_block_start", {"index": index, "content_block": opening})]
    events += [_event("content_block_delta", {"index": index, "delta": delta}) for delta in deltas]
    return [*events, _event("content_block_stop", {"index": index})]


def _text_deltas(block: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    return {"type": "text", "text": ""}, [
        {"type": "text_delta", "text": piece} for piece in split_tokens(block["text"])
    ]


def _thinking_deltas(block: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    deltas = [{"type": "thinking_delta", "thinking": piece} for piece in split_tokens(block["thinking"])]
    opening = {"type": "thinking", "thinking": "", "signature": ""}
    return opening, [*deltas, {"type": "signature_delta", "signature": block["signature"]}]


def _tool_deltas(block: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    arguments = json.dumps(block["input"], ensure_ascii=False) if block["input"] else ""
    pieces = ["", *(arguments[at : at + 9] for at in range(0, len(arguments), 9))]
    return block | {"input": {}}, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]


_STREAMED = {
    "text": _text_deltas,
    "thinking": _thinking_deltas,
    "redacted_thinking": lambda block: (block, []),
    "tool_use": _tool_deltas,
}
