"""What the tests of Google's dialect share: contexts, targets, streams cut anywhere, and what a round trip may change."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import orjson

from dragoman.dialects import gemini
from dragoman.dialects.codec import ReplyContext, Target
from dragoman.types.chat import ChatChunk
from dragoman.types.model_facts import ModelFacts
from tests.recordings import Recording, recordings

__all__ = [
    "BUDGET",
    "CONTEXT",
    "LEVEL",
    "VERTEX",
    "joined",
    "normal",
    "read_stream",
    "replies",
    "requests",
    "whole",
]

CONTEXT = ReplyContext(provider="gemini", model="m", vendor="google", created=1700000000, reply_id="chatcmpl-r1")
LEVEL = Target(provider="gemini", model="m", vendor="google", facts=ModelFacts(reasoning="level"))
BUDGET = Target(provider="gemini", model="m", vendor="google", facts=ModelFacts(reasoning="budget"))
VERTEX = Target(
    provider="vertex", model="m", vendor="google", facts=ModelFacts(reasoning="budget"), accent=gemini.VERTEX_AI
)


def replies(*, stream: bool, ok: bool | None = True) -> list[Any]:
    return recordings(("gemini", "generateContent"), ("vertex", "generateContent"), stream=stream, ok=ok)


def requests() -> list[Any]:
    found = recordings(("gemini", "generateContent"), ("vertex", "generateContent"), ok=None)
    return [case for case in found if case.values[0] is None or case.values[0].request_body]


def read_stream(data: bytes, cut: str = "whole", context: ReplyContext = CONTEXT) -> list[ChatChunk]:
    """The chunks of a stream that is fed whole, byte by byte, or at random splits."""
    assert gemini.CODEC.stream_reader is not None
    reader = gemini.CODEC.stream_reader(context)
    pieces = [data]
    if cut == "bytes":
        pieces = [data[at : at + 1] for at in range(len(data))]
    elif cut != "whole":
        dice = random.Random(cut)
        ends = sorted(dice.sample(range(len(data)), min(len(data), 40)))
        pieces = [data[start:end] for start, end in zip([0, *ends], [*ends, len(data)], strict=True)]
    chunks = [chunk for piece in pieces for chunk in reader.feed(piece)]
    return [*chunks, *reader.close()]


def joined(chunks: list[ChatChunk], index: int = 0) -> dict[str, Any]:
    """The message that the chunks of one choice make, with its finish reason."""
    message: dict[str, Any] = {"content": "", "reasoning_content": "", "thinking_blocks": {}, "tool_calls": {}}
    for name in ("annotations", "provider_tool_blocks", "images"):
        message[name] = []
    for chunk in chunks:
        for choice in chunk["choices"]:
            if choice["index"] != index:
                continue
            _add(message, choice["delta"])
            message["finish_reason"] = choice.get("finish_reason") or message.get("finish_reason")
            message["native"] = choice.get("native_finish_reason") or message.get("native")
    message["thinking_blocks"] = list(message["thinking_blocks"].values())
    message["tool_calls"] = list(message["tool_calls"].values())
    return message


def _add(message: dict[str, Any], delta: Any) -> None:
    for name in ("content", "reasoning_content"):
        message[name] += delta.get(name) or ""
    for name in ("annotations", "provider_tool_blocks", "images"):
        message[name].extend(delta.get(name) or ())
    for name in ("audio", "block_order"):
        if name in delta:
            message[name] = delta[name]
    for block in delta.get("thinking_blocks") or ():
        known = message["thinking_blocks"].setdefault(block["index"], {})
        text = known.get("thinking", "") + block.get("thinking", "")
        known.update({key: value for key, value in block.items() if key != "index"})
        if "thinking" in block:
            known["thinking"] = text
    for call in delta.get("tool_calls") or ():
        known = message["tool_calls"].setdefault(call["index"], {"function": {"name": "", "arguments": ""}})
        known.update({key: value for key, value in call.items() if key not in ("index", "function")})
        for key, value in call["function"].items():
            known["function"][key] += value


def whole(recording: Recording) -> list[dict[str, Any]]:
    """The JSON values of a recorded stream, cut by a way of its own."""
    body = recording.response_body
    if isinstance(body, list):
        return body
    return [json.loads(data) for data in re.findall(r"^data: (.*)$", body, re.MULTILINE)]


_OWN_DATA = frozenset(
    {"args", "response", "schema", "labels", "parameters", "parametersJsonSchema", "responseJsonSchema",
     "responseSchema"}
)  # fmt: skip


def normal(value: Any, key: str = "") -> Any:
    """A request in one spelling: see the defaults that `dialects/gemini/__init__.py` lists."""
    if isinstance(value, list):
        return [normal(item, key) for item in value]
    if not isinstance(value, dict):
        return value.translate(str.maketrans("-_", "+/")) if key in ("data", "thoughtSignature") else value
    if key in _OWN_DATA:
        return value
    result = {}
    for name, item in value.items():
        camel = re.sub(r"_([a-z])", lambda match: match[1].upper(), name)
        if item is None or (camel == "thought" and item is False) or camel == "partMetadata":
            continue
        result[camel] = normal(item, camel)
    return result


def canonical(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
