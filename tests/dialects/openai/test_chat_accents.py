"""How a request is written for providers who say some things differently, or cannot say them."""

from __future__ import annotations

from typing import Any

import pytest

from dragoman.dialects.codec import RequestHints
from dragoman.dialects.openai_chat import ACCENTS, CODEC, ChatAccent
from dragoman.errors import UnsupportedParamsError
from dragoman.models import facts
from dragoman.types.model_facts import ModelFacts
from tests.dialects.openai._recorded import chats, good, target
from tests.recordings import Recording

USER = {"role": "user", "content": "hi"}
FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
ONE_TOOL = {"type": "function", "function": {"name": "f"}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}, "strict": True}}


def write(provider: str = "somebody", facts: ModelFacts | None = None, model: str = "m", **request: Any) -> Any:
    options = {key: request.pop(key) for key in list(request) if key in ("accent", "vendor")}
    options |= {key: request.pop(key) for key in list(request) if key in ("drop_params", "additional_drop_params")}
    options |= {key: request.pop(key) for key in list(request) if key in ("allowed_openai_params",)}
    asked: Any = {"model": "alias", "messages": [USER], **request}
    return CODEC.write_request(asked, target(provider, model, facts=facts or ModelFacts(), **options))


@pytest.mark.parametrize(
    ("provider", "facts", "asked", "sent"),
    [
        ("openai", ModelFacts(), {"max_tokens": 5}, {"max_tokens": 5}),
        ("openai", ModelFacts(), {"max_completion_tokens": 5}, {"max_completion_tokens": 5}),
        ("openai", ModelFacts(reasoning="effort"), {"max_tokens": 5}, {"max_completion_tokens": 5}),
        ("openai", ModelFacts(sampling=False), {"max_tokens": 5}, {"max_completion_tokens": 5}),
        ("mistral", ModelFacts(), {"max_completion_tokens": 5}, {"max_tokens": 5}),
        ("mistral", ModelFacts(), {"max_completion_tokens": 5, "max_tokens": 9}, {"max_tokens": 5}),
        ("cerebras", ModelFacts(), {"max_tokens": 5}, {"max_completion_tokens": 5}),
        ("mistral", ModelFacts(), {"seed": 7}, {"random_seed": 7}),
        ("mistral", ModelFacts(), {"tools": [FUNCTION], "tool_choice": "required"}, {"tool_choice": "any"}),
        ("groq", ModelFacts(), {"n": 1, "logprobs": False}, {}),
        ("openai", ModelFacts(sampling=False), {"temperature": 1, "presence_penalty": 0}, {}),
        ("somebody", ModelFacts(), {"top_k": 3, "min_p": 0.1}, {"top_k": 3, "min_p": 0.1}),
        # what providers took up since they were known to refuse it
        ("mistral", ModelFacts(), {"top_k": 3, "logprobs": True}, {"top_k": 3, "logprobs": True}),
        ("cerebras", ModelFacts(), {"logit_bias": {"1": 2}, "n": 2}, {"logit_bias": {"1": 2}, "n": 2}),
        ("perplexity", ModelFacts(), {"n": 2, "seed": 1}, {"n": 2, "seed": 1}),
        ("writer", ModelFacts(), {"seed": 1, "n": 2}, {"seed": 1, "n": 2}),
        ("cloudflare", ModelFacts(), {"n": 2}, {"n": 2}),
        ("xai", ModelFacts(), {"presence_penalty": 0, "top_k": 3}, {"top_k": 3}),
        # reasoning, in every form
        ("openai", ModelFacts(), {"reasoning_effort": "low"}, {"reasoning_effort": "low"}),
        (
            "openai",
            ModelFacts(),
            {"thinking": {"type": "enabled", "budget_tokens": 2000}},
            {"reasoning_effort": "medium"},
        ),
        (
            "openai",
            ModelFacts(),
            {"thinking": {"type": "adaptive"}, "reasoning_effort": "high"},
            {"reasoning_effort": "high"},
        ),
        ("openai", ModelFacts(), {"thinking": {"type": "adaptive"}}, {}),
        (
            "openai",
            ModelFacts(can_disable_reasoning=True),
            {"thinking": {"type": "disabled"}},
            {"reasoning_effort": "none"},
        ),
        ("openai", ModelFacts(reasoning="none"), {"thinking": {"type": "disabled"}}, {}),
        ("openrouter", ModelFacts(), {"reasoning_effort": "low"}, {"reasoning_effort": "low"}),
        (
            "openrouter",
            ModelFacts(),
            {"thinking": {"type": "enabled", "budget_tokens": 9}},
            {"reasoning": {"max_tokens": 9}},
        ),
        ("openrouter", ModelFacts(), {"thinking": {"type": "disabled"}}, {"reasoning": {"enabled": False}}),
        (
            "zai",
            ModelFacts(),
            {"thinking": {"type": "enabled", "clear_thinking": False}},
            {"thinking": {"type": "enabled", "clear_thinking": False}},
        ),
        ("zai", ModelFacts(), {"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}),
        ("deepseek", ModelFacts(), {"reasoning_effort": "low"}, {"reasoning_effort": "low"}),
        (
            "deepseek",
            ModelFacts(),
            {"thinking": {"type": "enabled", "budget_tokens": 4096}},
            {"thinking": {"type": "enabled"}, "reasoning_effort": "high"},
        ),
        ("moonshot", ModelFacts(), {"thinking": {"type": "disabled"}}, {"thinking": {"type": "disabled"}}),
        ("moonshot", facts("moonshot", "kimi-k3"), {"reasoning_effort": "low"}, {"reasoning_effort": "low"}),
        (
            "moonshot",
            facts("moonshot", "kimi-k3"),
            {"thinking": {"type": "enabled", "budget_tokens": 9999}},
            {"reasoning_effort": "max"},
        ),
        ("zai", facts("zai", "glm-5.3"), {"thinking": {"type": "disabled"}}, {}),
        ("cohere", facts("cohere", "command-a-reasoning"), {"reasoning_effort": "low"}, {"reasoning_effort": "high"}),
        ("alibaba", ModelFacts(), {"reasoning_effort": "none"}, {"enable_thinking": False}),
        (
            "alibaba",
            ModelFacts(),
            {"thinking": {"type": "enabled", "budget_tokens": 500}},
            {"enable_thinking": True, "thinking_budget": 500},
        ),
        (
            "anthropic",
            ModelFacts(),
            {"thinking": {"type": "enabled", "budget_tokens": 2000}},
            {"thinking": {"type": "enabled", "budget_tokens": 2000}},
        ),
        (
            "databricks",
            ModelFacts(),
            {"reasoning_effort": "high"},
            {"thinking": {"type": "enabled", "budget_tokens": 4096}},
        ),
    ],
)
def test_parameters(provider: str, facts: ModelFacts, asked: Any, sent: Any) -> None:
    wire = write(provider, facts, **asked)
    body = {key: value for key, value in wire.body.items() if key not in ("model", "messages", "tools")}
    assert body == sent
    assert wire.body["model"] == "m"


@pytest.mark.parametrize(
    ("provider", "facts", "asked", "param"),
    [
        ("openai", ModelFacts(), {"top_k": 3}, "top_k"),
        ("openai", ModelFacts(sampling=False), {"temperature": 0.2}, "temperature"),
        ("openai", ModelFacts(), {"safety_settings": [{}]}, "safety_settings"),
        ("openai", ModelFacts(), {"cached_content": "x"}, "cached_content"),
        ("openai", ModelFacts(), {"vendor_params": {"anthropic": {"container": "c"}}}, "container"),
        ("openai", ModelFacts(reasoning="none"), {"reasoning_effort": "low"}, "reasoning_effort"),
        (
            "openai",
            ModelFacts(reasoning="effort", can_disable_reasoning=False),
            {"reasoning_effort": "none"},
            "reasoning_effort",
        ),
        ("zai", facts("zai", "glm-5.3"), {"reasoning_effort": "none"}, "reasoning_effort"),
        ("zai", ModelFacts(), {"tools": [FUNCTION], "tool_choice": "required"}, "tool_choice"),
        ("databricks", ModelFacts(forced_tools=False), {"tools": [FUNCTION], "tool_choice": ONE_TOOL}, "tool_choice"),
        ("openai", facts("openai", "gpt-6-astra"), {"temperature": 0.2}, "temperature"),
        ("heroku", ModelFacts(), {"thinking": {"type": "enabled", "budget_tokens": 9}}, "thinking"),
        ("groq", ModelFacts(), {"logprobs": True}, "logprobs"),
        ("groq", ModelFacts(), {"frequency_penalty": 0.5}, "frequency_penalty"),
        ("xai", ModelFacts(), {"presence_penalty": 0.5}, "presence_penalty"),
        ("cohere", ModelFacts(), {"metadata": {"a": "b"}}, "metadata"),
        ("openai", ModelFacts(), {"modalities": ["text", "image"]}, "modalities"),
        ("mistral", ModelFacts(), {"logit_bias": {"1": 2}}, "logit_bias"),
        ("perplexity", ModelFacts(), {"tools": [FUNCTION]}, "tools"),
        ("perplexity", ModelFacts(), {"messages": [USER, {"role": "assistant", "content": "So"}]}, "messages[1]"),
        (
            "openai",
            ModelFacts(),
            {"tools": [FUNCTION, {"type": "computer", "vendor": "anthropic", "definition": {}}]},
            "tools[1]",
        ),
        (
            "openai",
            ModelFacts(),
            {"messages": [{"role": "user", "content": [{"type": "video_url", "video_url": {"url": "u"}}]}]},
            "messages[0].content[0]",
        ),
        (
            "openai",
            ModelFacts(),
            {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_url": "u"}}]}]},
            "messages[0].content[0]",
        ),
        (
            "openai",
            ModelFacts(),
            {"messages": [{"role": "user", "content": [{"type": "executable", "vendor": "google"}]}]},
            "messages[0].content[0]",
        ),
    ],
)
def test_what_cannot_be_said_is_refused_or_reported(provider: str, facts: ModelFacts, asked: Any, param: str) -> None:
    with pytest.raises(UnsupportedParamsError) as caught:
        write(provider, facts, **asked)
    assert caught.value.param == param
    assert provider in caught.value.message
    assert param in write(provider, facts, drop_params=True, **asked).dropped


ASKED = [p for p in good(chats()) if p.values[0] is None or "messages" in (p.values[0].request_body or {})]


@pytest.mark.parametrize("recording", ASKED)
def test_no_accent_refuses_what_its_provider_was_recorded_to_accept(recording: Recording) -> None:
    asked = {key: value for key, value in (recording.request_body or {}).items() if value is not None}
    request = CODEC.read_request(asked, RequestHints(model=recording.model or "m"))
    wire = CODEC.write_request(request, target(recording.provider, recording.model or "m", drop_params=True))
    assert not asked.keys() & set(wire.dropped)


def test_images_go_to_deepseek_and_sounds_do_not() -> None:
    image = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://a.example/x.png"}}]}
    assert write("deepseek", messages=[image]).body["messages"] == [image]
    sound = {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}]}
    with pytest.raises(UnsupportedParamsError):
        write("deepseek", messages=[sound])


@pytest.mark.parametrize("provider", ["groq", "mistral"])
def test_a_name_goes_only_to_those_who_know_it_and_that_is_reported(provider: str) -> None:
    named = {**USER, "name": "Ann"}
    assert write("openai", messages=[named]).body["messages"] == [named]
    wire = write(provider, messages=[named])
    assert wire.body["messages"] == [USER]
    assert wire.dropped == ("messages[0].name",)


def test_the_caller_can_insist_or_leave_out() -> None:
    assert write("openai", top_k=3, allowed_openai_params=("top_k",)).body["top_k"] == 3
    wire = write("openai", temperature=0.1, additional_drop_params=("temperature",))
    assert "temperature" not in wire.body
    assert wire.dropped == ("temperature",)


def test_own_vendor_params_and_tools_are_sent_as_they_are() -> None:
    tool = {"type": "x", "vendor": "openrouter", "definition": {"type": "openrouter:advisor"}}
    wire = write("openrouter", vendor_params={"openrouter": {"transforms": []}}, tools=[tool])
    assert wire.body["transforms"] == []
    assert wire.body["tools"] == [{"type": "openrouter:advisor"}]


def test_a_web_search_becomes_openais_for_models_that_search() -> None:
    tool = {"type": "web_search", "vendor": "anthropic", "definition": {}}
    body = write("openai", model="gpt-4o-search-preview", tools=[tool], tool_choice="auto").body
    assert body["web_search_options"] == {}
    assert "tools" not in body
    assert "tool_choice" not in body


def test_a_temperature_above_the_limit_is_cut_and_reported() -> None:
    wire = write("anthropic", temperature=1.7)
    assert wire.body["temperature"] == 1.0
    assert wire.dropped == ("temperature",)


def test_tool_names_are_mapped_in_definitions_choice_and_history() -> None:
    long = "a.tool/with:a very long name" * 4
    call = {"id": "c", "type": "function", "function": {"name": long, "arguments": "{}"}}
    wire = write(
        "openai",
        tools=[{"type": "function", "function": {"name": long}}],
        tool_choice={"type": "function", "function": {"name": long}},
        messages=[USER, {"role": "assistant", "content": None, "tool_calls": [call]}],
    )
    (short,) = wire.tool_names
    assert wire.tool_names == {short: long}
    assert len(short) <= 64
    assert wire.body["tools"][0]["function"]["name"] == short
    assert wire.body["tool_choice"]["function"]["name"] == short
    assert wire.body["messages"][1]["tool_calls"][0]["function"]["name"] == short


def test_allowed_tools_become_a_shorter_list_elsewhere() -> None:
    other = {"type": "function", "function": {"name": "g"}}
    allowed = {"mode": "required", "tools": [{"type": "function", "function": {"name": "g"}}]}
    choice = {"type": "allowed_tools", "allowed_tools": allowed}
    body = write("mistral", tools=[FUNCTION, other], tool_choice=choice).body
    assert (body["tools"], body["tool_choice"]) == ([other], "any")
    assert write("openai", tools=[FUNCTION, other], tool_choice=choice).body["tool_choice"] == choice


def test_strict_goes_only_to_those_who_know_it() -> None:
    tool = {"type": "function", "function": {"name": "f", "strict": True}}
    assert write("openai", tools=[tool]).body["tools"] == [tool]
    assert write("anthropic", tools=[tool]).body["tools"][0]["function"] == {"name": "f"}


def test_structured_output_native_as_json_object_or_by_a_tool() -> None:
    assert write("openai", response_format=SCHEMA).body["response_format"] == SCHEMA
    told = write("deepseek", response_format=SCHEMA)
    assert told.body["response_format"] == {"type": "json_object"}
    assert "JSON" in told.body["messages"][0]["content"]
    assert told.dropped == ("response_format",)
    system = {"role": "system", "content": "Be kind."}
    assert (
        write("deepseek", response_format=SCHEMA, messages=[system, USER])
        .body["messages"][0]["content"]
        .startswith("Be kind.")
    )
    forced = write("somebody", ModelFacts(json_schema=False), response_format=SCHEMA)
    assert forced.json_tool == "json_answer"
    assert forced.body["tool_choice"] == {"type": "function", "function": {"name": "json_answer"}}
    assert forced.body["tools"][0]["function"]["parameters"] == {"type": "object"}
    beside = write("anthropic", response_format=SCHEMA, tools=[FUNCTION])
    assert beside.body["tool_choice"] == "required"
    assert len(beside.body["tools"]) == 2
    asked = write("somebody", ModelFacts(json_schema=False, forced_tools=False), response_format=SCHEMA)
    assert (asked.body["tool_choice"], asked.json_tool) == ("auto", "json_answer")
    assert asked.dropped == ("response_format",)


def test_where_no_call_can_be_demanded_the_model_may_choose() -> None:
    wire = write("zai", tools=[FUNCTION], tool_choice="required", drop_params=True)
    assert wire.body["tool_choice"] == "auto"
    assert wire.dropped == ("tool_choice",)
    assert write("zai", tools=[FUNCTION], tool_choice="auto").body["tool_choice"] == "auto"
    insisted = write("zai", tools=[FUNCTION], tool_choice=ONE_TOOL, allowed_openai_params=("tool_choice",))
    assert insisted.body["tool_choice"] == ONE_TOOL


def test_media_in_a_tool_result_follow_the_run_of_results() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://a.example/x.png"}}
    results = [
        {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "see"}, image], "is_error": True},
        {"role": "tool", "tool_call_id": "b", "content": [image]},
    ]
    calls = [{"id": name, "type": "function", "function": {"name": "f", "arguments": "{}"}} for name in "ab"]
    history = [{"role": "assistant", "content": None, "tool_calls": calls}, *results, USER]
    sent = write("openai", messages=history).body["messages"]
    assert [message["role"] for message in sent] == ["assistant", "tool", "tool", "user", "user"]
    assert sent[1] == {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "see"}]}
    assert isinstance(sent[2]["content"], str)
    assert [part["type"] for part in sent[3]["content"]] == ["text", "image_url", "text", "image_url"]
    assert write("mistral", messages=history).body["messages"][1]["content"][1] == image


