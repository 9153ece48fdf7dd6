"""Whole answers, held against the recorded body itself and the SDK's types."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from anthropic.types import Message

from dragoman.dialects.anthropic_messages import CODEC
from dragoman.dialects.codec import RequestHints
from dragoman.errors import APIError, APIResponseValidationError
from tests import oracles
from tests.dialects.anthropic.exchange import (
    CALLER,
    accepts_message,
    messages_recordings,
    reply_context,
    response_of,
    target,
)
from tests.recordings import Recording, pairs, recordings


def without_defaults(message: dict[str, Any]) -> dict[str, Any]:
    """A Message without null, zero and what this dialect takes for the default (see its package's docstring)."""

    def prune(value: Any) -> Any:
        if isinstance(value, dict):
            pruned = {key: prune(item) for key, item in value.items()}
            return {k: v for k, v in pruned.items() if v not in (None, 0, [], {}) and v != {"type": "direct"}}
        return [prune(item) for item in value] if isinstance(value, list) else value

    pruned: dict[str, Any] = prune(message | {"model": ""})
    pruned["content"] = [prune(block) for block in message["content"] if block != {"type": "text", "text": ""}]
    return pruned


@pytest.mark.parametrize("recording", messages_recordings(stream=False))
def test_every_recorded_answer_is_read_without_loss(recording: Recording) -> None:
    body = recording.response_body
    response = CODEC.read_response(body, reply_context(recording))
    message, choice = response["choices"][0]["message"], response["choices"][0]
    blocks = body["content"]
    assert (message.get("content") or "") == "".join(block["text"] for block in blocks if block["type"] == "text")
    assert [
        (call["id"], call["function"]["name"], orjson.loads(call["function"]["arguments"]))
        for call in message.get("tool_calls", [])
    ] == [(block["id"], block["name"], block["input"]) for block in blocks if block["type"] == "tool_use"]
    kept = [
        {key: value for key, value in block.items() if key != "vendor"} for block in message.get("thinking_blocks", [])
    ]
    assert kept == [block for block in blocks if block["type"] in ("thinking", "redacted_thinking")]
    assert choice["native_finish_reason"] == body["stop_reason"]
    counted = body["usage"]
    read = (counted.get("cache_read_input_tokens") or 0) + (counted.get("cache_creation_input_tokens") or 0)
    assert response["usage"]["prompt_tokens"] == counted["input_tokens"] + read
    assert response["usage"]["completion_tokens"] == counted["output_tokens"]
    oracles.openai_response(orjson.loads(orjson.dumps(plain_openai(response))))


def plain_openai(response: Any) -> dict[str, Any]:
    """The response without annotations of types that OpenAI does not have; everything else it accepts as extras."""
    message = response["choices"][0]["message"]
    urls = [item for item in message.get("annotations", []) if item["type"] == "url_citation"]
    choice = response["choices"][0] | {"message": message | {"annotations": urls}}
    return {**response, "choices": [choice]}


@pytest.mark.parametrize("recording", messages_recordings(stream=False))
def test_every_recorded_answer_is_written_back_as_it_was(recording: Recording) -> None:
    body = recording.response_body
    again = CODEC.write_response(CODEC.read_response(body, reply_context(recording, vendor="anthropic")), CALLER)
    accepts_message(again)
    if recording.provider == "ollama":  # which signs nothing, while Anthropic's clients want a signature
        assert without_seals(again) == without_defaults(body)
    else:
        assert without_defaults(again) == without_defaults(body)


def without_seals(message: dict[str, Any]) -> dict[str, Any]:
    blocks = [{key: value for key, value in block.items() if key != "signature"} for block in message["content"]]
    return without_defaults(message | {"content": blocks})


def invoked() -> list[Any]:
    """Bedrock's recorded answers of Claude: its `invoke` hands the model's own body through."""
    cases = recordings(("bedrock", "invoke"), stream=False)
    return [case for case in cases if case.values[0] is None or case.values[0].response_body.get("type") == "message"]


@pytest.mark.parametrize("recording", invoked())
def test_bodies_of_the_same_shape_from_elsewhere_are_read(recording: Recording) -> None:
    body = recording.response_body
    again = CODEC.write_response(CODEC.read_response(body, reply_context(recording, vendor="anthropic")), CALLER)
    Message.model_validate(again)
    assert without_defaults(again) == without_defaults(body)


@pytest.mark.parametrize("pair", pairs())
def test_paired_answers_are_written_back_as_they_were(pair: dict[str, Any]) -> None:
    for dialect in ("anthropic", "bedrock-anthropic", "vertex-anthropic"):
        for key in ("response", "followup_response"):
            body = pair["dialects"].get(dialect, {}).get(key)
            if body is not None:
                again = CODEC.write_response(response_of(body), CALLER)
                oracles.anthropic_message(again)
                assert without_defaults(again) == without_defaults(body)


def test_tools_that_the_provider_ran_are_no_calls_and_keep_their_place() -> None:
    content: list[dict[str, Any]] = [
        {"type": "text", "text": "Searching. "},
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
        {"type": "text", "text": "Found."},
    ]
    body = answer(content)
    response = response_of(body)
    message = response["choices"][0]["message"]
    assert "tool_calls" not in message
    assert message["block_order"] == ["text:11", "provider_tool", "provider_tool", "text:6"]
    assert CODEC.write_response(response, CALLER)["content"] == content


def answer(content: list[dict[str, Any]], stop_reason: str = "end_turn", **more: Any) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 2},
    } | more


