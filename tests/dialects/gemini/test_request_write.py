"""Requests of the hub in Google's words; each body is accepted by Google's own types."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from dragoman.dialects import gemini
from dragoman.dialects.codec import RequestHints, Target, WireRequest
from dragoman.errors import BadRequestError, UnsupportedParamsError
from dragoman.types.model_facts import ModelFacts
from tests import oracles
from tests.dialects.gemini.exchange import BUDGET, LEVEL, VERTEX

USER = {"role": "user", "content": "hi"}
UNKNOWN = replace(BUDGET, facts=ModelFacts())
PNG = "iVBORw0KGgo="
FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}


def write(target: Target = BUDGET, **request: Any) -> WireRequest:
    whole: Any = {"model": "m", "messages": [USER], **request}
    wire = gemini.CODEC.write_request(whole, target)
    oracles.gemini_request(wire.body)
    return wire


def config(target: Target = BUDGET, **request: Any) -> dict[str, Any]:
    found: dict[str, Any] = write(target, **request).body.get("generationConfig", {})
    return found


def turns(*messages: dict[str, Any], target: Target = BUDGET) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = write(target, messages=list(messages)).body["contents"]
    return found


def call(name: str, call_id: str = "c1", arguments: str = "{}", **more: Any) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}, **more}


def test_the_address_names_model_and_streaming() -> None:
    assert write().path == "/models/m:generateContent"
    streamed = write(replace(BUDGET, stream=True, model="models/x"))
    assert (streamed.path, dict(streamed.query)) == ("/models/x:streamGenerateContent", {"alt": "sse"})
    assert "stream" not in streamed.body


@pytest.mark.parametrize(
    ("request_part", "expected"),
    [
        ({"temperature": 0.5, "top_p": 0.9, "top_k": 40}, {"temperature": 0.5, "topP": 0.9, "topK": 40}),
        ({"max_tokens": 5}, {"maxOutputTokens": 5}),
        ({"max_tokens": 5, "max_completion_tokens": 7}, {"maxOutputTokens": 7}),
        ({"n": 2, "seed": 3}, {"candidateCount": 2, "seed": 3}),
        ({"stop": "a"}, {"stopSequences": ["a"]}),
        ({"stop": ["a", "b"]}, {"stopSequences": ["a", "b"]}),
        ({"presence_penalty": 0.1, "frequency_penalty": 0.2}, {"presencePenalty": 0.1, "frequencyPenalty": 0.2}),
        ({"logprobs": True, "top_logprobs": 3}, {"responseLogprobs": True, "logprobs": 3}),
        ({"modalities": ["text", "image"]}, {"responseModalities": ["TEXT", "IMAGE"]}),
        ({"modalities": ["text", "audio"], "audio": {"voice": "Kore", "format": "pcm16"}},
         {"responseModalities": ["AUDIO"], "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}}}),
        ({"response_format": {"type": "json_object"}}, {"responseMimeType": "application/json"}),
        ({"response_format": {"type": "text"}}, {}),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"const": 1}}}},
         {"responseMimeType": "application/json", "responseJsonSchema": {"type": "integer", "enum": [1]}}),
        ({"reasoning_effort": "default"}, {}),
        ({"temperature": None, "stop": None}, {}),
    ],
)  # fmt: skip
def test_parameters_have_googles_names(request_part: dict[str, Any], expected: dict[str, Any]) -> None:
    wire = write(**request_part)
    assert wire.body.get("generationConfig", {}) == expected
    assert wire.dropped == ()


_NANO = ModelFacts(reasoning="budget", can_disable_reasoning=False, max_budget_tokens=1000)
_LOW_HIGH = ModelFacts(reasoning="level", effort_levels=("low", "high"))


@pytest.mark.parametrize(
    ("facts", "request_part", "expected", "dropped"),
    [
        (BUDGET.facts, {"reasoning_effort": "low"}, {"thinkingBudget": 1024, "includeThoughts": True}, ()),
        (BUDGET.facts, {"reasoning_effort": "none"}, {"thinkingBudget": 0}, ()),
        (BUDGET.facts, {"thinking": {"type": "enabled", "budget_tokens": 77}}, {"thinkingBudget": 77, "includeThoughts": True}, ()),
        (BUDGET.facts, {"thinking": {"type": "adaptive"}}, {"thinkingBudget": -1, "includeThoughts": True}, ()),
        (BUDGET.facts, {"thinking": {"type": "adaptive", "display": "omitted"}, "reasoning_effort": "high"},
         {"thinkingBudget": 4096}, ()),
        (BUDGET.facts, {"thinking": {"type": "disabled"}, "reasoning_effort": "high"}, {"thinkingBudget": 0}, ()),
        (_NANO, {"reasoning_effort": "none"}, {"thinkingBudget": 128}, ("reasoning_effort",)),
        (_NANO, {"thinking": {"type": "enabled", "budget_tokens": 5000}}, {"thinkingBudget": 1000, "includeThoughts": True},
         ("thinking.budget_tokens",)),
        (LEVEL.facts, {"reasoning_effort": "medium"}, {"thinkingLevel": "medium", "includeThoughts": True}, ()),
        (LEVEL.facts, {"reasoning_effort": "max"}, {"thinkingLevel": "high", "includeThoughts": True}, ("reasoning_effort",)),
        (_LOW_HIGH, {"reasoning_effort": "medium"}, {"thinkingLevel": "high", "includeThoughts": True}, ("reasoning_effort",)),
        (_LOW_HIGH, {"reasoning_effort": "none"}, {"thinkingLevel": "low"}, ("reasoning_effort",)),
        (LEVEL.facts, {"thinking": {"type": "enabled", "budget_tokens": 1000}},
         {"thinkingLevel": "low", "includeThoughts": True}, ()),
        (LEVEL.facts, {"thinking": {"type": "adaptive"}}, {"includeThoughts": True}, ()),
        (ModelFacts(), {"reasoning_effort": "low"}, {"thinkingBudget": 1024, "includeThoughts": True}, ()),
        (ModelFacts(reasoning="none"), {"reasoning_effort": "none"}, None, ()),
        (ModelFacts(reasoning="none"), {"reasoning_effort": "low"}, None, ("reasoning_effort",)),
    ],
)  # fmt: skip
def test_reasoning_is_asked_for_as_the_model_takes_it(
    facts: ModelFacts, request_part: dict[str, Any], expected: dict[str, Any] | None, dropped: tuple[str, ...]
) -> None:
    wire = write(replace(BUDGET, facts=facts, drop_params=True), **request_part)
    assert wire.body.get("generationConfig", {}).get("thinkingConfig") == expected
    assert wire.dropped == dropped


@pytest.mark.parametrize("name", ["logit_bias", "verbosity", "a_parameter_of_tomorrow"])
def test_what_google_cannot_say_is_refused_or_reported(name: str) -> None:
    with pytest.raises(UnsupportedParamsError) as caught:
        write(BUDGET, **{name: {"a": 1}})
    assert caught.value.param == name
    wire = write(replace(BUDGET, drop_params=True), **{name: {"a": 1}})
    assert wire.dropped == (name,)
    assert write(replace(BUDGET, additional_drop_params=(name,)), **{name: {"a": 1}}).dropped == (name,)
    whole: Any = {"model": "m", "messages": [USER], name: {"a": 1}}
    insisted = gemini.CODEC.write_request(whole, replace(BUDGET, allowed_openai_params=(name,)))
    assert insisted.body[name] == {"a": 1}


@pytest.mark.parametrize("name", ["user", "safety_identifier", "prompt_cache_key", "metadata", "store", "prediction"])
def test_what_does_no_harm_is_left_out_and_reported(name: str) -> None:
    assert write(BUDGET, **{name: {"a": "b"} if name in ("metadata", "prediction") else "x"}).dropped == (name,)


def test_labels_are_vertex_ais() -> None:
    assert write(VERTEX, metadata={"team": "a"}).body["labels"] == {"team": "a"}


def test_a_tier_and_googles_own_parameters() -> None:
    params = {
        "google": {
            "labels": {"a": "b"},
            "generationConfig": {"audioTimestamp": True},
            "toolConfig": {"retrievalConfig": {}},
        }
    }
    wire = write(
        service_tier="flex", temperature=1, vendor_params=params, safety_settings=[], cached_content="cachedContents/c"
    )
    assert wire.body["serviceTier"] == "flex"
    assert wire.body["generationConfig"] == {"temperature": 1, "audioTimestamp": True}
    assert wire.body["labels"] == {"a": "b"}
    assert wire.body["cachedContent"] == "cachedContents/c"
    assert write(service_tier="auto").body.get("serviceTier") is None
    assert write(vendor_params={"anthropic": {"betas": ["b"]}}).dropped == ("betas",)
    with pytest.raises(UnsupportedParamsError, match="container"):
        write(vendor_params={"anthropic": {"container": "c"}})


def test_instructions_and_roles() -> None:
    wire = write(
        messages=[
            {"role": "system", "content": "one"},
            {"role": "developer", "content": [{"type": "text", "text": "two"}]},
            {"role": "user", "content": "a"},
            {"role": "user", "content": "b"},
            {"role": "assistant", "content": "c"},
            {"role": "assistant", "content": ""},
            {"role": "system", "content": "late"},
            {"role": "user", "content": "", "name": "bob"},
        ]
    )
    assert wire.body["systemInstruction"] == {"parts": [{"text": "one"}, {"text": "two"}]}
    assert [(turn["role"], [part["text"] for part in turn["parts"]]) for turn in wire.body["contents"]] == [
        ("user", ["a", "b"]),
        ("model", ["c"]),
        ("user", ["late", " "]),
    ]
    assert wire.dropped == ("messages[6].role", "messages[7].name")
    assert turns({"role": "system", "content": "only"}) == [{"role": "user", "parts": [{"text": "only"}]}]
    assert [turn["role"] for turn in turns({"role": "assistant", "content": "first"})] == ["user", "model"]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"type": "text", "text": "a"}, {"text": "a"}),
        ({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
         {"inlineData": {"mimeType": "image/png", "data": PNG}}),
        ({"type": "image_url", "image_url": {"url": "https://a.b/c.webp?x=1"}},
         {"fileData": {"mimeType": "image/webp", "fileUri": "https://a.b/c.webp?x=1"}}),
        ({"type": "image_url", "image_url": {"url": "https://a.b/c", "format": "image/png"}},
         {"fileData": {"mimeType": "image/png", "fileUri": "https://a.b/c"}}),
        ({"type": "image_url", "image_url": {"url": "gs://b/c"}}, {"fileData": {"mimeType": "image/jpeg", "fileUri": "gs://b/c"}}),
        ({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
         {"inlineData": {"mimeType": "audio/mpeg", "data": "AAAA"}}),
        ({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
         {"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}}),
        ({"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERg==", "filename": "a.pdf"}},
         {"inlineData": {"mimeType": "application/pdf", "data": "JVBERg=="}}),
        ({"type": "file", "file": {"file_data": "JVBERg=="}}, {"inlineData": {"mimeType": "application/pdf", "data": "JVBERg=="}}),
        ({"type": "file", "file": {"file_data": "data:text/plain,a%20b"}},
         {"inlineData": {"mimeType": "text/plain", "data": "YSBi"}}),
        ({"type": "file", "file": {"file_url": "https://a.b/c.pdf"}}, {"fileData": {"mimeType": "application/pdf", "fileUri": "https://a.b/c.pdf"}}),
        ({"type": "file", "file": {"file_id": "files/abc", "format": "application/pdf"}},
         {"fileData": {"mimeType": "application/pdf", "fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc"}}),
        ({"type": "video_url", "video_url": {"url": "https://youtu.be/x", "start_offset": "2s", "fps": 2}},
         {"fileData": {"fileUri": "https://youtu.be/x"}, "videoMetadata": {"startOffset": "2s", "fps": 2}}),
        ({"type": "video_url", "video_url": {"url": "data:video/mp4;base64,AAAA"}},
         {"inlineData": {"mimeType": "video/mp4", "data": "AAAA"}}),
    ],
)  # fmt: skip
def test_parts(part: dict[str, Any], expected: dict[str, Any]) -> None:
    assert turns({"role": "user", "content": [part]}) == [{"role": "user", "parts": [expected]}]


def test_the_detail_of_an_image() -> None:
    part = {"type": "image_url", "image_url": {"url": "gs://b/c", "detail": "low"}}
    assert turns({"role": "user", "content": [part]}, target=LEVEL)[0]["parts"][0]["mediaResolution"] == {
        "level": "MEDIA_RESOLUTION_LOW"
    }
    assert write(messages=[{"role": "user", "content": [part]}]).dropped == ("image_url.detail",)


def test_a_file_of_another_vendor_is_not_there() -> None:
    with pytest.raises(UnsupportedParamsError) as caught:
        turns({"role": "user", "content": [{"type": "file", "file": {"file_id": "file-abc"}}]})
    assert caught.value.param == "messages[0].content[0].file.file_id"


def results(*contents: Any, target: Target = BUDGET, **more: Any) -> list[dict[str, Any]]:
    calls = [call("f", f"c{index}") for index in range(len(contents))]
    answers = [
        {"role": "tool", "tool_call_id": f"c{index}", "content": content, **more}
        for index, content in enumerate(contents)
    ]
    return turns(USER, {"role": "assistant", "content": None, "tool_calls": calls}, *answers, target=target)[2:]


@pytest.mark.parametrize(
    ("content", "more", "expected"),
    [
        ("sunny", {}, {"result": "sunny"}),
        ('{"a": 1}', {}, {"a": 1}),
        ("[1]", {}, {"result": "[1]"}),
        ("{broken", {}, {"result": "{broken"}),
        ("", {}, {"result": ""}),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], {}, {"result": "a\nb"}),
        ("boom", {"is_error": True}, {"error": "boom"}),
        ('{"code": 1}', {"is_error": True}, {"error": {"code": 1}}),
    ],
)
def test_results(content: Any, more: dict[str, Any], expected: dict[str, Any]) -> None:
    found = results(content, **more)
    assert found == [{"role": "user", "parts": [{"functionResponse": {"id": "c0", "name": "f", "response": expected}}]}]


def test_results_of_parallel_calls_are_one_turn_and_images_follow_or_go_inside() -> None:
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
    video = {"type": "video_url", "video_url": {"url": "data:video/mp4;base64,AAAA"}}
    content = [{"type": "text", "text": "see"}, image, video]
    older = results(content, "two")
    assert [list(part) for part in older[0]["parts"]] == [["functionResponse"], ["functionResponse"]]
    assert [part["inlineData"]["mimeType"] for part in older[1]["parts"]] == ["image/png", "video/mp4"]
    newer = results(content, "two", target=LEVEL)
    assert newer[0]["parts"][0]["functionResponse"]["parts"] == [{"inlineData": {"mimeType": "image/png", "data": PNG}}]
    assert [part["inlineData"]["mimeType"] for part in newer[1]["parts"]] == ["video/mp4"]


def test_a_result_that_names_no_call_is_the_callers_fault() -> None:
    with pytest.raises(BadRequestError) as caught:
        turns(USER, {"role": "tool", "content": "a"})
    assert caught.value.param == "messages[1].tool_call_id"


@pytest.mark.parametrize("key", ["$ref", "\\u0024r\\u0065f"])
@pytest.mark.parametrize("failed", [False, True])
def test_a_result_with_a_key_that_google_takes_for_a_reference_stays_a_text(key: str, failed: bool) -> None:
    content = f'{{"schema": [{{"{key}": "#/components/schemas/Err"}}]}}'
    response = results(content, is_error=failed)[0]["parts"][0]["functionResponse"]["response"]
    assert response == {"error" if failed else "result": content}
    harmless = '{"text": "\\"$ref\\": 1", "ref": 2}'
    assert results(harmless)[0]["parts"][0]["functionResponse"]["response"] == orjson.loads(harmless)


@pytest.mark.parametrize(
    "response", [{"a": {"$ref": "#/b"}}, {"result": {"$ref": "#/b"}}, {"output": [{"$ref": "#/b"}]}]
)
def test_a_gemini_callers_own_reference_to_nothing_is_no_reference_either(response: dict[str, Any]) -> None:
    call = {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}, "id": "c"}}]}
    result: dict[str, Any] = {"functionResponse": {"name": "f", "id": "c", "response": response}}
    body = {"contents": [{"role": "user", "parts": [{"text": "a"}]}, call, {"role": "user", "parts": [result]}]}
    assert gemini.CODEC.relay_request is not None
    assert gemini.CODEC.relay_request(body, BUDGET) is None
    request = gemini.CODEC.read_request(body, RequestHints(model="m"))
    sent = gemini.CODEC.write_request(request, BUDGET).body["contents"][2]["parts"][0]["functionResponse"]["response"]
    (text,) = sent.values()
    assert orjson.loads(text) in (response, *response.values())
    part = {"inlineData": {"mimeType": "image/png", "data": PNG, "displayName": "#/b"}}
    result["functionResponse"]["parts"] = [part]
    assert gemini.CODEC.relay_request(body, BUDGET) is not None


def test_the_older_functions() -> None:
    wire = write(
        messages=[
            USER,
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": '{"a":1}'}},
            {"role": "function", "name": "f", "content": "b"},
        ],
        functions=[{"name": "f", "parameters": {"type": "object"}}],
        function_call={"name": "f"},
    )
    assert wire.body["contents"][1]["parts"] == [{"functionCall": {"name": "f", "args": {"a": 1}}}]
    assert wire.body["contents"][2]["parts"] == [{"functionResponse": {"name": "f", "response": {"result": "b"}}}]
    assert wire.body["toolConfig"] == {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", {"mode": "AUTO"}),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        ({"type": "function", "function": {"name": "f"}}, {"mode": "ANY", "allowedFunctionNames": ["f"]}),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "f"}}]}},
         {"mode": "VALIDATED", "allowedFunctionNames": ["f"]}),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [{"type": "function",
         "function": {"name": "f"}}]}},
         {"mode": "ANY", "allowedFunctionNames": ["f"]}),
    ],
)  # fmt: skip
def test_choices(choice: Any, expected: dict[str, Any]) -> None:
    assert write(tools=[FUNCTION], tool_choice=choice).body["toolConfig"] == {"functionCallingConfig": expected}
    assert "toolConfig" not in write(tool_choice=choice).body


def test_long_and_odd_names_come_back() -> None:
    names = ["a" * 80, "wetter für.heute", "9lives", "fine_name", "-x"]
    tools = [{"type": "function", "function": {"name": name}} for name in names]
    messages = [
        USER,
        {"role": "assistant", "tool_calls": [call(names[0])]},
        {"role": "tool", "tool_call_id": "c1", "content": "r"},
    ]
    wire = write(messages=messages, tools=tools, tool_choice={"type": "function", "function": {"name": names[1]}})
    sent = [declaration["name"] for declaration in wire.body["tools"][0]["functionDeclarations"]]
    assert all(len(name) <= 64 and (name[0].isalpha() or name[0] == "_") for name in sent)
    assert [wire.tool_names.get(name, name) for name in sent] == names
    assert sent[3] == "fine_name"
    assert wire.body["contents"][1]["parts"][0]["functionCall"]["name"] == sent[0]
    assert wire.body["contents"][2]["parts"][0]["functionResponse"]["name"] == sent[0]
    assert wire.body["toolConfig"]["functionCallingConfig"]["allowedFunctionNames"] == [sent[1]]


@pytest.mark.parametrize(
    ("tool", "expected"),
    [
        ({"googleSearch": {"timeRangeFilter": {}}}, {"googleSearch": {"timeRangeFilter": {}}}),
        ({"type": "web_search_20250305", "name": "web_search"}, {"googleSearch": {}}),
        ({"type": "code_execution_20250522", "name": "code_execution"}, {"codeExecution": {}}),
        ({"type": "web_fetch_20250910", "name": "web_fetch"}, {"urlContext": {}}),
    ],
)
def test_tools_that_google_runs(tool: dict[str, Any], expected: dict[str, Any]) -> None:
    assert write(tools=[tool]).body["tools"] == [expected]


def test_a_tool_that_only_another_vendor_runs_is_refused() -> None:
    with pytest.raises(UnsupportedParamsError) as caught:
        write(tools=[FUNCTION, {"type": "computer_20250124", "name": "computer"}])
    assert caught.value.param == "tools[1]"
    limited = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}
    assert write(tools=[limited]).dropped == ("tools[0].max_uses",)
    assert write(web_search_options={}).body["tools"] == [{"googleSearch": {}}]


def test_functions_beside_googles_own_tools() -> None:
    tools = [FUNCTION, {"googleSearch": {}}]
    assert write(LEVEL, tools=tools).body["toolConfig"] == {"includeServerSideToolInvocations": True}
    assert "toolConfig" not in write(replace(LEVEL, accent=gemini.VERTEX_AI), tools=tools).body


JSON_FORMAT = {
    "type": "json_schema",
    "json_schema": {"name": "n", "schema": {"type": "object", "properties": {"a": {"type": "string"}}}},
}


def test_structured_output_beside_functions_goes_by_a_tool_before_gemini_3() -> None:
    wire = write(BUDGET, tools=[FUNCTION], response_format=JSON_FORMAT)
    declared = wire.body["tools"][0]["functionDeclarations"]
    assert wire.json_tool == declared[-1]["name"] == "json_answer"
    assert declared[-1]["parametersJsonSchema"] == JSON_FORMAT["json_schema"]["schema"]  # type: ignore[index]
    assert wire.body["toolConfig"] == {"functionCallingConfig": {"mode": "ANY"}}
    assert "generationConfig" not in wire.body
    forced = write(BUDGET, tools=[FUNCTION], tool_choice="required", response_format=JSON_FORMAT)
    assert forced.body["toolConfig"]["functionCallingConfig"]["allowedFunctionNames"] == ["f"]
    native = write(BUDGET, tools=[FUNCTION], tool_choice="none", response_format=JSON_FORMAT)
    assert native.json_tool is None
    assert "tools" not in native.body
    for target in (LEVEL, UNKNOWN):
        assert write(target, tools=[FUNCTION], response_format=JSON_FORMAT).json_tool is None


def test_harmless_losses_are_told() -> None:
    message = {"role": "user", "content": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}]}
    strict = {"type": "function", "function": {"name": "f", "strict": True}}
    wire = write(messages=[message], tools=[strict], parallel_tool_calls=False)
    assert set(wire.dropped) == {"cache_control", "tools[0].function.strict", "parallel_tool_calls"}


def test_reasoning_of_others_is_left_out_and_the_first_call_signed() -> None:
    blocks = [
        {"type": "thinking", "thinking": "t", "signature": "claude's", "vendor": "anthropic"},
        {"type": "redacted_thinking", "data": "x", "vendor": "anthropic"},
        {"type": "encrypted", "data": {"a": 1}, "vendor": "openai"},
    ]
    turn = {
        "role": "assistant",
        "content": "a",
        "reasoning_content": "t",
        "thinking_blocks": blocks,
        "tool_calls": [call("f"), call("f", "c2")],
    }
    answers = [{"role": "tool", "tool_call_id": name, "content": "r"} for name in ("c1", "c2")]
    parts = turns(USER, turn, *answers, target=LEVEL)[1]["parts"]
    assert parts[0] == {"text": "a"}
    assert parts[1]["thoughtSignature"] == "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="
    assert "thoughtSignature" not in parts[2]
    assert len(parts) == 3
    older = turns(USER, turn, *answers)[1]["parts"]
    assert all("thoughtSignature" not in part for part in older)


def test_prefill_is_the_models_last_turn() -> None:
    assert turns(USER, {"role": "assistant", "content": "{"})[-1] == {"role": "model", "parts": [{"text": "{"}]}