def test_cache_marks_go_to_those_who_know_them() -> None:
    mark = {"type": "ephemeral"}
    messages = [
        {"role": "system", "content": [{"type": "text", "text": "x", "cache_control": mark}]},
        {**USER, "cache_control": mark},
    ]
    tools = [{**FUNCTION, "cache_control": mark}]
    kept = write("openrouter", messages=messages, tools=tools)
    assert kept.body["messages"] == messages
    assert kept.body["tools"] == tools
    assert kept.dropped == ()
    lost = write("openai", messages=messages, tools=tools)
    assert lost.body["messages"] == [{"role": "system", "content": [{"type": "text", "text": "x"}]}, USER]
    assert lost.body["tools"] == [FUNCTION]
    assert lost.dropped == ("cache_control",)


THOUGHT = {
    "role": "assistant",
    "content": "yes",
    "reasoning_content": "hm",
    "thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "SIG", "vendor": "anthropic"}],
    "block_order": ["thinking", "text:3"],
    "provider_tool_blocks": [{"vendor": "anthropic", "block": {}}],
    "annotations": [{"type": "url_citation", "url_citation": {}}],
    "provider_specific_fields": {"x": 1},
}


@pytest.mark.parametrize(
    ("provider", "sent"),
    [
        ("openai", {"content": "yes"}),
        ("deepseek", {"content": "yes", "reasoning_content": "hm"}),
        ("groq", {"content": "yes", "reasoning": "hm"}),
        ("openrouter", {"content": "yes"}),  # Anthropic's own signature is no detail of OpenRouter's
        (
            "mistral",
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                    {"type": "text", "text": "yes"},
                ]
            },
        ),
    ],
)
def test_reasoning_of_an_earlier_turn(provider: str, sent: Any) -> None:
    got = write(provider, messages=[USER, THOUGHT, USER]).body["messages"][1]
    got.pop("reasoning", None) if provider == "openrouter" else None
    assert got == {"role": "assistant", **sent}


