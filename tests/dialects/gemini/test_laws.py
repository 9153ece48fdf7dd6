"""Laws: what is written is read as it was, no bytes crash a reader, and twenty turns lose no signature."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.dialects import gemini
from dragoman.dialects.codec import ErrorReply, ReplyStyle, RequestHints
from dragoman.errors import APIError
from tests.dialects.gemini.exchange import CONTEXT, LEVEL, joined, read_stream

TEXT = st.text(min_size=1, max_size=12).filter(lambda text: text.strip() != "")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
ARGS = st.dictionaries(st.text(min_size=1, max_size=5), JSON, max_size=3)
SIGNATURE = st.binary(min_size=1, max_size=12).map(lambda raw: b64encode(raw).decode())
NAME = st.sampled_from(["f", "get_weather", "a-b"])
IMAGE = st.fixed_dictionaries({"mimeType": st.just("image/png"), "data": st.just("AAAA")})


def signed(part: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(part, st.none() | SIGNATURE).map(
        lambda pair: pair[0] if pair[1] is None else {**pair[0], "thoughtSignature": pair[1]}
    )


_CALL = ("name", "args", "id")


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value


MODEL_PART = st.one_of(
    signed(st.fixed_dictionaries({"text": TEXT})),
    signed(st.fixed_dictionaries({"text": TEXT, "thought": st.just(True)})),
    signed(st.fixed_dictionaries({"inlineData": IMAGE})),
    signed(st.fixed_dictionaries({"executableCode": st.fixed_dictionaries({"language": st.just("PYTHON"), "code": TEXT})})),
    signed(st.tuples(NAME, ARGS, st.uuids()).map(lambda call: {"functionCall": dict(zip(_CALL, map(_plain, call), strict=True))})),
)  # fmt: skip
KINDS = ["application/pdf", "video/mp4", "audio/wav", "image/gif"]
USER_PART = st.one_of(
    st.fixed_dictionaries({"text": TEXT}),
    st.fixed_dictionaries({"inlineData": IMAGE}),
    st.sampled_from(KINDS).map(lambda kind: {"fileData": {"fileUri": "gs://b/c", "mimeType": kind}}),
)  # fmt: skip


def merged(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The listed defaults: neighbouring unsigned texts are one, and so is a thought that is continued."""
    found: list[dict[str, Any]] = []
    for part in parts:
        last = found[-1] if found else {}
        text = last.keys() == {"text"} == part.keys()
        thought = last.keys() == {"text", "thought"} and {"text", "thought"} <= part.keys()
        if text or thought:
            found[-1] = {**part, "text": last["text"] + part["text"]}
        else:
            found.append(part)
    return found


@given(st.lists(MODEL_PART, min_size=1, max_size=6), st.lists(USER_PART, min_size=1, max_size=3))
def test_contents_come_back(model: list[dict[str, Any]], user: list[dict[str, Any]]) -> None:
    asked = {"contents": [{"role": "user", "parts": user}, {"role": "model", "parts": model}]}
    request = gemini.CODEC.read_request(asked, RequestHints(model="m"))
    written = gemini.CODEC.write_request(request, LEVEL).body["contents"]
    assert written[0]["parts"] == user
    expected = merged(model)
    calls = [part for part in expected if "functionCall" in part]
    if calls:
        calls[0].setdefault("thoughtSignature", "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=")
    assert written[1]["parts"] == expected


