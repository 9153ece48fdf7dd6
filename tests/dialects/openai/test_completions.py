"""Text completions, as real providers sent them, and those that are asked of a provider that only chats."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from openai.types import Completion, completion_create_params
from pydantic import TypeAdapter

from dragoman.dialects import text_as_chat
from dragoman.dialects.codec import ReplyContext, ReplyStyle, RequestHints
from dragoman.dialects.drop_list import DropList
from dragoman.dialects.openai_chat.completions import CODEC
from dragoman.errors import APIConnectionError, APIError, BadRequestError, UnsupportedParamsError
from tests.dialects.openai._recorded import CREATED, REPLY_ID, context, events, of_endpoint, target
from tests.recordings import Recording

UNARY = of_endpoint("completions", stream=False)
STREAMS = [param for param in of_endpoint("completions", stream=True) if "writer" not in str(param.id)]
"""Writer streams its completions in a shape of its own: `{"value": "..."}`."""
REPLY = ReplyContext("acme", "m", "acme", CREATED, REPLY_ID)


def strict(body: Any) -> None:
    body = orjson.loads(orjson.dumps(body))
    for choice in body["choices"]:
        assert choice["finish_reason"] in ("stop", "length", "content_filter", None)
        choice["finish_reason"] = choice["finish_reason"] or "stop"  # OpenAI's own type forgets the chunks
    Completion.model_validate_json(orjson.dumps(body), strict=True)


@pytest.mark.parametrize("recording", UNARY)
def test_answers(recording: Recording) -> None:
    body = recording.response_body
    response = CODEC.read_response(body, context(recording))
    assert [choice["text"] for choice in response["choices"]] == [choice["text"] for choice in body["choices"]]
    if body.get("usage"):
        assert response["usage"]
        assert response["usage"]["prompt_tokens"] == body["usage"]["prompt_tokens"]
    written = CODEC.write_response(response, ReplyStyle(model="smart"))
    strict(written)
    assert CODEC.read_response(written, context(recording))["choices"][0]["text"] == body["choices"][0]["text"]


def read(raw: list[bytes], reply: ReplyContext = REPLY) -> list[Any]:
    assert CODEC.stream_reader is not None
    reader = CODEC.stream_reader(reply)
    return [*(chunk for piece in raw for chunk in reader.feed(piece)), *reader.close()]


@pytest.mark.parametrize("recording", STREAMS)
def test_streams(recording: Recording) -> None:
    raw, reply = recording.response_bytes, context(recording)
    chunks = read([raw], reply)
    sent = events(raw)
    texts = [choice.get("text", "") for event in sent for choice in event.get("choices") or ()]
    assert "".join(choice["text"] for chunk in chunks for choice in chunk["choices"]) == "".join(texts)
    assert read([raw[n : n + 1] for n in range(len(raw))], reply) == chunks
    assert [n for n, chunk in enumerate(chunks) if "usage" in chunk] in ([], [len(chunks) - 1])
    assert ("usage" in chunks[-1]) == any(event.get("usage") for event in sent)
    assert CODEC.stream_writer is not None
    assert CODEC.stream_relay is not None
    writer = CODEC.stream_writer(ReplyStyle(model="smart", include_usage=True))
    wire = b"".join(writer.write(chunk) for chunk in chunks) + writer.close()
    for event in events(wire):
        strict(event)
    assert read([wire], reply) == chunks
    through = CODEC.stream_relay(reply, ReplyStyle(model="smart"))
    list(through.feed(raw))
    list(through.close())
    assert through.begun
    assert through.usage == chunks[-1].get("usage")


@pytest.mark.parametrize(
    "recording", [param for param in (*UNARY, *STREAMS) if param.values[0] and param.values[0].request_body]
)
def test_requests(recording: Recording) -> None:
    body = {key: value for key, value in recording.request_body.items() if value is not None}
    request = CODEC.read_request(body, RequestHints(model="m"))
    sent = CODEC.write_request(request, target(recording.provider, request["model"], stream=recording.stream)).body
    unstreamed = {key: value for key, value in sent.items() if key not in ("stream", "stream_options")}
    expected = {key: value for key, value in body.items() if key not in ("stream", "stream_options")}
    assert unstreamed == {"model": request["model"], **expected}
    assert sent.get("stream", False) is recording.stream
    TypeAdapter(completion_create_params.CompletionCreateParamsNonStreaming).validate_python(unstreamed)


def test_usage_is_hidden_unless_asked_for() -> None:
    assert CODEC.stream_writer is not None
    writer = CODEC.stream_writer(ReplyStyle(model="smart"))
    usage: Any = {"id": "x", "choices": [], "usage": {"prompt_tokens": 1}}
    assert writer.write(usage) == b""
    with_text: Any = {**usage, "choices": [{"index": 0, "text": "a", "finish_reason": None}]}
    assert b"usage" not in writer.write(with_text)
    assert b"boom" in writer.error(BadRequestError("boom"))


@pytest.mark.parametrize(
    ("stream", "kind"),
    [
        (b"", APIConnectionError),
        (b'data: {"choices":[{"text":"a","finish_reason":null}]}\n\n', APIConnectionError),
        (b'data: {"error":{"message":"x"}}\n\n', APIError),
        (b'data: {"choices":[{"text":"a","finish_reason":"error"}]}\n\n', APIError),
        (b"data: [DONE]\n\n", APIError),
        (b"data: {\n\n", APIError),
    ],
)
def test_streams_that_end_badly(stream: bytes, kind: type[APIError]) -> None:
    with pytest.raises(kind):
        read([stream])


def test_finish_reasons_are_a_closed_set() -> None:
    body = {"choices": [{"text": "a", "finish_reason": "eos"}]}
    (choice,) = CODEC.read_response(body, REPLY)["choices"]
    assert choice["finish_reason"] == "stop"
    assert choice["index"] == 0


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"model": "m"}, "prompt"),
        ({"model": "m", "prompt": {}}, "prompt"),
        ({"model": "m", "prompt": "x", "echo": 1}, "echo"),
        ({"model": "m", "prompt": "x", "stop": 1}, "stop"),
    ],
)
def test_a_wrong_type_is_refused_with_its_path(body: Any, path: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        CODEC.read_request(body, RequestHints())
    assert caught.value.param == path


def test_a_prompt_becomes_a_message() -> None:
    request: Any = {"model": "m", "prompt": ["Once"], "max_tokens": 3, "echo": False, "best_of": 1, "stop": "."}
    assert text_as_chat.chat_request(request, DropList(target("anthropic"))) == {
        "model": "m",
        "messages": [{"role": "user", "content": "Once"}],
        "max_tokens": 3,
        "stop": ".",
    }


@pytest.mark.parametrize("prompt", [["a", "b"], [1, 2], [[1]], []])
def test_other_prompts_are_refused(prompt: Any) -> None:
    with pytest.raises(BadRequestError) as caught:
        text_as_chat.chat_request({"model": "m", "prompt": prompt}, DropList(target("anthropic")))
    assert caught.value.param == "prompt"


@pytest.mark.parametrize(("key", "value"), [("suffix", "end"), ("echo", True), ("best_of", 3), ("logprobs", 0)])
def test_what_a_chat_cannot_say_is_named(key: str, value: Any) -> None:
    request: Any = {"model": "m", "prompt": "x", key: value}
    with pytest.raises(UnsupportedParamsError) as refused:
        text_as_chat.chat_request(request, DropList(target("anthropic")))
    assert refused.value.param == key
    drops = DropList(target("anthropic", drop_params=True))
    assert key not in text_as_chat.chat_request(request, drops)
    assert drops.dropped == (key,)


def test_an_answer_becomes_a_text_completion() -> None:
    usage: Any = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    envelope: Any = {"id": "i", "created": 1, "model": "m"}
    response: Any = {
        **envelope,
        "usage": usage,
        "choices": [{"index": 0, "message": {"content": "hi"}, "finish_reason": "stop"}],
    }
    completion = text_as_chat.text_completion(response)
    assert completion["choices"] == [{"index": 0, "text": "hi", "logprobs": None, "finish_reason": "stop"}]
    assert completion["usage"] == usage
    strict(completion)
    chunk: Any = {**envelope, "choices": [{"index": 0, "delta": {"content": "h"}, "finish_reason": None}]}
    assert text_as_chat.text_chunk(chunk)["choices"][0]["text"] == "h"
    last: Any = {**envelope, "choices": [], "usage": usage}
    assert text_as_chat.text_chunk(last)["usage"] == usage