def test_citations_stand_where_their_text_stands() -> None:
    web = {
        "type": "web_search_result_location",
        "url": "https://a.example",
        "title": "A",
        "cited_text": "x",
        "encrypted_index": "E",
    }
    page = {"type": "page_location", "cited_text": "y", "document_index": 0, "document_title": None}
    content: list[dict[str, Any]] = [
        {"type": "text", "text": "Plain. "},
        {"type": "text", "text": "Cited.", "citations": [web, page]},
        {"type": "text", "text": " End."},
    ]
    response = response_of(answer(content))
    message = response["choices"][0]["message"]
    whole = "Plain. Cited. End."
    assert message["content"] == whole
    first, second = message["annotations"]
    place = first["url_citation"]
    assert whole[place["start_index"] : place["end_index"]] == "Cited."
    assert (place["url"], place["title"]) == ("https://a.example", "A")
    assert second["provider_citation"]["citation"] == page
    assert CODEC.write_response(response, CALLER)["content"] == content


@pytest.mark.parametrize(
    ("native", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("pause_turn", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "content_filter"),
        ("something_new", "stop"),
    ],
)
def test_stop_reasons_are_from_the_closed_set_with_the_own_word_beside(native: str, finish: str) -> None:
    response = response_of(answer([{"type": "text", "text": "x"}], native))
    assert response["choices"][0]["finish_reason"] == finish
    assert response["choices"][0]["native_finish_reason"] == native
    known = finish != "stop" or native != "something_new"
    assert CODEC.write_response(response, CALLER)["stop_reason"] == (native if known else "end_turn")


def test_a_foreign_stop_beside_a_call_is_tool_use_to_an_anthropic_client() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    choice = {"index": 0, "message": {"role": "assistant", "tool_calls": [call]}, "finish_reason": "stop"}
    assert CODEC.write_response({"choices": [choice]}, CALLER)["stop_reason"] == "tool_use"  # type: ignore[list-item]


def test_a_refusal_keeps_its_details() -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "no"}
    response = response_of(answer([], "refusal", stop_details=details))
    assert response["choices"][0]["provider_specific_fields"]["stop_details"] == details
    assert CODEC.write_response(response, CALLER)["stop_details"] == details


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"content": None},
        {"content": "text"},
        {"content": [1]},
        {"content": [{"type": "text"}]},
        {"content": [{"type": "tool_use", "id": "x"}]},
        {"content": [{"type": "tool_use", "id": "x", "name": "n", "input": "no object"}]},
        {"content": [{"type": "thinking"}]},
        {"content": [{"type": "text", "text": "x", "citations": "no list"}]},
    ],
)
def test_a_body_of_another_shape_is_the_providers_fault(body: dict[str, Any]) -> None:
    with pytest.raises(APIResponseValidationError):
        response_of(body)


