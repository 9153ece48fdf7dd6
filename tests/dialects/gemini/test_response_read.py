"""Whole replies: what Google sent, held against an independent reading by its SDK's types."""

from __future__ import annotations

import warnings
from base64 import b64encode
from typing import Any

import orjson
import pytest
from google.genai import types as google

from dragoman.dialects import gemini
from dragoman.dialects.codec import ReplyStyle
from dragoman.errors import APIResponseValidationError, ContentPolicyViolationError, error_for_status
from dragoman.types.usage import token_buckets
from tests import oracles
from tests.dialects.gemini.exchange import CONTEXT, canonical, replies
from tests.recordings import Recording


def judged(body: dict[str, Any]) -> google.GenerateContentResponse:
    """Google's own reading; its types are behind its servers by a field or two."""
    body = orjson.loads(orjson.dumps(body))
    (body.get("usageMetadata") or {}).pop("serviceTier", None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a value that Google's SDK does not know
        return google.GenerateContentResponse.model_validate(body)


def signatures(part: google.Part) -> str | None:
    return b64encode(part.thought_signature).decode() if part.thought_signature else None


@pytest.mark.parametrize("recording", replies(stream=False))
def test_a_reply_is_read_without_loss(recording: Recording) -> None:
    body = recording.response_body
    if "this" in body:
        with pytest.raises(APIResponseValidationError):
            gemini.CODEC.read_response(body, CONTEXT)
        return
    expected = judged(body)
    if expected.prompt_feedback and expected.prompt_feedback.block_reason:
        with pytest.raises(ContentPolicyViolationError) as caught:
            gemini.CODEC.read_response(body, CONTEXT)
        assert caught.value.provider_code == body["promptFeedback"]["blockReason"]
        assert caught.value.status_code == 400
        return
    response = gemini.CODEC.read_response(body, CONTEXT)
    oracles.openai_response({key: value for key, value in response.items() if key != "service_tier"})
    assert len(response["choices"]) == len(expected.candidates or [])
    for choice, candidate, raw in zip(response["choices"], expected.candidates or [], body["candidates"], strict=True):
        check_message(choice["message"], (candidate.content and candidate.content.parts) or [])
        assert choice["native_finish_reason"] == raw["finishReason"]
        assert sorted(kept_signatures(choice["message"])) == sorted(raw_signatures(raw))
    check_usage(response.get("usage"), expected.usage_metadata)
    assert response["model"] == body.get("modelVersion", "m")
    assert response["id"] == body.get("responseId", "chatcmpl-r1")


def check_message(message: Any, parts: list[google.Part]) -> None:
    texts = [part.text for part in parts if part.text and not part.thought]
    thoughts = [part.text for part in parts if part.text and part.thought]
    assert (message.get("content") or "") == "".join(texts)
    assert (message.get("reasoning_content") or "") == "".join(thoughts)
    calls = [part.function_call for part in parts if part.function_call]
    assert [
        (call["function"]["name"], orjson.loads(call["function"]["arguments"]))
        for call in message.get("tool_calls") or []
    ] == [(call.name, call.args or {}) for call in calls]
    ids = [call["id"] for call in message.get("tool_calls") or []]
    assert len(set(ids)) == len(ids)
    assert [call.id or given for call, given in zip(calls, ids, strict=True)] == ids
    server = [
        part
        for part in parts
        if part.executable_code or part.code_execution_result or part.tool_call or part.tool_response
    ]
    assert len(message.get("provider_tool_blocks") or []) == len(server)
    images = [
        part.inline_data
        for part in parts
        if part.inline_data and (part.inline_data.mime_type or "").startswith("image/")
    ]
    assert len(message.get("images") or []) == len(images)


def raw_signatures(candidate: dict[str, Any]) -> list[str]:
    parts = (candidate.get("content") or {}).get("parts") or []
    return [part["thoughtSignature"] for part in parts if "thoughtSignature" in part]


def kept_signatures(message: Any) -> list[str]:
    """Every signature in the message, as it stands there."""
    found = [block["signature"] for block in message.get("thinking_blocks") or [] if "signature" in block]
    for call in message.get("tool_calls") or []:
        if "extra_content" in call:
            found.append(call["extra_content"]["google"]["thought_signature"])
    for block in message.get("provider_tool_blocks") or []:
        if "thoughtSignature" in block["block"]:
            found.append(block["block"]["thoughtSignature"])
    return found


def check_usage(usage: Any, expected: google.GenerateContentResponseUsageMetadata | None) -> None:
    if expected is None:
        assert usage is None
        return
    prompt = (expected.prompt_token_count or 0) + (expected.tool_use_prompt_token_count or 0)
    completion = (expected.candidates_token_count or 0) + (expected.thoughts_token_count or 0)
    assert usage["prompt_tokens"] == prompt
    assert usage["completion_tokens"] == completion
    assert usage["total_tokens"] == (expected.total_token_count or prompt + completion)
    buckets = token_buckets(usage)
    cached = buckets.cache_read + buckets.cache_read_audio + buckets.cache_read_image
    assert cached == (expected.cached_content_token_count or 0)
    assert buckets.reasoning == (expected.thoughts_token_count or 0)
    assert buckets.prompt == prompt
    assert buckets.completion == completion


@pytest.mark.parametrize("recording", replies(stream=False))
def test_a_reply_written_back_is_the_reply(recording: Recording) -> None:
    body = recording.response_body
    if "candidates" not in body:
        return
    written = gemini.CODEC.write_response(gemini.CODEC.read_response(body, CONTEXT), ReplyStyle("m", vendor="google"))
    assert oracles.gemini_response(written).candidates
    for mine, theirs in zip(written["candidates"], body["candidates"], strict=True):
        assert parts_of(mine) == parts_of(theirs)
        for name in ("groundingMetadata", "citationMetadata", "urlContextMetadata", "safetyRatings", "avgLogprobs"):
            assert mine.get(name) == theirs.get(name)
        assert mine["finishReason"] == theirs["finishReason"]
    told = {key: value for key, value in body.get("usageMetadata", {}).items() if key != "serviceTier"}
    assert {key: value for key, value in written.get("usageMetadata", {}).items() if value} == told


def parts_of(candidate: dict[str, Any]) -> bytes:
    """The parts with neighbouring unsigned texts joined, and the ids of calls that had none taken out."""
    joined: list[dict[str, Any]] = []
    for part in (candidate.get("content") or {}).get("parts") or []:
        part = orjson.loads(orjson.dumps(part))
        if str((part.get("functionCall") or {}).get("id", "")).startswith("call_chatcmplr1"):
            del part["functionCall"]["id"]
        (part.get("functionCall") or {}).setdefault("args", {})
        last = joined[-1] if joined else {}
        if part.keys() == {"text"} == last.keys():
            last["text"] += part["text"]
        elif part != {"text": ""}:
            joined.append(part)
    return canonical(joined)


def reply(*parts: dict[str, Any], **candidate: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": list(parts), "role": "model"}, "finishReason": "STOP", **candidate}]}


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        *((word, "content_filter") for word in ("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY")),
        ("MALFORMED_FUNCTION_CALL", "stop"),
        ("OTHER", "stop"),
        ("A_WORD_OF_TOMORROW", "stop"),
    ],
)  # fmt: skip
def test_finish_reasons_come_from_the_closed_set(reason: str, expected: str) -> None:
    choice = gemini.CODEC.read_response(reply({"text": "a"}, finishReason=reason), CONTEXT)["choices"][0]
    assert choice["finish_reason"] == expected
    assert choice["native_finish_reason"] == reason


