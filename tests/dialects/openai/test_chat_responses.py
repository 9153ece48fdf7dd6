"""Whole answers, as real providers sent them."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from openai.types.chat import ChatCompletion

from dragoman.dialects.codec import ReplyStyle
from dragoman.dialects.openai_chat import ACCENTS, CODEC
from dragoman.errors import APIError, BadGatewayError, ContentPolicyViolationError, InternalServerError
from tests.dialects.openai._recorded import (
    CREATED,
    REPLY_ID,
    by_id,
    chats,
    context,
    good,
    told_by,
)
from tests.recordings import Recording

CLOSED = {"stop", "length", "tool_calls", "content_filter", "function_call"}
UNARY = good(chats(stream=False))


@pytest.mark.parametrize("recording", UNARY)
def test_nothing_is_lost(recording: Recording) -> None:
    body = recording.response_body
    response = CODEC.read_response(body, context(recording))
    told = told_by(body)
    assert {choice["index"] for choice in response["choices"]} == set(told)
    for choice in response["choices"]:
        one, message = told[choice["index"]], choice["message"]
        _same_words(one.reasoning, one.text, message)
        assert (message.get("refusal") or "") == one.refusal
        calls = message.get("tool_calls") or []
        read = [call.get("function") or call.get("custom") or {} for call in calls]
        assert [call["name"] for call in read] == [call["name"] for call in one.calls]
        assert [call.get("arguments", "{}") for call in read] == [call["arguments"] for call in one.calls]
        for ours, theirs in zip(calls, one.calls, strict=True):
            assert ours["id"]
            assert ours["id"] == (theirs["id"] or ours["id"])
        assert choice["finish_reason"] in CLOSED
        if one.finish in CLOSED and not (one.finish == "stop" and one.calls):
            assert choice["finish_reason"] == one.finish
        elif one.finish and one.finish not in CLOSED:
            assert choice["native_finish_reason"] == one.finish


def _same_words(reasoning: str, text: str, message: Any) -> None:
    if text.startswith("<think>") and message.get("reasoning_content"):
        thought, _, answer = text.removeprefix("<think>").partition("</think>")
        assert message["reasoning_content"].strip() == thought.strip()
        assert (message["content"] or "").strip() == answer.strip()
        return
    assert (message.get("content") or "") == text
    assert message.get("reasoning_content", "") == reasoning


@pytest.mark.parametrize("recording", UNARY)
def test_usage_is_consistent(recording: Recording) -> None:
    body = recording.response_body
    usage = CODEC.read_response(body, context(recording)).get("usage")
    raw = body.get("usage")
    if raw is None:
        assert usage is None
        return
    assert usage is not None
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert usage["total_tokens"] >= (raw.get("total_tokens") or 0)
    assert usage["prompt_tokens"] >= raw["prompt_tokens"]
    assert usage["completion_tokens"] >= raw["completion_tokens"]
    details = usage.get("prompt_tokens_details") or {}
    assert details.get("cached_tokens", 0) <= usage["prompt_tokens"]
    produced = usage.get("completion_tokens_details") or {}
    assert produced.get("reasoning_tokens", 0) <= usage["completion_tokens"]
    if (
        raw.get("total_tokens") == raw["prompt_tokens"] + raw["completion_tokens"]
        and recording.provider != "vercel-gateway"
    ):
        assert usage["prompt_tokens"] == raw["prompt_tokens"]
        assert usage["completion_tokens"] == raw["completion_tokens"]


@pytest.mark.parametrize("recording", UNARY)
def test_the_openai_package_takes_what_we_write(recording: Recording) -> None:
    response = CODEC.read_response(recording.response_body, context(recording))
    before = orjson.dumps(response)
    written = CODEC.write_response(response, ReplyStyle(model="smart"))
    assert orjson.dumps(response) == before, "writing must not change the hub's answer"
    parsed = ChatCompletion.model_validate_json(orjson.dumps(_only_openai(written)), strict=True)
    assert len(parsed.choices) == len(response["choices"])


def _only_openai(written: Any) -> Any:
    """OpenAI's tiers are a closed set, and other providers have others."""
    if written.get("service_tier") not in (None, "auto", "default", "flex", "scale", "priority"):
        return {key: value for key, value in written.items() if key != "service_tier"}
    return written