def test_googles_thought_signature_goes_only_to_google() -> None:
    extra = {"google": {"thought_signature": "AAA"}}
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}, "extra_content": extra}
    message = {"role": "assistant", "content": None, "tool_calls": [call], "extra_content": extra}
    to_google = write("gemini", vendor="google", messages=[USER, message]).body["messages"][1]
    assert to_google["tool_calls"][0]["extra_content"] == extra
    assert to_google["extra_content"] == extra
    elsewhere = write("openai", messages=[USER, message]).body["messages"][1]
    assert "extra_content" not in elsewhere
    assert "extra_content" not in elsewhere["tool_calls"][0]


def test_what_openai_has_no_place_for_in_messages_is_reported() -> None:
    document = {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERi0="}, "context": "a letter"}
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": [document]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "no", "is_error": True},
    ]
    wire = write("openai", messages=messages)
    assert wire.body["messages"][2] == {"role": "tool", "tool_call_id": "c", "content": "no"}
    assert wire.dropped == ("messages[0].content[0].context", "messages[2].is_error")


@pytest.mark.parametrize("choice", ["auto", "none"])
def test_a_choice_among_no_tools_is_left_out(choice: str) -> None:
    """`'tool_choice' is only allowed when 'tools' are specified`, says OpenAI."""
    assert "tool_choice" not in write("openai", tools=[], tool_choice=choice).body
    assert write("openai", tools=[], tool_choice=choice).dropped == ()
    assert write("openai", tool_choice="required").body["tool_choice"] == "required"


