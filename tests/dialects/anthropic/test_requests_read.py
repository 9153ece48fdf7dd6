"""Callers' requests: read, and written back equal up to the defaults that the package lists."""

from __future__ import annotations

from typing import Any

import pytest

from dragoman.dialects.anthropic_messages import CODEC
from dragoman.dialects.codec import RequestHints
from dragoman.errors import BadRequestError
from dragoman.types.model_facts import ModelFacts
from tests import oracles
from tests.dialects.anthropic.exchange import messages_recordings, read_back
from tests.recordings import Recording, pairs

NO_HINTS = RequestHints()


def canonical(body: dict[str, Any]) -> dict[str, Any]:
    """A request with what this dialect does not tell apart put into one form."""
    body = _without_null(body)
    wanted = body.pop("output_format", None)
    if wanted is not None:
        body["output_config"] = body.get("output_config", {}) | {"format": wanted}
    if body.get("stream") is False:
        del body["stream"]
    turns: list[dict[str, Any]] = []
    for turn in body["messages"]:
        blocks = _blocks(turn["content"])
        if turns and turns[-1]["role"] == turn["role"]:
            turns[-1]["content"] += blocks
        else:
            turns.append({"role": turn["role"], "content": blocks})
    body["messages"] = turns
    return body


def _without_null(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: _without_null(item) for key, item in value.items() if item is not None}
        return {key: item for key, item in kept.items() if not (key == "caller" and item == {"type": "direct"})}
    return [_without_null(item) for item in value] if isinstance(value, list) else value


def _blocks(content: Any) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def with_body() -> list[Any]:
    cases = messages_recordings(ok=None)
    return [case for case in cases if case.values[0] is None or case.values[0].request_body]


def facts_for(body: dict[str, Any]) -> ModelFacts:
    """What the recorded model must have been able to do."""
    native = "output_format" in body or "format" in body.get("output_config", {})
    return ModelFacts(json_schema=True if native else None)


@pytest.mark.parametrize("recording", with_body())
def test_every_recorded_request_is_read_and_written_back_equal(recording: Recording) -> None:
    body = recording.request_body
    written = read_back(body, facts_for(body), recording.model)
    if recording.status == 400:  # Anthropic refused its schema, which we make fit: see the test below
        assert written.dropped == ("response_format.json_schema.schema.properties.age.minimum",)
        return
    assert written.dropped == ()
    expected = canonical({"model": recording.model} | body)
    assert canonical(written.body) == expected
    ours = {key: value for key, value in written.body.items() if key != "mcp_servers"}
    if not any(block in str(ours) for block in ("advisor", "mcp_tool", "tool_addition")):  # beta only
        oracles.anthropic_request(ours)


@pytest.mark.parametrize("pair", pairs())
def test_every_paired_request_is_read_and_written_back_equal(pair: dict[str, Any]) -> None:
    for key in ("request", "followup_request"):
        body = pair["dialects"].get("anthropic", {}).get(key)
        if body is not None:
            written = read_back(body, facts_for(body))
            assert written.dropped == ()
            assert canonical(written.body) == canonical(body)
            oracles.anthropic_request(written.body)


def test_the_recorded_request_that_anthropic_refused_for_its_schema_is_made_fit() -> None:
    schema = {
        "type": "object",
        "properties": {"age": {"type": "integer", "minimum": 1, "description": "Years"}},
        "required": ["age"],
        "additionalProperties": False,
    }
    body = {"model": "m", "max_tokens": 9, "messages": [], "output_format": {"type": "json_schema", "schema": schema}}
    written = read_back(body, ModelFacts(json_schema=True))
    assert written.dropped == ("response_format.json_schema.schema.properties.age.minimum",)
    age = written.body["output_config"]["format"]["schema"]["properties"]["age"]
    assert age == {"type": "integer", "description": "Years\n\n{minimum: 1}"}


def body_with(**fields: Any) -> dict[str, Any]:
    return {"model": "m", "max_tokens": 10, "messages": [{"role": "user", "content": "hi"}]} | fields