def test_annotations_that_openai_does_not_know_stand_aside() -> None:
    recording = by_id("pydantic-ai--test-openrouter-file-annotation-1-d550ed3a")
    raw = recording.response_body["choices"][0]["message"]["annotations"]
    written = CODEC.write_response(CODEC.read_response(recording.response_body, context(recording)), ReplyStyle("m"))
    message = written["choices"][0]["message"]
    assert message["annotations"] == []
    assert message["provider_specific_fields"] == {"annotations": raw}


@pytest.mark.parametrize("recording", UNARY)
def test_unknown_fields_are_kept(recording: Recording) -> None:
    body = recording.response_body
    response: Any = CODEC.read_response(body, context(recording))
    known = {"id", "object", "created", "model", "choices", "usage", "service_tier", "system_fingerprint"}
    assert {key: response[key] for key in body.keys() - known} == {key: body[key] for key in body.keys() - known}
    assert CODEC.read_usage is not None
    assert CODEC.read_usage(body) == response.get("usage")


@pytest.mark.parametrize("recording", UNARY)
def test_written_answers_are_read_back_the_same(recording: Recording) -> None:
    response = CODEC.read_response(recording.response_body, context(recording))
    written = CODEC.write_response(response, ReplyStyle(model="smart"))
    again = CODEC.read_response(written, context(recording))
    for choice in (*response["choices"], *again["choices"]):
        said = {key: value for key, value in choice["message"].items() if value is not None}
        if not said.get("content"):
            said.pop("content", None)  # nothing said is written as an empty text, which OpenAI takes back
        choice["message"] = said  # type: ignore[typeddict-item]
        choice.pop("logprobs", None) if choice.get("logprobs") is None else None
        notes: Any = choice["message"].pop("annotations", None) or ()
        assert all(note["type"] in ("url_citation", "file") for note in notes)
        choice["message"].pop("provider_specific_fields", None)  # where annotations that OpenAI does not know go
    assert again == response


def test_errors_inside_a_200() -> None:
    filtered = by_id("openllmetry--test-prompt-content-filtering-1-201b998a")
    with pytest.raises(ContentPolicyViolationError) as caught:
        CODEC.read_response(filtered.response_body, context(filtered))
    assert caught.value.code == "content_filter"
    broken = by_id("req_llm--object-basic-1-372c833e")
    with pytest.raises(BadGatewayError) as gave_up:
        CODEC.read_response(broken.response_body, context(broken))
    assert "Malformed function call" in gave_up.value.message


def _answer(message: Any, **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "message": message, "finish_reason": "stop", **more}]}


def _read(body: Any, provider: str = "somebody", **more: Any) -> Any:
    from dragoman.dialects.codec import ReplyContext

    reply = ReplyContext(provider, "m", provider, CREATED, REPLY_ID, accent=ACCENTS.get(provider), **more)
    return CODEC.read_response(body, reply)


def test_what_is_missing_is_filled_in() -> None:
    response = _read(_answer({"content": "hi"}))
    assert (response["id"], response["object"], response["created"], response["model"]) == (
        REPLY_ID,
        "chat.completion",
        CREATED,
        "m",
    )
    assert response["choices"][0]["message"] == {"role": "assistant", "content": "hi"}


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("eos", "stop"),
        ("", "stop"),
        ("end_turn", "stop"),
        ("model_length", "length"),
        ("MAX_TOKENS", "length"),
        ("tool_use", "tool_calls"),
        ("sensitive", "content_filter"),
        ("SAFETY", "content_filter"),
        (None, "stop"),
    ],
)
def test_finish_reasons_are_a_closed_set(word: Any, reason: str) -> None:
    choice = _read(_answer({"content": "hi"}, finish_reason=word))["choices"][0]
    assert choice["finish_reason"] == reason
    assert choice.get("native_finish_reason") == (word or None)


@pytest.mark.parametrize("word", ["error", "network_error", "insufficient_system_resource"])
def test_a_broken_off_answer_is_an_error(word: str) -> None:
    with pytest.raises(InternalServerError) as caught:
        _read(_answer({"content": "half"}, finish_reason=word))
    assert caught.value.provider_code == word


