"""The hub's requests in Anthropic's words: turns, parts, tools, parameters."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from dragoman.errors import BadRequestError, UnsupportedParamsError
from dragoman.types.model_facts import ModelFacts
from tests import oracles
from tests.dialects.anthropic.exchange import written


def call(call_id: str, name: str = "f", arguments: str = "{}", **more: Any) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}} | more


def calling(*calls: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": list(calls)} | more


def result(call_id: str, content: Any = "ok", **more: Any) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": content} | more


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def text(value: str) -> dict[str, Any]:
    return {"type": "text", "text": value}


FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}


def turns(*messages: dict[str, Any], facts: ModelFacts | None = None, **more: Any) -> list[dict[str, Any]]:
    body = written({"messages": list(messages), "tools": [FUNCTION]}, facts or ModelFacts(), **more).body
    oracles.anthropic_request(body)
    listed: list[dict[str, Any]] = body["messages"]
    return listed


def test_leading_instructions_stand_beside_the_conversation() -> None:
    body = written(
        {
            "messages": [
                {"role": "system", "content": "A"},
                {"role": "developer", "content": [text("B") | {"cache_control": {"type": "ephemeral"}}]},
                user("hi"),
            ]
        }
    ).body
    assert body["system"] == [text("A"), text("B") | {"cache_control": {"type": "ephemeral"}}]
    assert body["messages"] == [user("hi")]
    assert written({"messages": [{"role": "system", "content": "A"}, user("x")]}).body["system"] == "A"


def test_later_instructions_are_the_users_words_unless_the_model_takes_them_there() -> None:
    history = [user("a"), {"role": "system", "content": "Now in French."}]
    assert turns(*history) == [{"role": "user", "content": [text("a"), text("Now in French.")]}]
    kept = turns(*history, facts=ModelFacts(mid_system=True))
    assert kept == [user("a"), {"role": "system", "content": "Now in French."}]
    followed = turns(*history, user("b"), facts=ModelFacts(mid_system=True))
    assert followed == [{"role": "user", "content": [text("a"), text("Now in French."), text("b")]}]


def test_only_instructions_still_make_a_turn() -> None:
    body = written({"messages": [{"role": "system", "content": "A"}]}).body
    assert [turn["role"] for turn in body["messages"]] == ["user"]


def test_neighbours_merge_and_the_first_turn_is_the_users() -> None:
    assert turns({"role": "assistant", "content": "x"}, user("a"), user("b")) == [
        {"role": "user", "content": [text(".")]},
        {"role": "assistant", "content": "x"},
        {"role": "user", "content": [text("a"), text("b")]},
    ]


def test_empty_turns_and_blank_text_are_left_out() -> None:
    assert turns(user("a"), {"role": "assistant", "content": ""}, user([text(" "), text("b")])) == [
        {"role": "user", "content": [text("a"), text("b")]}
    ]


def test_a_prefill_loses_the_white_space_at_its_end() -> None:
    assert turns(user("a"), {"role": "assistant", "content": "Sure: \n"})[-1]["content"] == "Sure:"


def test_a_prefill_for_a_model_without_is_refused_by_its_place() -> None:
    facts = ModelFacts(prefill=False)
    request = {"messages": [user("a"), {"role": "assistant", "content": "Sure"}]}
    with pytest.raises(UnsupportedParamsError) as caught:
        written(request, facts)
    assert caught.value.param == "messages[1]"
    dropped = written(request, facts, drop_params=True)
    assert (dropped.dropped, dropped.body["messages"]) == (("messages[1]",), [user("a")])


def test_a_paused_turn_is_no_prefill() -> None:
    block = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    paused = {
        "role": "assistant",
        "content": "Searching",
        "provider_tool_blocks": [{"vendor": "anthropic", "block": block}],
        "block_order": ["provider_tool", "text:9"],
    }
    assert turns(user("a"), paused, facts=ModelFacts(prefill=False))[-1]["content"] == [block, text("Searching")]


def test_results_of_one_turn_are_one_turn_before_all_else() -> None:
    history = [user("a"), calling(call("1"), call("2")), user("meanwhile"), result("2", "two"), result("1", "one")]
    assert turns(*history)[-1] == {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": "1", "content": "one"},
            {"type": "tool_result", "tool_use_id": "2", "content": "two"},
            text("meanwhile"),
        ],
    }


def test_a_call_without_a_result_gets_one_and_a_result_without_a_call_is_text() -> None:
    *_, last = turns(user("a"), calling(call("1"), call("2")), result("1"), result("gone", "late"), user("b"))
    first, second, orphan, said = last["content"]
    assert (first["tool_use_id"], second["tool_use_id"], second["is_error"]) == ("1", "2", True)
    assert orphan == text("Result of the tool call gone: late")
    assert said == text("b")
    assert turns(user("a"), calling(call("1")))[-1]["content"][0]["is_error"] is True


def test_results_keep_their_kind() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    history = [user("a"), calling(call("1"), call("2"), call("3"))]
    mark = {"type": "ephemeral"}
    *_, last = turns(
        *history,
        result("1", [text("see"), image], is_error=True, cache_control=mark),
        result("2", {"json": [1]}),
        result("3", ""),
    )
    first, second, third = last["content"]
    assert first["content"][1]["source"] == {"type": "base64", "media_type": "image/png", "data": "AAAA"}
    assert (first["is_error"], first["cache_control"]) == (True, mark)
    assert second["content"] == '{"json":[1]}'
    assert third["content"] == ""


def test_ids_and_names_that_anthropic_refuses_are_changed_alike_everywhere() -> None:
    name = "mcp.server/tool " + "x" * 130
    request = {
        "messages": [user("a"), calling(call("functions.f:0", name)), result("functions.f:0")],
        "tools": [{"type": "function", "function": {"name": name}}],
        "tool_choice": {"type": "function", "function": {"name": name}},
    }
    wire = written(request)
    use = wire.body["messages"][1]["content"][0]
    assert use["id"] == wire.body["messages"][2]["content"][0]["tool_use_id"]
    assert all(character.isalnum() or character in "_-" for character in use["id"] + use["name"])
    assert len(use["name"]) <= 128
    assert use["name"] == wire.body["tools"][0]["name"] == wire.body["tool_choice"]["name"]
    assert wire.tool_names == {use["name"]: name}
    assert written(request).body == wire.body


def test_functions_of_the_older_api_are_tools() -> None:
    wire = written(
        {
            "messages": [
                user("a"),
                {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": '{"x": 1}'}},
                {"role": "function", "name": "f", "content": "7"},
            ],
            "functions": [{"name": "f", "parameters": {"type": "object", "properties": {}}}],
            "function_call": {"name": "f"},
        }
    )
    oracles.anthropic_request(wire.body)
    use, answer = wire.body["messages"][1]["content"][0], wire.body["messages"][2]["content"][0]
    assert (use["input"], answer["content"]) == ({"x": 1}, "7")
    assert use["id"] == answer["tool_use_id"]
    assert wire.body["tool_choice"] == {"type": "tool", "name": "f"}


@pytest.mark.parametrize(
    ("choice", "parallel", "expected"),
    [
        (None, None, None),
        ("auto", None, {"type": "auto"}),
        ("none", True, {"type": "none"}),
        ("required", None, {"type": "any"}),
        ("required", False, {"type": "any", "disable_parallel_tool_use": True}),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (None, True, None),
        ({"type": "function", "function": {"name": "f"}}, None, {"type": "tool", "name": "f"}),
    ],
)
def test_the_choice_among_tools(choice: Any, parallel: Any, expected: Any) -> None:
    body = written({"tools": [FUNCTION], "tool_choice": choice, "parallel_tool_calls": parallel}).body
    oracles.anthropic_request(body)
    assert body.get("tool_choice") == expected


def test_allowed_tools_leave_the_others_out() -> None:
    other = {"type": "function", "function": {"name": "g"}}
    choice = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [other]}}
    body = written({"tools": [FUNCTION, other], "tool_choice": choice}).body
    assert [tool["name"] for tool in body["tools"]] == ["g"]
    assert body["tool_choice"] == {"type": "any"}


def test_tools_in_the_history_are_defined_although_none_may_be_called() -> None:
    body = written({"messages": [user("a"), calling(call("1")), result("1"), user("b")]}).body
    assert [tool["name"] for tool in body["tools"]] == ["f"]
    assert body["tool_choice"] == {"type": "none"}


def test_tool_definitions() -> None:
    strict = {
        "type": "function",
        "function": {
            "name": "s",
            "strict": True,
            "parameters": {"type": "object", "properties": {"n": {"type": "integer", "minimum": 2}}},
        },
    }
    custom = {"type": "custom", "custom": {"name": "sql", "description": "Runs SQL"}}
    bare = {"type": "function", "function": {"name": "bare"}, "cache_control": {"type": "ephemeral"}}
    wire = written({"tools": [strict, custom, bare]})
    oracles.anthropic_request(wire.body)
    first, second, third = wire.body["tools"]
    assert first["strict"] is True
    assert first["input_schema"]["additionalProperties"] is False
    assert wire.dropped == ("tools[0].function.parameters.properties.n.minimum",)
    assert second["input_schema"]["properties"] == {"input": {"type": "string"}}
    assert wire.tool_names[second["name"]] == "sql"
    assert third == {
        "name": "bare",
        "input_schema": {"type": "object", "properties": {}},
        "cache_control": {"type": "ephemeral"},
    }


def test_strict_is_given_up_where_the_model_or_the_schema_has_no_such_thing() -> None:
    opened = {"type": "object", "properties": {"a": {"type": "object"}}}
    tool = {"type": "function", "function": {"name": "f", "strict": True, "parameters": opened}}
    wire = written({"tools": [tool]})
    assert wire.body["tools"][0]["input_schema"] == opened
    assert "strict" not in wire.body["tools"][0]
    assert wire.dropped == ("tools[0].function.strict",)
    assert written({"tools": [tool]}, ModelFacts(json_schema=False)).dropped == ("tools[0].function.strict",)


def test_a_tool_whose_arguments_are_no_plain_object_is_refused_by_the_keyword() -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {"anyOf": [{"type": "object"}]}}}
    with pytest.raises(UnsupportedParamsError) as caught:
        written({"tools": [tool]})
    assert caught.value.param == "tools[0].function.parameters.anyOf"


def test_tools_that_the_provider_runs() -> None:
    own = {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}
    wire = written({"tools": [own, {"googleSearch": {}}, {"codeExecution": {}}, {"type": "computer_20250124"}]})
    assert [tool["type"] for tool in wire.body["tools"]] == [
        "web_search_20250305",
        "web_search_20250305",
        "code_execution_20250825",
        "computer_20250124",
    ]
    assert wire.body["tools"][0] == own
    assert wire.headers == {"anthropic-beta": "computer-use-2025-01-24"}
    with pytest.raises(UnsupportedParamsError) as caught:
        written({"tools": [{"googleMaps": {}}]})
    assert caught.value.param == "tools[0]"


def test_web_search_options_are_the_tool() -> None:
    options = {"user_location": {"type": "approximate", "approximate": {"city": "Rome"}}, "search_context_size": "low"}
    wire = written({"web_search_options": options})
    assert wire.body["tools"] == [
        {"type": "web_search_20250305", "name": "web_search", "user_location": {"type": "approximate", "city": "Rome"}}
    ]
    assert wire.dropped == ("web_search_options.search_context_size",)


def base64_of(value: str) -> str:
    return b64encode(value.encode()).decode()


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (
            {"type": "image_url", "image_url": {"url": "data:image/jpg;base64,AAAA", "detail": "high"}},
            {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "AAAA"}},
        ),
        (
            {"type": "image_url", "image_url": "https://a.example/i.png"},
            {"type": "image", "source": {"type": "url", "url": "https://a.example/i.png"}},
        ),
        (
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf"}},
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"},
                "title": "a.pdf",
            },
        ),
        (
            {"type": "file", "file": {"file_data": "AAAA", "filename": "i.png"}},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
        ),
        (
            {"type": "file", "file": {"file_data": "data:text/markdown;base64," + base64_of("# Ü")}},
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "# Ü"}},
        ),
        (
            {"type": "file", "file": {"file_data": "data:text/plain,a%20b"}},
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "a b"}},
        ),
        (
            {"type": "file", "file": {"file_id": "file_1"}, "citations": {"enabled": True}, "context": "c"},
            {
                "type": "document",
                "source": {"type": "file", "file_id": "file_1"},
                "context": "c",
                "citations": {"enabled": True},
            },
        ),
        (
            {"type": "file", "file": {"file_url": "https://a.example/d.pdf"}},
            {"type": "document", "source": {"type": "url", "url": "https://a.example/d.pdf"}},
        ),
    ],
)
def test_parts(part: dict[str, Any], block: dict[str, Any]) -> None:
    body = written({"messages": [user([part, text("?")])]}).body
    oracles.anthropic_request(body)
    assert body["messages"][0]["content"][0] == block


@pytest.mark.parametrize(
    ("part", "path"),
    [
        ({"type": "input_audio", "input_audio": {"data": "A", "format": "wav"}}, "messages[0].content[1]"),
        ({"type": "video_url", "video_url": {"url": "https://a.example/v.mp4"}}, "messages[0].content[1]"),
        ({"type": "image_url", "image_url": {"url": "gs://b/i.png"}}, "messages[0].content[1].image_url.url"),
        (
            {"type": "file", "file": {"file_data": "data:audio/wav;base64,AA=="}},
            "messages[0].content[1].file.file_data",
        ),
        ({"type": "document", "vendor": "google"}, "messages[0].content[1]"),
    ],
)
def test_parts_that_anthropic_has_not_are_refused_or_reported(part: dict[str, Any], path: str) -> None:
    request = {"messages": [user([text("?"), part])]}
    with pytest.raises(UnsupportedParamsError) as caught:
        written(request)
    assert caught.value.param == path
    dropped = written(request, drop_params=True)
    assert dropped.dropped == (path,)
    assert dropped.body["messages"][0]["content"] == [text("?")]


@pytest.mark.parametrize(
    ("request_fields", "expected"),
    [
        ({"max_completion_tokens": 7, "max_tokens": 9}, {"max_tokens": 7}),
        ({"stop": "END"}, {"stop_sequences": ["END"]}),
        ({"temperature": 0.5, "top_p": 0.9, "top_k": 5}, {"temperature": 0.5, "top_p": 0.9, "top_k": 5}),
        ({"user": "u"}, {"metadata": {"user_id": "u"}}),
        ({"safety_identifier": "h"}, {"metadata": {"user_id": "h"}}),
        ({"metadata": {"user_id": "m"}}, {"metadata": {"user_id": "m"}}),
        ({"service_tier": "auto"}, {"service_tier": "auto"}),
        ({"service_tier": "default"}, {"service_tier": "standard_only"}),
        ({"mcp_servers": [{"name": "s"}]}, {"mcp_servers": [{"name": "s"}]}),
        ({"vendor_params": {"anthropic": {"inference_geo": "us"}}}, {"inference_geo": "us"}),
        ({"n": 1, "presence_penalty": 0.0, "logprobs": False, "store": False, "logit_bias": {}}, {}),
        ({"stream_options": {"include_usage": True}}, {}),
    ],
)
def test_parameters(request_fields: dict[str, Any], expected: dict[str, Any]) -> None:
    wire = written(request_fields)
    base = {"model": "claude-x", "max_tokens": 32_000, "messages": [user("hi")]}
    assert wire.body == base | expected
    assert wire.dropped == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n", 2),
        ("seed", 1),
        ("logprobs", True),
        ("top_logprobs", 3),
        ("logit_bias", {"1": 2}),
        ("presence_penalty", 0.5),
        ("frequency_penalty", -0.5),
        ("temperature", 1.5),
        ("stop", "\n"),
        ("modalities", ["text", "audio"]),
        ("audio", {"voice": "x"}),
        ("store", True),
        ("service_tier", "flex"),
        ("metadata", {"team": "x"}),
        ("verbosity", "low"),
        ("safety_settings", [{"x": 1}]),
        ("cached_content", "c"),
        ("response_format", {"type": "grammar"}),
        ("reasoning_effort", "enormous"),
        ("from_the_future", 1),
    ],
)
def test_what_anthropic_has_no_word_for_is_refused_or_reported(name: str, value: Any) -> None:
    with pytest.raises(UnsupportedParamsError) as caught:
        written({name: value})
    assert caught.value.param == name
    dropped = written({name: value}, drop_params=True)
    assert dropped.dropped == (name,)
    assert dropped.body == written({}).body
    assert written({name: value}, additional_drop_params=(name,)).dropped == (name,)


def test_a_parameter_that_the_caller_insists_on_is_sent() -> None:
    assert written({"from_the_future": 1}, allowed_openai_params=("from_the_future",)).body["from_the_future"] == 1


def test_parameters_of_another_vendor_are_refused() -> None:
    with pytest.raises(UnsupportedParamsError, match="enhancedCivicAnswers"):
        written({"vendor_params": {"google": {"enhancedCivicAnswers": True}}})


def test_parameters_of_another_vendor_that_only_tune_are_reported() -> None:
    assert written({"vendor_params": {"google": {"labels": {"a": "b"}}}}).dropped == ("labels",)


def test_the_maximum_is_the_models_own_where_the_caller_names_none() -> None:
    assert written({}, ModelFacts(max_output_tokens=64000)).body["max_tokens"] == 64000


def test_cache_marks_are_kept_wherever_they_stand() -> None:
    mark = {"type": "ephemeral", "ttl": "1h"}
    messages = [
        {"role": "system", "content": "s", "cache_control": mark},
        user("a") | {"cache_control": mark},
        calling(call("1", cache_control=mark)),
        result("1", "r", cache_control=mark),
        {"role": "assistant", "content": [text("x"), text("y") | {"cache_control": mark}]},
        user([text("b") | {"cache_control": mark}]),
    ]
    body = written({"messages": messages, "tools": [FUNCTION | {"cache_control": mark}]}).body
    oracles.anthropic_request(body)
    assert str(body).count("1h") == 7
    assert body["system"] == [text("s") | {"cache_control": mark}]
    assert body["messages"][3]["content"] == [text("x"), text("y") | {"cache_control": mark}]


@pytest.mark.parametrize(
    "messages",
    [
        None,
        "hi",
        [1],
        [{"role": "user", "content": 7}],
        [{"role": "user", "content": [7]}],
        [{"content": "x"}],
        [{"role": "wizard", "content": "x"}],
        [{"role": "tool", "content": "x"}],
        [{"role": "assistant", "content": 7}],
        [{"role": "assistant", "tool_calls": [{"id": "1"}]}],
        [{"role": "user", "content": [{"type": "text"}]}],
        [{"role": "user", "content": [{"type": "image_url"}]}],
        [{"role": "user", "content": [{"type": "file", "file": 1}]}],
    ],
)
def test_a_broken_conversation_is_the_callers_fault(messages: Any) -> None:
    with pytest.raises(BadRequestError) as caught:
        written({"messages": messages})
    assert (caught.value.param or "").startswith("messages")


def test_a_message_that_was_edited_since_keeps_its_text_whole() -> None:
    message = {
        "role": "assistant",
        "content": "Edited by hand",
        "tool_calls": [call("1")],
        "thinking_blocks": [{"type": "thinking", "thinking": "t", "signature": "s"}],
        "block_order": ["text:3", "thinking", "text:4", "tool_call", "nonsense", 7, "text:x"],
    }
    sent = turns(user("a"), message, result("1"))[1]["content"]
    assert [block["type"] for block in sent] == ["text", "thinking", "tool_use"]
    assert sent[0]["text"] == "Edited by hand"


@pytest.mark.parametrize("choice", ["sometimes", {"type": "grammar"}, 7])
def test_a_choice_that_is_none_is_refused(choice: Any) -> None:
    with pytest.raises(UnsupportedParamsError) as caught:
        written({"tools": [FUNCTION], "tool_choice": choice})
    assert caught.value.param == "tool_choice"


def test_what_is_no_tool_is_refused_by_its_place() -> None:
    with pytest.raises(UnsupportedParamsError) as caught:
        written({"tools": [FUNCTION, {"type": "telepathy"}]})
    assert caught.value.param == "tools[1]"
    grammar = {"type": "custom", "custom": {"name": "g", "format": {"type": "grammar"}}}
    with pytest.raises(UnsupportedParamsError) as caught:
        written({"tools": [grammar]})
    assert caught.value.param == "tools[0].custom.format"