def test_no_logprobs_are_what_a_model_without_sampling_gives_anyway() -> None:
    wire = write("openai", facts=ModelFacts(sampling=False), logprobs=False, top_logprobs=0)
    assert (wire.body.keys() & {"logprobs", "top_logprobs"}, wire.dropped) == (set(), ())


def test_a_result_names_its_tool_as_the_call_does() -> None:
    """Gemini's callers name the tool beside its result."""
    call = {"id": "c", "type": "function", "function": {"name": "my.tool/1", "arguments": "{}"}}
    result = {"role": "tool", "tool_call_id": "c", "content": "1", "name": "my.tool/1"}
    messages = [USER, {"role": "assistant", "content": None, "tool_calls": [call]}, result]
    sent = write("openai", messages=messages).body["messages"]
    assert sent[2]["name"] == sent[1]["tool_calls"][0]["function"]["name"] != "my.tool/1"
    assert result["name"] == "my.tool/1"


def test_prefill() -> None:
    messages = [USER, {"role": "assistant", "content": "Once"}]
    assert write("mistral", messages=messages).body["messages"][1]["prefix"] is True
    assert write("openai", messages=messages).body["messages"] == messages
    with pytest.raises(UnsupportedParamsError):
        write("openai", ModelFacts(prefill=False), messages=messages)