@given(st.lists(MODEL_PART, min_size=1, max_size=6), st.lists(st.integers(1, 5), max_size=5))
def test_a_reply_and_its_stream_say_the_same(model: list[dict[str, Any]], sizes: list[int]) -> None:
    """However the parts are spread over the chunks."""
    body = {"candidates": [{"content": {"role": "model", "parts": model}, "finishReason": "STOP"}]}
    response = gemini.CODEC.read_response(body, CONTEXT)
    message = response["choices"][0]["message"]
    events, rest = b"", model
    for size in [*sizes, len(model)]:
        candidate: dict[str, Any] = {"content": {"role": "model", "parts": rest[:size]}}
        rest = rest[size:]
        if size == len(model) and not rest:
            candidate["finishReason"] = "STOP"
        events += b"data: " + orjson.dumps({"candidates": [candidate]}) + b"\n\n"
        if "finishReason" in candidate:
            break
    streamed = joined(read_stream(events + b'data: {"candidates":[{"finishReason":"STOP"}]}\n\n'))
    assert streamed["content"] == (message.get("content") or "")
    assert streamed["thinking_blocks"] == (message.get("thinking_blocks") or [])
    assert streamed["tool_calls"] == (message.get("tool_calls") or [])
    assert streamed.get("block_order") == message.get("block_order")
    assert streamed["finish_reason"] == response["choices"][0]["finish_reason"]
    written = gemini.CODEC.write_response(response, ReplyStyle("m", vendor="google"))
    assert written["candidates"][0]["content"]["parts"] == merged(model)


def survives(read: Any) -> None:
    try:
        read()
    except APIError as error:
        assert error.message


FIELDS = st.sampled_from(
    ["contents", "parts", "role", "text", "functionCall", "function_response", "name", "args", "response", "inlineData",
     "fileData", "mimeType", "data", "tools", "functionDeclarations", "toolConfig", "functionCallingConfig", "mode",
     "generationConfig", "thinkingConfig", "thoughtSignature", "thought", "systemInstruction", "safetySettings", "candidates",
     "content", "usageMetadata", "promptTokenCount", "finishReason", "groundingMetadata", "groundingSupports", "partialArgs",
     "promptFeedback", "error", "details", "requests", "embeddings", "values", "logprobsResult", "chosenCandidates", "willContinue"]
)  # fmt: skip
WORDS = ["model", "user", "a", "ANY", "STOP"]
ODD = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.floats(allow_nan=False) | st.sampled_from(["model", "user",
     "a", "ANY", "STOP"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=4),
    max_leaves=14,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(ODD, st.dictionaries(FIELDS, ODD, max_size=5))
def test_no_json_crashes_a_reader(value: Any, body: dict[str, Any]) -> None:
    hints = RequestHints(model="m")
    for codec in (gemini.CODEC, gemini.BATCH_EMBED_CONTENTS, gemini.EMBED_CONTENT, gemini.COUNT_TOKENS):
        some: Any = codec
        survives(lambda read=some.read_request: read(body, hints))
        survives(lambda read=some.read_request: read({"contents": value, "requests": value, "content": value}, hints))
        survives(lambda read=some.read_response: read(value, CONTEXT))
        survives(lambda read=some.read_response: read(body, CONTEXT))
    survives(lambda: gemini.CODEC.read_response({"candidates": [body]}, CONTEXT))
    survives(lambda: gemini.CODEC.read_response({"candidates": [{"content": {"parts": [body]}}]}, CONTEXT))
    survives(lambda: read_stream(b"data: " + orjson.dumps({"candidates": [body], "usageMetadata": body}) + b"\n\n"))
    assert gemini.CODEC.read_usage is not None
    gemini.CODEC.read_usage(body)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200), st.integers(200, 599), ODD)
def test_no_bytes_crash_a_reader(data: bytes, status: int, value: Any) -> None:
    survives(lambda: read_stream(data))
    survives(lambda: read_stream(b"data: " + data + b"\n\n"))
    survives(lambda: read_stream(b"[" + data + b"]"))
    survives(lambda: read_stream(b"data: " + orjson.dumps(value) + b"\n\n"))
    for body in (data, orjson.dumps(value), orjson.dumps({"error": value})):
        assert isinstance(gemini.CODEC.read_error(ErrorReply("gemini", "m", status, {}, body)), APIError)