def user(*blocks: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(blocks)}]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"model": "m", "messages": []}, "max_tokens"),
        ({"max_tokens": 1, "messages": []}, "model"),
        (body_with(messages=None), "messages"),
        (body_with(messages=[7]), "messages[0]"),
        (body_with(messages=[{"role": "robot", "content": ""}]), "messages[0].role"),
        (body_with(messages=[{"role": "user", "content": 7}]), "messages[0].content"),
        (body_with(messages=user({"type": "text"})), "messages[0].content[0].text"),
        (body_with(messages=user({"text": "x"})), "messages[0].content[0].type"),
        (body_with(messages=user({"type": "image"})), "messages[0].content[0].source"),
        (body_with(messages=user({"type": "tool_result"})), "messages[0].content[0].tool_use_id"),
        (
            body_with(messages=[{"role": "assistant", "content": [{"type": "tool_use", "id": "x"}]}]),
            "messages[0].content[0].name",
        ),
        (body_with(max_tokens="many"), "max_tokens"),
        (body_with(max_tokens=True), "max_tokens"),
        (body_with(temperature="hot"), "temperature"),
        (body_with(system=7), "system"),
        (body_with(tools={}), "tools"),
        (body_with(tools=[{"name": "f"}]), "tools[0].input_schema"),
        (body_with(tool_choice="auto"), "tool_choice"),
        (body_with(tool_choice={"type": "some"}), "tool_choice.type"),
        (body_with(stop_sequences=["a", 1]), "stop_sequences[1]"),
        (body_with(thinking={"budget_tokens": 1}), "thinking.type"),
        (body_with(metadata={"user_id": 7}), "metadata.user_id"),
        (body_with(output_config={"format": {"type": "xml"}}), "output_config.format.type"),
        (body_with(betas="x"), "betas"),
    ],
)
def test_a_wrong_field_is_refused_by_its_path(body: dict[str, Any], path: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        CODEC.read_request(body, NO_HINTS)
    assert caught.value.param == path


def test_what_has_a_common_name_is_read_under_it() -> None:
    body = body_with(
        system=[{"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
        stop_sequences=["END"],
        top_k=4,
        metadata={"user_id": "u1"},
        service_tier="standard_only",
        thinking={"type": "disabled"},
        output_config={"effort": "high"},
        tool_choice={"type": "auto", "disable_parallel_tool_use": True},
        tools=[{"name": "f", "description": "d", "input_schema": {"type": "object"}, "defer_loading": True}],
        context_management={"edits": []},
    )
    hub = CODEC.read_request(body, RequestHints(headers={"anthropic-beta": "a-1, b-2"}))
    assert hub["messages"][0]["content"] == [
        {"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    ]
    assert hub["stop"] == ["END"]
    assert hub["top_k"] == 4
    assert hub["user"] == "u1"
    assert hub["service_tier"] == "default"
    assert hub["reasoning_effort"] == "high"
    assert hub["tool_choice"] == "auto"
    assert hub["parallel_tool_calls"] is False
    assert hub["tools"][0]["function"] == {"name": "f", "description": "d", "parameters": {"type": "object"}}
    assert hub["vendor_params"]["anthropic"] == {
        "context_management": {"edits": []},
        "output_config": {"effort": "high"},
        "betas": ["a-1", "b-2"],
    }
    again = CODEC.write_request(hub, _target())
    assert canonical(again.body) == canonical(body)
    assert again.headers["anthropic-beta"] == "a-1,b-2,context-management-2025-06-27"


def _target() -> Any:
    from tests.dialects.anthropic.exchange import target

    return target(ModelFacts(reasoning="adaptive"), model="m")


def test_results_of_tools_are_messages_of_their_own_before_what_else_was_said() -> None:
    result = {
        "type": "tool_result",
        "tool_use_id": "t1",
        "is_error": True,
        "content": [
            {"type": "text", "text": "no"},
            {"type": "image", "source": {"type": "url", "url": "https://a.example/i.png"}},
        ],
    }
    history = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "f", "input": {"a": [1]}}]},
        {"role": "user", "content": [result, {"type": "text", "text": "and now?"}]},
    ]
    hub = CODEC.read_request(body_with(messages=history, tools=[{"name": "f", "input_schema": {}}]), NO_HINTS)
    _, assistant, tool, user_turn = hub["messages"]
    assert assistant["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"a":[1]}'}
    assert (tool["role"], tool["tool_call_id"], tool["is_error"]) == ("tool", "t1", True)
    assert user_turn["content"] == [{"type": "text", "text": "and now?"}]
    assert (
        canonical(CODEC.write_request(hub, _target()).body)["messages"]
        == canonical(body_with(messages=history))["messages"]
    )


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
        {"type": "image", "source": {"type": "url", "url": "https://a.example/i.png"}},
        {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
        {"type": "image", "source": {"type": "file", "file_id": "file_1"}, "transformations": {}},
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"}},
        {"type": "document", "source": {"type": "url", "url": "https://a.example/d.pdf"}, "title": "D"},
        {"type": "document", "source": {"type": "file", "file_id": "file_2"}, "context": "C"},
        {
            "type": "document",
            "source": {"type": "text", "media_type": "text/plain", "data": "Größe \u2028 x"},
            "citations": {"enabled": True},
            "title": "notes",
            "cache_control": {"type": "ephemeral"},
        },
        {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "x"}]}},
        {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "x"}]},
        {"type": "container_upload", "file_id": "file_3"},
        {"type": "text", "text": "marked", "cache_control": {"type": "ephemeral", "ttl": "5m"}},
    ],
)
def test_every_kind_of_block_comes_back_as_it_was(block: dict[str, Any]) -> None:
    messages = [{"role": "user", "content": [block, {"type": "text", "text": "?"}]}]
    assert read_back(body_with(messages=messages)).body["messages"] == messages


def test_instructions_in_the_middle_stay_there_for_a_caller_who_put_them_there() -> None:
    """Claude Code does, and knows which models take them; a model known not to take them gets them as the user's words."""
    messages = [{"role": "user", "content": "a"}, {"role": "system", "content": "Now in French."}]
    assert read_back(body_with(messages=messages)).body["messages"] == messages
    old = read_back(body_with(messages=messages), ModelFacts(mid_system=False)).body["messages"]
    assert [turn["role"] for turn in old] == ["user"]
