"""embedContent, batchEmbedContents and countTokens, on both sides."""

from __future__ import annotations

import struct
from base64 import b64encode
from dataclasses import replace
from typing import Any

import pytest

from dragoman.dialects import gemini
from dragoman.dialects.codec import ReplyStyle, RequestHints
from dragoman.errors import APIResponseValidationError, BadRequestError, ServiceUnavailableError, UnsupportedParamsError
from tests.dialects.gemini.exchange import BUDGET, CONTEXT, VERTEX
from tests.recordings import Recording, recordings

BATCH, SINGLE, COUNT = gemini.BATCH_EMBED_CONTENTS, gemini.EMBED_CONTENT, gemini.COUNT_TOKENS
HINTS = RequestHints(model="m")
EMBEDDINGS = recordings(("gemini", "embeddings"), ("vertex", "embeddings"), ok=None)
COUNTS = recordings(("gemini", "count-tokens"), ("vertex", "count-tokens"), ok=None)


@pytest.mark.parametrize("recording", EMBEDDINGS)
def test_recorded_embeddings(recording: Recording) -> None:
    body = recording.request_body
    if body and "requests" in body:
        request = BATCH.read_request(body, HINTS)
        wire = BATCH.write_request(request, BUDGET)
        assert wire.path == "/models/m:batchEmbedContents"
        assert [text_of(entry) for entry in wire.body["requests"]] == [text_of(entry) for entry in body["requests"]]
        assert [entry.get("taskType") for entry in wire.body["requests"]] == [
            entry.get("taskType") for entry in body["requests"]
        ]
    elif body:
        assert SINGLE.read_request(body, HINTS)["input"] == text_of(body)
    if recording.status != 200:
        return
    answer = recording.response_body
    response = BATCH.read_response(answer, CONTEXT)
    vectors = [entry["values"] for entry in answer.get("embeddings", [answer.get("embedding")])]
    assert [entry["embedding"] for entry in response["data"]] == vectors
    assert response["usage"]["prompt_tokens"] == answer.get("usageMetadata", {}).get("promptTokenCount", 0)
    assert BATCH.write_response(response, ReplyStyle("m")) == {"embeddings": [{"values": vector} for vector in vectors]}
    assert SINGLE.write_response(response, ReplyStyle("m")) == {"embedding": {"values": vectors[0]}}


def text_of(entry: dict[str, Any]) -> str:
    return "\n".join(part["text"] for part in entry["content"]["parts"])


def test_a_request_of_the_hub_becomes_a_batch() -> None:
    request: Any = {
        "model": "m",
        "input": ["a", "b"],
        "dimensions": 5,
        "input_type": "query",
        "title": "t",
        "encoding_format": "float",
    }
    wire = SINGLE.write_request(request, BUDGET)
    common = {"model": "models/m", "outputDimensionality": 5, "taskType": "RETRIEVAL_QUERY", "title": "t"}
    assert wire.body == {"requests": [{**common, "content": {"parts": [{"text": text}]}} for text in ("a", "b")]}
    assert wire.dropped == ()
    assert BATCH.read_request(wire.body, HINTS) == {
        key: value for key, value in request.items() if key != "encoding_format"
    }


def test_what_google_cannot_embed() -> None:
    with pytest.raises(BadRequestError) as caught:
        BATCH.write_request({"model": "m", "input": [1, 2]}, BUDGET)
    assert caught.value.param == "input[0]"
    with pytest.raises(UnsupportedParamsError):
        BATCH.write_request({"model": "m", "input": "a", "new": 1}, BUDGET)  # type: ignore[typeddict-unknown-key]
    dropped: Any = {"model": "m", "input": "a", "new": 1, "user": "u", "encoding_format": "base64"}
    assert set(BATCH.write_request(dropped, replace(BUDGET, drop_params=True)).dropped) == {
        "new",
        "user",
        "encoding_format",
    }


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "requests"),
        ({"requests": [3]}, "requests[0]"),
        ({"requests": [{}]}, "requests[0].content"),
        ({"requests": [{"content": {"parts": [{"inlineData": {}}]}}]}, "requests[0].content.parts[0]"),
        ({"requests": [{"content": "a"}, {"content": "b", "taskType": "CLUSTERING"}]}, "requests[1]"),
        ({"requests": [{"content": "a", "outputDimensionality": "x"}]}, "outputDimensionality"),
    ],
)
def test_a_wrong_field_is_named(body: dict[str, Any], path: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        BATCH.read_request(body, HINTS)
    assert caught.value.param == path


def test_vectors_in_base64_are_opened_for_googles_clients() -> None:
    packed = b64encode(struct.pack("<2f", 0.5, -1.0)).decode()
    response: Any = {
        "object": "list",
        "model": "m",
        "data": [{"object": "embedding", "index": 0, "embedding": packed}],
        "usage": {},
    }
    assert SINGLE.write_response(response, ReplyStyle("m")) == {"embedding": {"values": [0.5, -1.0]}}


@pytest.mark.parametrize("codec", [BATCH, SINGLE, COUNT], ids=["batch", "single", "count"])
@pytest.mark.parametrize(
    "body", [None, [], 3, {}, {"embeddings": 3, "totalTokens": "x"}, {"embeddings": [3], "totalTokens": True}]
)
def test_what_is_no_reply_is_the_providers_fault(codec: Any, body: Any) -> None:
    if codec is COUNT and body == {}:
        assert COUNT.read_response(body, CONTEXT)["input_tokens"] == 0  # protobuf leaves zeros out
        return
    with pytest.raises(APIResponseValidationError):
        codec.read_response(body, CONTEXT)
    with pytest.raises(ServiceUnavailableError):
        codec.read_response({"error": {"code": 503, "message": "m", "status": "UNAVAILABLE"}}, CONTEXT)


@pytest.mark.parametrize("recording", COUNTS)
def test_recorded_counts(recording: Recording) -> None:
    body = recording.request_body
    request = COUNT.read_request(body, HINTS)
    whole = body.get("generateContentRequest", body)
    assert request["chat"]["messages"][-1]["content"] == whole["contents"][-1]["parts"][0]["text"]
    accent = VERTEX if recording.provider == "vertex" else BUDGET
    wire = COUNT.write_request(request, accent)
    assert wire.path == "/models/m:countTokens"
    written = wire.body.get("generateContentRequest", wire.body)
    assert written["contents"] == whole["contents"]
    assert bool(written.get("tools")) == bool(whole.get("tools"))
    assert ("generateContentRequest" in wire.body) == ("generateContentRequest" in body)
    if recording.status == 200:
        count = COUNT.read_response(recording.response_body, CONTEXT)
        assert count == {"input_tokens": recording.response_body["totalTokens"], "estimated": False}
        assert COUNT.write_response(count, ReplyStyle("m")) == {"totalTokens": count["input_tokens"]}


def test_the_model_of_a_wrapped_request_and_both_forms_at_once() -> None:
    wrapped = {"generateContentRequest": {"model": "models/x", "contents": "a"}}
    assert COUNT.read_request(wrapped, RequestHints())["model"] == "x"
    with pytest.raises(BadRequestError):
        COUNT.read_request({**wrapped, "contents": "b"}, HINTS)