HUB_FIELDS = st.sampled_from(
    ["messages", "role", "content", "type", "text", "image_url", "url", "file", "file_data", "input_audio", "video_url",
     "tool_calls", "function", "name", "arguments", "tool_call_id", "thinking_blocks", "block_order", "images", "audio",
     "refusal", "tools",
     "parameters", "tool_choice", "allowed_tools", "response_format", "json_schema", "schema", "thinking", "budget_tokens", "stop",
     "reasoning_effort", "modalities", "metadata", "vendor_params", "google", "function_call", "functions", "web_search_options",
     "provider_tool_blocks", "block", "extra_content", "provider_specific_fields", "definition", "detail", "cache_control",
     "vendor"]
)  # fmt: skip
HUB_WORDS = ["user", "assistant", "tool", "system", "text", "function", "image_url", "auto", "json_schema", "google", "enabled",
             "low", "file", "video_url", "input_audio", "thinking", "signature", "text:2", "tool_call", "a", "{}"]  # fmt: skip
ODD_HUB = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(HUB_WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(HUB_FIELDS, inner, max_size=4),
    max_leaves=14,
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.dictionaries(HUB_FIELDS, ODD_HUB, max_size=5), max_size=3),
    st.dictionaries(HUB_FIELDS, ODD_HUB, max_size=5),
)
def test_no_request_crashes_the_writer(messages: list[dict[str, Any]], request: dict[str, Any]) -> None:
    for role in ("user", "assistant", "tool"):
        told = [{"role": role, **message} for message in messages]
        whole: Any = {"model": "m", **request, "messages": told}
        survives(lambda whole=whole: gemini.CODEC.write_request(whole, replace(LEVEL, drop_params=True)))


def test_twenty_turns_of_tools_lose_no_signature() -> None:
    """Google's replies, streamed and whole in turn, are sent back as they came: parts, order and bytes."""
    messages: list[Any] = [{"role": "user", "content": "go"}]
    expected: list[Any] = [{"role": "user", "parts": [{"text": "go"}]}]
    for turn in range(20):
        mark = b64encode(f"signature {turn} +/".encode()).decode()
        calls = [
            {"functionCall": {"name": "f", "args": {"turn": turn}, "id": f"g{turn}a"}, "thoughtSignature": mark},
            {"functionCall": {"name": "g", "args": {}, "id": f"g{turn}b"}},
        ]
        reply: list[Any] = [{"text": f"thinking {turn}", "thought": True}, {"text": f"text {turn}"}, *calls]
        if turn % 3 == 0:
            reply = [
                calls[0],
                {"text": "between", "thoughtSignature": mark},
                calls[1],
                {"text": "", "thoughtSignature": mark},
            ]
        messages += [
            heard(reply, streamed=turn % 2 == 0),
            result(f"g{turn}a", "one"),
            result(f"g{turn}b", '{"two": 2}'),
        ]
        answers = [("f", "a", {"result": "one"}), ("g", "b", {"two": 2})]
        responses = [
            {"functionResponse": {"name": name, "response": response, "id": f"g{turn}{which}"}}
            for name, which, response in answers
        ]
        expected += [{"role": "model", "parts": reply}, {"role": "user", "parts": responses}]
    wire = gemini.CODEC.write_request({"model": "m", "messages": messages}, LEVEL)
    assert wire.body["contents"] == expected
    caller = gemini.CODEC.read_request({"contents": wire.body["contents"]}, RequestHints(model="m"))
    assert gemini.CODEC.write_request(caller, LEVEL).body["contents"] == expected


def heard(parts: list[Any], *, streamed: bool) -> dict[str, Any]:
    """The message that a client of OpenAI's dialect keeps."""
    if not streamed:
        body = {"candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}]}
        message: Any = gemini.CODEC.read_response(body, CONTEXT)["choices"][0]["message"]
        return message  # type: ignore[no-any-return]
    events = [orjson.dumps({"candidates": [{"content": {"parts": [part]}}]}) for part in parts]
    events.append(b'{"candidates":[{"finishReason":"STOP"}]}')
    found = joined(read_stream(b"".join(b"data: " + event + b"\n\n" for event in events), "bytes"))
    kept = ("content", "tool_calls", "thinking_blocks", "block_order", "reasoning_content")
    return {"role": "assistant", **{key: found[key] for key in kept if found.get(key)}}


def result(call_id: str, content: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": content}
