"""From each dialect to each other: what one provider sent, as a caller of another dialect sees it, judged by its SDK's types."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import orjson
import pytest

from dragoman.dialects import anthropic_messages, gemini, openai_chat
from dragoman.dialects.codec import Codec, ReplyContext, ReplyStyle, RequestHints, Target
from dragoman.dialects.framing.sse import SseReader
from dragoman.dialects.openai_chat.accents import ACCENTS
from dragoman.errors import APIError, UnsupportedParamsError
from dragoman.types.chat import ChatChunk, ChatRequest, ChatResponse, ToolCall
from tests import oracles
from tests.recordings import Recording, pairs, recordings

ChatCodec = Codec[ChatRequest, ChatResponse, ChatChunk]


@dataclass(frozen=True)
class Side:
    """A dialect with the judges of its SDK."""

    codec: ChatCodec
    vendor: str
    request: Callable[[dict[str, Any]], Any]
    response: Callable[[dict[str, Any]], Any]
    event: Callable[[dict[str, Any]], Any]


SIDES = {
    "openai": Side(openai_chat.CODEC, "openai", oracles.openai_request, oracles.openai_response, oracles.openai_chunk),
    "anthropic": Side(
        anthropic_messages.CODEC,
        "anthropic",
        oracles.anthropic_request,
        oracles.anthropic_message,
        oracles.anthropic_event,
    ),
    "gemini": Side(gemini.CODEC, "google", oracles.gemini_request, oracles.gemini_response, oracles.gemini_response),
}
ENDPOINTS = {
    "openai": [("openai", "chat"), ("azure", "chat"), ("groq", "chat"), ("mistral", "chat"), ("deepseek", "chat"),
               ("xai", "chat"), ("openrouter", "chat"), ("perplexity", "chat"), ("cerebras", "chat"), ("zai", "chat")],
    "anthropic": [("anthropic", "messages"), ("azure", "messages")],
    "gemini": [("gemini", "generateContent"), ("vertex", "generateContent")],
}  # fmt: skip
NOTE = re.compile(r"\[an image \([^)]*\) was made, which this API cannot carry\]")
WORDED_DIFFERENTLY = {
    "codeInterpreterToolParam", "parallelToolCallsDisabledParam", "promptCacheKeyParam", "stopSequencesParam",
}  # fmt: skip
"""Pairs whose recorded requests say the same in other words."""
BRIDGES = [(source, caller) for source in SIDES for caller in SIDES if source != caller]


def context(side: str, recording: Recording) -> ReplyContext:
    return ReplyContext(
        provider=recording.provider, model=recording.model or "m", vendor=SIDES[side].vendor, created=1, reply_id="r1"
    )


def cases(side: str, *, stream: bool) -> list[Any]:
    return recordings(*ENDPOINTS[side], stream=stream)


def bridge_cases(*, stream: bool) -> list[Any]:
    return [
        pytest.param(source, caller, *case.values, marks=case.marks, id=f"{source}-{caller}-{case.id}")
        for source, caller in BRIDGES
        for case in cases(source, stream=stream)
    ]


@dataclass
class Told:
    """What an answer tells, whatever its dialect."""

    text: str = ""
    reasoning: str = ""
    calls: tuple[tuple[str, str], ...] = ()
    """(name, arguments as canonical JSON)."""


def canonical(arguments: str) -> str:
    try:
        return orjson.dumps(orjson.loads(arguments or "{}"), option=orjson.OPT_SORT_KEYS).decode()
    except orjson.JSONDecodeError:
        return arguments


def told_by_hub(response: ChatResponse) -> Told:
    message = response["choices"][0]["message"]
    calls = tuple(named(call) for call in message.get("tool_calls") or [])
    transcript = (message.get("audio") or {}).get("transcript")
    content = message.get("content") or message.get("refusal") or transcript or ""
    assert isinstance(content, str)
    return Told(content, message.get("reasoning_content") or "", calls)


def named(call: ToolCall) -> tuple[str, str]:
    """Anthropic and Gemini take an object: a custom tool's text is its `input`."""
    if "custom" in call:
        return call["custom"]["name"], canonical(orjson.dumps({"input": call["custom"]["input"]}).decode())
    return call["function"]["name"], canonical(call["function"]["arguments"])