def test_perplexity_gets_one_system_message_and_turns_that_alternate() -> None:
    messages = [
        USER,
        {"role": "system", "content": "A"},
        {"role": "developer", "content": [{"type": "text", "text": "B"}]},
        {"role": "user", "content": [{"type": "text", "text": "more"}]},
        {"role": "assistant", "content": "x"},
        {"role": "assistant", "content": "y"},
        USER,
    ]
    sent = write("perplexity", messages=messages).body["messages"]
    assert [message["role"] for message in sent] == ["system", "user", "assistant", "user"]
    assert sent[0]["content"] == "A\n\nB"
    assert [part["text"] for part in sent[1]["content"]] == ["hi", "more"]
    assert sent[2]["content"] == "x\n\ny"


def test_files_in_every_form() -> None:
    def sent(provider: str, **file: str) -> Any:
        part = {"type": "file", "file": file, "title": "T", "context": "C", "citations": {"enabled": True}}
        return write(provider, messages=[{"role": "user", "content": [part]}]).body["messages"][0]["content"][0]

    assert sent("openai", file_data="AAAA", format="text/plain") == {
        "type": "file",
        "file": {"file_data": "data:text/plain;base64,AAAA", "filename": "document.txt"},
    }
    assert sent("openai", file_id="f-1") == {"type": "file", "file": {"file_id": "f-1"}}
    assert sent("openrouter", file_url="https://a.example/x.pdf", filename="x.pdf")["file"] == {
        "filename": "x.pdf",
        "file_data": "https://a.example/x.pdf",
    }
    assert sent("mistral", file_url="https://a.example/x.pdf", filename="x.pdf") == {
        "type": "document_url",
        "document_url": "https://a.example/x.pdf",
        "document_name": "x.pdf",
    }
    assert sent("perplexity", file_url="https://a.example/x.pdf")["file_url"] == {"url": "https://a.example/x.pdf"}