def test_stop_beside_tool_calls_is_tool_calls() -> None:
    call = {"function": {"name": "f", "arguments": {"a": 1}}}
    choice = _read(_answer({"content": None, "tool_calls": [call, call]}))["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    first, second = choice["message"]["tool_calls"]
    assert first["function"]["arguments"] == '{"a":1}'
    assert first["type"] == "function"
    assert first["id"] != second["id"]


def test_tool_names_are_mapped_back_and_the_json_tool_becomes_content() -> None:
    calls = [{"id": "a", "function": {"name": "short", "arguments": "{}"}}]
    choice = _read(_answer({"tool_calls": calls}), tool_names={"short": "the.caller's.own"})["choices"][0]
    assert choice["message"]["tool_calls"][0]["function"]["name"] == "the.caller's.own"
    answer = [{"id": "a", "function": {"name": "json_answer", "arguments": '{"x":1}'}}]
    choice = _read(_answer({"tool_calls": answer}, finish_reason="tool_calls"), json_tool="json_answer")["choices"][0]
    assert choice["message"] == {"role": "assistant", "content": '{"x":1}'}
    assert choice["finish_reason"] == "stop"


def test_perplexitys_sources_become_annotations() -> None:
    body = _answer({"content": "hi"}) | {"citations": ["https://a.example"], "search_results": []}
    response = _read(body, "perplexity")
    assert response["citations"] == ["https://a.example"]
    (note,) = response["choices"][0]["message"]["annotations"]
    assert note["url_citation"]["url"] == "https://a.example"


def test_a_thought_tag_is_reasoning_only_where_the_accent_says_so() -> None:
    body = _answer({"content": "<thought>hm</thought>\nyes"})
    message = _read(body, "gemini")["choices"][0]["message"]
    assert (message["reasoning_content"], message["content"]) == ("hm", "yes")
    assert _read(body)["choices"][0]["message"]["content"] == "<thought>hm</thought>\nyes"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        # recorded: xAI counts reasoning beside the output, Gemini only in the total, Voxtral audio beside the prompt
        (
            {
                "prompt_tokens": 80,
                "completion_tokens": 3,
                "total_tokens": 286,
                "completion_tokens_details": {"reasoning_tokens": 203},
            },
            (80, 206, 0, 203),
        ),
        ({"prompt_tokens": 35, "completion_tokens": 12, "total_tokens": 109}, (35, 74, 0, 62)),
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 201,
                "total_tokens": 585,
                "prompt_tokens_details": {"audio_tokens": 375},
            },
            (384, 201, 0, 0),
        ),
        (
            {
                "prompt_tokens": 40,
                "completion_tokens": 14,
                "total_tokens": 54,
                "completion_tokens_details": {"reasoning_tokens": 43},
            },
            (40, 57, 0, 43),
        ),
        (
            {
                "prompt_tokens": 229,
                "completion_tokens": 168,
                "total_tokens": 397,
                "completion_tokens_details": {"reasoning_tokens": 173},
            },
            (229, 168, 0, 168),
        ),
        ({"prompt_tokens": 10, "completion_tokens": 1, "prompt_cache_hit_tokens": 4}, (10, 1, 4, 0)),
        ({"prompt_tokens": 10, "completion_tokens": 1, "cached_tokens": 4}, (10, 1, 4, 0)),
        ({"prompt_tokens": 7, "completion_tokens": 8, "prompt_tokens_details": {"cached_tokens": 161}}, (7, 8, 7, 0)),
    ],
)
def test_usage_variants(raw: Any, expected: tuple[int, int, int, int]) -> None:
    usage = _read(_answer({"content": "hi"}) | {"usage": raw})["usage"]
    cached = usage.get("prompt_tokens_details", {}).get("cached_tokens", 0)
    reasoning = usage.get("completion_tokens_details", {}).get("reasoning_tokens", 0)
    assert (usage["prompt_tokens"], usage["completion_tokens"], cached, reasoning) == expected


@pytest.mark.parametrize("body", [{}, {"choices": None}, {"choices": {}}, {"object": "list", "data": []}])
def test_a_body_of_another_shape_is_not_an_answer(body: Any) -> None:
    with pytest.raises(APIError):
        _read(body)