def test_an_error_sent_with_a_200_is_an_error() -> None:
    with pytest.raises(APIError) as caught:
        response_of({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
    assert caught.value.provider_code == "overloaded_error"


def test_what_another_vendor_made_reaches_an_anthropic_client_whole() -> None:
    response: Any = {
        "id": "chatcmpl-1",
        "model": "gpt",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "See https://a.example",
                    "annotations": [
                        {
                            "type": "url_citation",
                            "url_citation": {
                                "start_index": 4,
                                "end_index": 21,
                                "url": "https://a.example",
                                "title": "A",
                            },
                        }
                    ],
                    "images": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}],
                    "tool_calls": [
                        {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1'}},
                        {"id": "c2", "type": "custom", "custom": {"name": "g", "input": "free text"}},
                    ],
                },
                "finish_reason": "tool_calls",
            }
        ],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }
    message = CODEC.write_response(response, CALLER)
    oracles.anthropic_message(message)
    text, note, broken, custom = message["content"]
    assert text["citations"][0]["cited_text"] == "https://a.example"
    assert "image/png" in note["text"]
    assert broken["input"] == {"INVALID_JSON": '{"a": 1'}
    assert custom["input"] == {"input": "free text"}
    assert message["stop_reason"] == "tool_use"
    assert message["usage"]["input_tokens"] == 10


def test_a_citation_of_another_vendor_comes_back_and_is_not_sent_to_anthropic() -> None:
    place = {"start_index": 0, "end_index": 3, "url": "https://a.example", "title": "A"}
    cited = {"type": "url_citation", "url_citation": place}
    message: Any = {"role": "assistant", "content": "See", "annotations": [cited]}
    content = CODEC.write_response({"choices": [{"index": 0, "message": message}]}, CALLER)["content"]
    turns = [{"role": "user", "content": "q"}, {"role": "assistant", "content": content}]
    hub = CODEC.read_request({"model": "m", "max_tokens": 9, "messages": turns}, RequestHints())
    assert hub["messages"][1] == message
    assert CODEC.write_request(hub, target()).body["messages"][1]["content"] == "See"


def test_names_that_were_changed_for_the_wire_come_back() -> None:
    names = {"short_1": "a name.with dots", "free__custom": "free"}
    content: list[dict[str, Any]] = [
        {"type": "tool_use", "id": "a", "name": "short_1", "input": {"x": 1}},
        {"type": "tool_use", "id": "b", "name": "free__custom", "input": {"input": "so free"}},
    ]
    calls = response_of(answer(content, "tool_use"), tool_names=names)["choices"][0]["message"]["tool_calls"]
    assert calls[0]["function"] == {"name": "a name.with dots", "arguments": '{"x":1}'}
    assert calls[1] == {"id": "b", "type": "custom", "custom": {"name": "free", "input": "so free"}}


def test_who_called_a_tool_is_kept_where_it_was_not_the_model_itself() -> None:
    caller = {"type": "code_execution_20250825", "tool_id": "srvtoolu_1"}
    content: list[dict[str, Any]] = [{"type": "tool_use", "id": "a", "name": "f", "input": {}, "caller": caller}]
    response = response_of(answer(content, "tool_use"))
    message: Any = response["choices"][0]["message"]
    assert message["tool_calls"][0]["extra_content"] == {"anthropic": {"caller": caller}}
    assert CODEC.write_response(response, CALLER)["content"] == content
    sent = CODEC.write_request({"messages": [{"role": "user", "content": "q"}, message]}, target()).body
    assert sent["messages"][1]["content"] == content