def test_a_stop_after_a_call_is_a_tool_call() -> None:
    body = reply({"functionCall": {"name": "f", "args": {}}})
    assert gemini.CODEC.read_response(body, CONTEXT)["choices"][0]["finish_reason"] == "tool_calls"


def test_bytes_of_a_citation_become_characters() -> None:
    text = "Zürich läßt grüßen. Bern auch."
    start = len("Zürich läßt grüßen. ".encode())
    segment = {"startIndex": start, "endIndex": start + 10, "text": "Bern auch."}
    metadata = {
        "groundingChunks": [{"web": {"uri": "https://bern.ch", "title": "Bern"}}],
        "groundingSupports": [{"segment": segment, "groundingChunkIndices": [0]}],
    }
    message = gemini.CODEC.read_response(reply({"text": text}, groundingMetadata=metadata), CONTEXT)["choices"][0][
        "message"
    ]
    citation = message["annotations"][0]["url_citation"]
    assert text[citation["start_index"] : citation["end_index"]] == "Bern auch."
    assert citation["url"] == "https://bern.ch"
    assert message["annotations"][0]["provider_citation"]["vendor"] == "google"


def test_logprobs_go_both_ways() -> None:
    top = [{"token": "a", "logProbability": -0.1}, {"token": "b", "logProbability": -2.5}]
    result = {"chosenCandidates": [top[0]], "topCandidates": [{"candidates": top}]}
    response = gemini.CODEC.read_response(reply({"text": "a"}, logprobsResult=result), CONTEXT)
    content = (response["choices"][0]["logprobs"] or {})["content"]
    assert [content[0]["token"], content[0]["logprob"], content[0]["bytes"]] == ["a", -0.1, [97]]
    assert len(content[0]["top_logprobs"]) == 2
    written = gemini.CODEC.write_response(response, ReplyStyle("m"))
    assert written["candidates"][0]["logprobsResult"] == result


def test_the_tool_for_structured_output_is_the_content() -> None:
    from dataclasses import replace

    context = replace(CONTEXT, json_tool="json_answer", tool_names={"short": "the.long name"})
    body = reply({"functionCall": {"name": "json_answer", "args": {"a": 1}}})
    choice = gemini.CODEC.read_response(body, context)["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ('{"a":1}', "stop")
    assert "tool_calls" not in choice["message"]
    called = gemini.CODEC.read_response(reply({"functionCall": {"name": "short"}}), context)["choices"][0]
    assert called["message"]["tool_calls"][0]["function"] == {"name": "the.long name", "arguments": "{}"}


@pytest.mark.parametrize(
    "body",
    [[], "text", None, 7, {}, {"candidates": []}, {"candidates": "x"}, {"candidates": [7]}, {"candidates": [{"content": 3}]},
     {"candidates": [{"content": {"parts": [{"text": 3}]}}]}, {"candidates": [{"content": {"parts": [{"functionCall": []}]}}]}],
)  # fmt: skip
def test_what_is_no_reply_is_the_providers_fault(body: Any) -> None:
    with pytest.raises(APIResponseValidationError) as caught:
        gemini.CODEC.read_response(body, CONTEXT)
    assert caught.value.status_code == 502


def test_an_error_with_a_200_is_an_error() -> None:
    with pytest.raises(error_for_status(503)):
        gemini.CODEC.read_response({"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}, CONTEXT)