def same(found: Told, expected: Told) -> bool:
    """`found` may say more than `expected`: that an image was made which its dialect cannot carry; arguments that are no
    JSON stand inside an object."""
    text = NOTE.sub("", found.text)
    calls = len(found.calls) == len(expected.calls) and all(
        ours == theirs or (ours[0] == theirs[0] and theirs[1] in "".join(orjson.loads(ours[1]).values()))
        for ours, theirs in zip(found.calls, expected.calls, strict=True)
    )
    return calls and (text, found.reasoning) == (expected.text, expected.reasoning)


def told_by_openai(body: dict[str, Any]) -> Told:
    return told_by_hub(body)  # type: ignore[arg-type]


def told_by_anthropic(body: dict[str, Any]) -> Told:
    message = oracles.anthropic_message(body)
    told = Told()
    for block in message.content:
        if block.type == "text":
            told.text += block.text
        elif block.type == "thinking":
            told.reasoning += block.thinking
        elif block.type == "tool_use":
            told.calls += ((block.name, orjson.dumps(block.input, option=orjson.OPT_SORT_KEYS).decode()),)
    return told


def told_by_gemini(body: dict[str, Any]) -> Told:
    candidates = oracles.gemini_response(body).candidates or []
    candidate = next((candidate for candidate in candidates if not candidate.index), None)
    told = Told()
    if candidate is None:
        return told
    for part in (candidate.content.parts if candidate.content else None) or []:
        if part.function_call is not None:
            arguments = orjson.dumps(part.function_call.args or {}, option=orjson.OPT_SORT_KEYS).decode()
            told.calls += ((part.function_call.name or "", arguments),)
        elif part.thought:
            told.reasoning += part.text or ""
        else:
            told.text += part.text or ""
    return told


TOLD_BY = {"openai": told_by_openai, "anthropic": told_by_anthropic, "gemini": told_by_gemini}


@pytest.mark.parametrize(("source", "caller", "recording"), bridge_cases(stream=False))
def test_an_answer_says_the_same_to_callers_of_other_dialects(source: str, caller: str, recording: Recording) -> None:
    try:
        response = SIDES[source].codec.read_response(recording.response_body, context(source, recording))
    except APIError as error:
        assert error.message  # a 200 that says no: it is an error to every caller
        return
    if not response["choices"]:
        return
    body = SIDES[caller].codec.write_response(response, ReplyStyle(model="alias", vendor=SIDES[caller].vendor))
    SIDES[caller].response(body)
    found, expected = TOLD_BY[caller](body), told_by_hub(response)
    assert same(found, expected), (found, expected)


def stream_of(side: Side, recording: Recording) -> list[ChatChunk] | APIError:
    assert side.codec.stream_reader is not None
    name = next(name for name, known in SIDES.items() if known is side)
    reader = side.codec.stream_reader(context(name, recording))
    try:
        return [*reader.feed(recording.response_bytes), *reader.close()]
    except APIError as error:
        return error


def told_by_chunks(chunks: list[ChatChunk]) -> Told:
    told, calls = Told(), dict[int, list[str]]()
    for chunk in chunks:
        for choice in chunk["choices"]:
            if choice.get("index", 0) != 0:
                continue
            delta = choice["delta"]
            content = delta.get("content") or delta.get("refusal") or ""
            assert isinstance(content, str)
            told.text += content
            told.reasoning += delta.get("reasoning_content") or ""
            for call in delta.get("tool_calls") or []:
                name, arguments = calls.setdefault(call["index"], ["", ""])
                function = call.get("function") or {}
                calls[call["index"]] = [
                    name + (function.get("name") or ""),
                    arguments + (function.get("arguments") or ""),
                ]
    told.calls = tuple((name, canonical(arguments)) for name, arguments in calls.values())
    return told


def told_by_anthropic_events(events: list[dict[str, Any]]) -> Told:
    blocks: dict[int, dict[str, Any]] = {}
    for event in events:
        if event["type"] == "content_block_start":
            blocks[event["index"]] = {**event["content_block"], "json": ""}
        elif event["type"] == "content_block_delta":
            delta, block = event["delta"], blocks[event["index"]]
            for key in ("text", "thinking"):
                if key in delta:
                    block[key] += delta[key]
            block["json"] += delta.get("partial_json", "")
    return Told(
        "".join(block["text"] for block in blocks.values() if block["type"] == "text"),
        "".join(block["thinking"] for block in blocks.values() if block["type"] == "thinking"),
        tuple((block["name"], canonical(block["json"])) for block in blocks.values() if block["type"] == "tool_use"),
    )


