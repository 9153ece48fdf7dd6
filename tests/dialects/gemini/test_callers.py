"""What Google's clients get from other vendors: whole replies, streams in both framings, relays, and sealed signatures."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import orjson
import pytest

from dragoman.dialects import gemini
from dragoman.dialects.codec import ReplyStyle, RequestHints, StreamRelay, Target
from dragoman.dialects.framing.sse import SseReader
from dragoman.errors import APIConnectionError, APIResponseValidationError, RateLimitError, ServiceUnavailableError
from tests import oracles
from tests.dialects.gemini.exchange import CONTEXT, LEVEL, joined, read_stream, replies, whole
from tests.recordings import Recording

CALLER = ReplyStyle(model="alias", vendor="google")
SIGNATURE = "EqQB+/claude=="


def reply(message: dict[str, Any], finish: str = "stop", **choice: Any) -> dict[str, Any]:
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 7,
        "total_tokens": 17,
        "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 2},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }
    whole_choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish, **choice}
    body: Any = {
        "id": "id1",
        "object": "chat.completion",
        "created": 1,
        "model": "claude-x",
        "choices": [whole_choice],
        "usage": usage,
    }
    written = gemini.CODEC.write_response(body, CALLER)
    oracles.gemini_response(written)
    return written


def parts(message: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = reply(message)["candidates"][0]["content"]["parts"]
    return found


def test_a_reply_of_another_vendor() -> None:
    calls = [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}]
    written = reply({"content": "hi", "tool_calls": calls}, "tool_calls")
    candidate = written["candidates"][0]
    assert candidate["content"] == {
        "role": "model",
        "parts": [{"text": "hi"}, {"functionCall": {"id": "c1", "name": "f", "args": {"a": 1}}}],
    }
    assert candidate["finishReason"] == "STOP"
    assert (written["modelVersion"], written["responseId"]) == ("claude-x", "id1")
    assert written["usageMetadata"] == {
        "promptTokenCount": 10,
        "candidatesTokenCount": 4,
        "thoughtsTokenCount": 3,
        "totalTokenCount": 17,
        "cachedContentTokenCount": 4,
        "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 2}],
    }


@pytest.mark.parametrize(
    ("finish", "native", "word"),
    [
        ("stop", None, "STOP"),
        ("length", "max_tokens", "MAX_TOKENS"),
        ("content_filter", "refusal", "SAFETY"),
        ("content_filter", "RECITATION", "RECITATION"),
        ("stop", "MALFORMED_FUNCTION_CALL", "MALFORMED_FUNCTION_CALL"),
        ("function_call", None, "STOP"),
    ],
)
def test_finish_reasons_in_googles_words(finish: str, native: str | None, word: str) -> None:
    more = {"native_finish_reason": native} if native else {}
    assert reply({"content": "a"}, finish, **more)["candidates"][0]["finishReason"] == word


def test_citations_of_others_become_grounding() -> None:
    text = "Zürich und Bern"
    citation = {
        "type": "url_citation",
        "url_citation": {"url": "https://b.ch", "title": "B", "start_index": 11, "end_index": 15},
    }
    candidate = reply({"content": text, "annotations": [citation, citation]})["candidates"][0]
    assert candidate["groundingMetadata"]["groundingChunks"] == [{"web": {"uri": "https://b.ch", "title": "B"}}]
    segment = candidate["groundingMetadata"]["groundingSupports"][0]["segment"]
    assert text.encode()[segment["startIndex"] : segment["endIndex"]].decode() == segment["text"] == "Bern"


def test_what_else_a_message_holds() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    assert parts({"content": None, "images": [image]}) == [{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]
    assert parts({"content": None, "refusal": "no"}) == [{"text": "no"}]
    assert parts({"content": "a", "reasoning_content": "r"}) == [{"text": "r", "thought": True}, {"text": "a"}]
    audio = {"id": "a", "data": "AAAA", "transcript": "hello", "expires_at": 1}
    sound = {"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}}
    assert parts({"content": None, "audio": audio}) == [{"text": "hello"}, sound]
    assert parts({"content": [{"type": "text", "text": "a"}]}) == [{"text": "a"}]
    cut_off = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": '}}
    assert parts({"content": "", "tool_calls": [cut_off]})[0]["functionCall"]["args"] == {"arguments": '{"a": '}


BLOCKS = [
    {"type": "thinking", "thinking": "one", "signature": SIGNATURE, "vendor": "anthropic"},
    {"type": "redacted_thinking", "data": "secret+/=", "vendor": "anthropic"},
    {"type": "encrypted", "data": {"id": "rs_1", "x": [1]}, "vendor": "openai"},
    {"type": "thinking", "thinking": "two", "signature": SIGNATURE + "2", "vendor": "anthropic"},
]


def as_the_sdk_sends_it(part: dict[str, Any]) -> dict[str, Any]:
    """Google's SDK reads signatures as bytes, and writes them in base64's other alphabet."""
    if "thoughtSignature" not in part:
        return part
    raw = urlsafe_b64decode(part["thoughtSignature"].replace("+", "-").replace("/", "_"))
    return {**part, "thoughtSignature": urlsafe_b64encode(raw).decode()}


def test_signatures_of_others_go_sealed_and_come_back_as_they_were() -> None:
    sent = parts({"content": "hi", "reasoning_content": "onetwo", "thinking_blocks": BLOCKS})
    assert all(gemini.CODEC.foreign_marks[0].decode() in part["thoughtSignature"] for part in sent[:4])
    assert [part.get("text") for part in sent] == ["one", "", "", "two", "hi"]
    history = [
        {"role": "user", "parts": [{"text": "q"}]},
        {"role": "model", "parts": [as_the_sdk_sends_it(part) for part in sent]},
    ]
    body = {"contents": [*history, {"role": "user", "parts": [{"text": "go on"}]}]}
    assert gemini.CODEC.foreign_marks[0] in orjson.dumps(body)
    request = gemini.CODEC.read_request(body, RequestHints(model="m"))
    assert request["messages"][1]["thinking_blocks"] == BLOCKS
    assert request["messages"][1]["content"] == "hi"
    to_google = gemini.CODEC.write_request(request, LEVEL)
    assert to_google.body["contents"][1] == {"role": "model", "parts": [{"text": "hi"}]}
    to_itself = gemini.CODEC.write_request(request, Target("other", "m", "anthropic"))
    assert to_itself.body["contents"][1]["parts"][0]["thoughtSignature"] == SIGNATURE


def chunk(delta: dict[str, Any], finish: str | None = None, index: int = 0, **more: Any) -> Any:
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "x", "choices": [choice], **more}


def write_stream(*chunks: Any, framing: Any = "sse") -> bytes:
    assert gemini.CODEC.stream_writer is not None
    writer = gemini.CODEC.stream_writer(ReplyStyle(model="alias", vendor="google", framing=framing))
    return b"".join(writer.write(one) for one in chunks) + writer.close()


def frames(data: bytes) -> list[dict[str, Any]]:
    found = [orjson.loads(event.data) for event in SseReader().feed(data)]
    for frame in found:
        oracles.gemini_response(frame)
    return found


USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
END = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "x", "choices": [], "usage": USAGE}
OPEN = {"index": 0, "type": "thinking", "vendor": "anthropic"}
CHUNKS = [
    chunk({"role": "assistant", "content": ""}),
    chunk(
        {
            "reasoning_content": "hm",
            "thinking_blocks": [{"index": 0, "type": "thinking", "thinking": "hm", "vendor": "anthropic"}],
        }
    ),
    chunk({"thinking_blocks": [{**OPEN, "signature": SIGNATURE}]}),
    chunk({"content": "a"}),
    chunk({"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}]}),
    chunk(
        {"tool_calls": [{"index": 1, "id": "c2", "type": "function", "function": {"name": "g", "arguments": '{"b"'}}]}
    ),
    chunk(
        {
            "tool_calls": [
                {"index": 0, "function": {"arguments": '{"a":1}'}},
                {"index": 1, "function": {"arguments": ":2}"}},
            ]
        }
    ),
    chunk({}, "tool_calls"),
    END,
]


@pytest.mark.parametrize("framing", ["sse", "json_array"])
def test_a_stream_of_another_vendor(framing: Any) -> None:
    data = write_stream(*CHUNKS, framing=framing)
    got = frames(data) if framing == "sse" else orjson.loads(data)
    sent = [part for frame in got for part in frame["candidates"][0].get("content", {}).get("parts", [])]
    assert [part for part in sent if "functionCall" in part] == [
        {"functionCall": {"id": "c1", "name": "f", "args": {"a": 1}}},
        {"functionCall": {"id": "c2", "name": "g", "args": {"b": 2}}},
    ]
    assert [frame["usageMetadata"] for frame in got if "usageMetadata" in frame] == [
        {"promptTokenCount": 1, "candidatesTokenCount": 2, "totalTokenCount": 3}
    ]
    assert got[-1]["candidates"][0]["finishReason"] == "STOP"
    assert [frame for frame in got[:-1] if "finishReason" in frame["candidates"][0]] == []
    body = {"contents": [{"role": "model", "parts": [as_the_sdk_sends_it(part) for part in sent]}]}
    message = gemini.CODEC.read_request(body, RequestHints(model="m"))["messages"][0]
    assert message["thinking_blocks"] == [
        {"type": "thinking", "thinking": "hm", "signature": SIGNATURE, "vendor": "anthropic"}
    ]


def test_choices_are_candidates() -> None:
    got = frames(
        write_stream(
            chunk({"content": "a"}),
            chunk({"content": "b"}, index=1),
            chunk({}, "stop"),
            chunk({}, "length", index=1),
            END,
        )
    )
    assert [frame["candidates"][0]["index"] for frame in got[:2]] == [0, 1]
    assert [(one["index"], one["finishReason"]) for one in got[-1]["candidates"]] == [(0, "STOP"), (1, "MAX_TOKENS")]


@pytest.mark.parametrize("framing", ["sse", "json_array"])
@pytest.mark.parametrize("before", [0, 4])
def test_an_error_is_the_last_thing(framing: Any, before: int) -> None:
    assert gemini.CODEC.stream_writer is not None
    writer = gemini.CODEC.stream_writer(ReplyStyle(model="alias", framing=framing))
    data = b"".join(writer.write(one) for one in CHUNKS[:before]) + writer.error(
        RateLimitError("slow down", retry_after=2)
    )
    last = orjson.loads(data)[-1] if framing == "json_array" else orjson.loads(SseReader().feed(data)[-1].data)
    assert (last["error"]["code"], last["error"]["status"]) == (429, "RESOURCE_EXHAUSTED")
    with pytest.raises(RateLimitError) as caught:
        read_stream(data)
    assert caught.value.retry_after == 2


def test_a_stream_without_chunks_is_empty() -> None:
    assert write_stream() == b""
    assert write_stream(framing="json_array") == b"[]"


def relay(framing: Any = "sse") -> StreamRelay:
    assert gemini.CODEC.stream_relay is not None
    return gemini.CODEC.stream_relay(CONTEXT, ReplyStyle(model="m", framing=framing))


@pytest.mark.parametrize("recording", replies(stream=True))
def test_a_relay_changes_no_byte_and_sees_the_usage(recording: Recording) -> None:
    if not isinstance(recording.response_body, str) or "quotes" in recording.id:
        return  # recorded without alt=sse, with which we always ask, or cut off
    data = recording.response_bytes
    watching = relay()
    if "invalid-json" in recording.id:
        with pytest.raises(APIResponseValidationError):
            list(watching.feed(data))
        return
    passed = b"".join(piece for at in range(0, len(data), 7) for piece in watching.feed(data[at : at + 7]))
    passed += b"".join(watching.close())
    assert passed.strip() == data.strip()
    assert watching.begun
    array = relay("json_array")
    arrayed = b"".join([*array.feed(data), *array.close()])
    assert orjson.loads(arrayed) == whole(recording)
    if watching.usage is not None and "prompt-blocked" not in recording.id:
        assert watching.usage == read_stream(data)[-1].get("usage")


def test_a_relay_raises_as_a_reader_does() -> None:
    event = (
        b'data: {"candidates":[{"content":{"parts":[{"text":"a"}]}}],"usageMetadata":{"promptTokenCount":3}}\r\n\r\n'
    )
    watching = relay()
    assert list(watching.feed(event)) == [event]
    assert (
        watching.usage == {"prompt_tokens": 3, "completion_tokens": 0, "total_tokens": 3, "prompt_tokens_details": {}}
        or watching.usage
    )
    with pytest.raises(APIConnectionError):
        list(watching.close())
    failing = relay()
    with pytest.raises(ServiceUnavailableError):
        list(failing.feed(event + b'data: { "error": {"code": 503, "message": "m", "status": "UNAVAILABLE"}}\n\n'))
    cut = relay()
    assert list(cut.feed(event + b'data: {"candidates":[{"finishRea')) == [event]
    with pytest.raises(APIConnectionError):
        list(cut.close())


def test_a_relayed_request_is_untouched() -> None:
    body = {"contents": [{"parts": [{"text": "a"}]}], "anything": {"new": None}}
    assert gemini.CODEC.relay_request is not None
    wire = gemini.CODEC.relay_request(body, Target("gemini", "m", "google", stream=True))
    assert wire is not None
    assert wire.body is body
    assert (wire.path, dict(wire.query)) == ("/models/m:streamGenerateContent", {"alt": "sse"})
    assert gemini.CODEC.read_usage is not None
    usage = gemini.CODEC.read_usage({"usageMetadata": {"promptTokenCount": 1, "totalTokenCount": 1}})
    assert usage == {"prompt_tokens": 1, "completion_tokens": 0, "total_tokens": 1}


def test_written_streams_are_read_back() -> None:
    message = joined(read_stream(write_stream(*CHUNKS), "bytes"))
    assert message["content"] == "a"
    assert [call["id"] for call in message["tool_calls"]] == ["c1", "c2"]
    assert message["finish_reason"] == "tool_calls"