def test_small_repairs_of_messages() -> None:
    image = {"type": "image_url", "image_url": {"url": "u", "format": "image/png"}}
    messages = [
        {"role": "developer", "content": "A"},
        {"role": "user", "content": [image], "name": "bob"},
        {"role": "assistant", "content": None, "tool_calls": [], "refusal": None},
        {"role": "assistant", "content": "x", "audio": {"id": "a1", "data": "..."}, "images": [image]},
        USER,
    ]
    wire = write(accent=ChatAccent(names=False), messages=messages)
    assert wire.body["messages"] == [
        {"role": "system", "content": "A"},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u"}}]},
        {"role": "assistant", "content": ""},
        {"role": "assistant", "content": "x", "audio": {"id": "a1"}},
        USER,
    ]
    assert wire.dropped == ("messages[1].name", "messages[3].images")


def test_streams_ask_for_their_usage() -> None:
    asked: Any = {"model": "m", "messages": [USER], "stream_options": {"include_obfuscation": False}}
    sent = CODEC.write_request(asked, target("openai", "m", stream=True)).body
    assert sent["stream"] is True
    assert sent["stream_options"] == {"include_obfuscation": False, "include_usage": True}
    assert "stream_options" not in CODEC.write_request(asked, target("mistral", "m", stream=True)).body
    assert "stream" not in CODEC.write_request(asked, target("openai", "m")).body


def test_accents_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        ACCENTS["openai"] = ChatAccent()  # type: ignore[index]