def told_by_frames(caller: str, frames: list[dict[str, Any]]) -> Told:
    if caller == "anthropic":
        return told_by_anthropic_events(frames)
    if caller == "openai":
        return told_by_chunks(frames)  # type: ignore[arg-type]
    told = Told()
    for frame in frames:
        if frame.get("candidates"):
            piece = told_by_gemini(frame)
            told = Told(told.text + piece.text, told.reasoning + piece.reasoning, told.calls + piece.calls)
    return told


@pytest.mark.parametrize(("source", "caller", "recording"), bridge_cases(stream=True))
def test_a_stream_says_the_same_to_callers_of_other_dialects(source: str, caller: str, recording: Recording) -> None:
    chunks = stream_of(SIDES[source], recording)
    if isinstance(chunks, APIError):
        assert chunks.message
        return
    side = SIDES[caller]
    assert side.codec.stream_writer is not None
    writer = side.codec.stream_writer(ReplyStyle(model="alias", include_usage=True, vendor=side.vendor))
    sent = b"".join(writer.write(chunk) for chunk in chunks) + writer.close()
    events = [event.data for event in SseReader().feed(sent)]
    frames = [orjson.loads(data) for data in events if data != b"[DONE]"]
    for frame in frames:
        side.event(frame)
    found, expected = told_by_frames(caller, frames), told_by_chunks(chunks)
    assert same(found, expected), (found, expected)


def request_cases() -> list[Any]:
    return [
        pytest.param(source, target, *case.values, marks=case.marks, id=f"{source}-{target}-{case.id}")
        for source, target in BRIDGES
        for case in recordings(*ENDPOINTS[source])
        if case.values[0] is None or case.values[0].request_body
    ]


def read_request(side: str, body: dict[str, Any], model: str, *, stream: bool) -> ChatRequest:
    return SIDES[side].codec.read_request(body, RequestHints(model=model or "m", stream=stream))


@pytest.mark.parametrize(("source", "target", "recording"), request_cases())
def test_a_request_is_what_the_other_provider_takes(source: str, target: str, recording: Recording) -> None:
    try:
        request = read_request(source, recording.request_body, recording.model, stream=recording.stream)
    except APIError as error:
        assert (
            error.param
        )  # a recorded request that its own provider refused too, or that lacks what its dialect demands
        return
    side = SIDES[target]
    accent = ACCENTS["openai"] if target == "openai" else None
    aim = Target(provider=target, model="m", vendor=side.vendor, stream=recording.stream, accent=accent)
    try:
        wire = side.codec.write_request(request, replace(aim, drop_params=True))
    except APIError as error:
        assert error.status_code == 400
        assert error.param
        return
    side.request(wire.body)
    if wire.dropped:
        try:
            side.codec.write_request(request, aim)
        except UnsupportedParamsError as error:
            assert error.param in wire.dropped


NAMES = {"chat-completions": "openai", "anthropic": "anthropic", "google": "gemini"}


@pytest.mark.parametrize("pair", pairs())
def test_one_conversation_has_the_same_text_in_every_dialect(pair: dict[str, Any]) -> None:
    texts = {}
    for name, side in NAMES.items():
        recorded = pair["dialects"].get(name) or {}
        body = recorded.get("request")
        if not body:
            continue
        model = str(body.get("model") or "m")
        request = read_request(side, {key: value for key, value in body.items() if side != "gemini" or key != "model"},
                               model, stream=False)  # fmt: skip
        texts[name] = [text for message in request["messages"] if (text := _text(message.get("content")))]
    assert texts or not set(NAMES) & set(pair["dialects"])
    if pair["case"] in WORDED_DIFFERENTLY:
        return
    assert len({orjson.dumps(sorted(value)) for value in texts.values()}) <= 1


def _text(content: object) -> str:
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content)
    return content if isinstance(content, str) else ""
