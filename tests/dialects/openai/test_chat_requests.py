"""Requests: what callers sent to real providers, read and written again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, get_args

import orjson
import pytest
from openai.types.chat import completion_create_params as params
from pydantic import TypeAdapter, ValidationError

from dragoman.dialects.codec import ReplyContext, ReplyStyle, RequestHints
from dragoman.dialects.openai_chat import ACCENTS, CODEC
from dragoman.errors import BadRequestError
from tests.dialects.openai._recorded import chats, context, good, target
from tests.recordings import Recording

DEFAULTS = [
    # (path, what the dialect forces there)
    (r"\.stream(_options.*)?", "streaming is the router's choice, and usage is always asked for"),
    (r"\.max_(completion_)?tokens", "one limit, under the name that the target takes"),
    (r"\.messages\[\d+\]\.tool_calls\[\d+\]\.index", "only deltas have an index"),
    (r"\.messages\[\d+\]\.annotations", "a provider's annotations are not for it to read"),
    (r"\.messages\[\d+\]\.reasoning(_content)?", "goes back in where the target's accent says"),
    (r"\.messages\[\d+\]\.role", "developer is system but for OpenAI"),
    (r"\.messages\[\d+\]\.(tool_call_id|tool_calls\[\d+\]\.id)", "as the target takes them; recordings hide some"),
    (r"\.messages\[\d+\]\.content\[\d+\]\.image_url", "a bare address becomes an object"),
    (r"\.messages\[\d+\]\.content\[\d+\]\.cache_control", "only to those who know it, else reported"),
    (r"\.tools\[\d+\]\.type", "function, where it was left out"),
    (r"\.tools", "an empty list is none"),
    (r"\.n", "1 is what happens anyway, to those who know no other"),
]
_ALLOWED = [re.compile(rf"{path}\Z") for path, _ in DEFAULTS]

ACCEPTED = good(chats())
REQUESTS = [param for param in ACCEPTED if param.values[0] is None or param.values[0].request_body]


def read(body: Any) -> Any:
    return CODEC.read_request(body, RequestHints(model="some-model"))


def write(request: Any, provider: str = "somebody", **more: Any) -> Any:
    return CODEC.write_request(request, target(provider, request["model"], **more))


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def differences(one: Any, other: Any, path: str = "") -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in one.keys() | other.keys():
            if key in one and key in other:
                yield from differences(one[key], other[key], f"{path}.{key}")
            else:
                yield f"{path}.{key}"
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (first, second) in enumerate(zip(one, other, strict=True)):
            yield from differences(first, second, f"{path}[{index}]")
    elif one != other:
        yield path


@pytest.mark.parametrize("recording", REQUESTS)
def test_recorded_requests_come_out_as_they_went_in(recording: Recording) -> None:
    body = recording.request_body
    before = orjson.dumps(body)
    request = read(body)
    sent = write(request, recording.provider, stream=recording.stream)
    assert orjson.dumps(body) == before, "neither reading nor writing may change the caller's body"
    body = {"model": "some-model", **body}  # Azure names the model in the address
    changed = {
        path
        for path in differences(without_nulls(body), without_nulls(sent.body))
        if not any(allowed.match(path) for allowed in _ALLOWED)
    }
    assert not changed
    assert set(sent.dropped) <= {"cache_control"}
    assert write(request, recording.provider, stream=recording.stream) == sent


_ADAPTERS: dict[bool, TypeAdapter[Any]] = {
    True: TypeAdapter(params.CompletionCreateParamsStreaming),
    False: TypeAdapter(params.CompletionCreateParamsNonStreaming),
}


def refusal(body: Any, stream: bool) -> str:
    """What OpenAI's own types have against a request; empty where they take it."""
    body = {key: value for key, value in body.items() if key in _known_keys()}
    if not stream:
        body.pop("stream", None)
    try:
        _drain(_ADAPTERS[stream].validate_python(body))
    except ValidationError as error:
        return str(error)
    return ""


def _known_keys() -> set[str]:
    return set(params.CompletionCreateParamsBase.__annotations__) | {"stream"}


def _drain(value: Any) -> None:
    """Iterables are validated lazily."""
    if isinstance(value, dict):
        for inner in value.values():
            _drain(inner)
    elif not isinstance(value, str | bytes) and hasattr(value, "__iter__"):
        for item in value:
            _drain(item)


@pytest.mark.parametrize("recording", REQUESTS)
def test_openais_types_take_what_we_write(recording: Recording) -> None:
    """Wherever they take the recorded request itself."""
    body = {"model": "some-model", **recording.request_body}
    against_the_recording = refusal(orjson.loads(orjson.dumps(body)), recording.stream)
    sent = write(read(recording.request_body), recording.provider, stream=recording.stream)
    assert against_the_recording or not refusal(orjson.loads(orjson.dumps(sent.body)), recording.stream)


@pytest.mark.parametrize("recording", REQUESTS)
def test_any_request_can_be_written_for_openai(recording: Recording) -> None:
    request = read(recording.request_body)
    sent = write(request, "openai", drop_params=True, stream=recording.stream)
    ours = {"thinking_blocks", "reasoning_content", "reasoning_details", "cache_control", "provider_specific_fields"}
    assert not ours & set(_keys(sent.body["messages"]))
    problem = refusal(orjson.loads(orjson.dumps(sent.body)), recording.stream)
    if problem:
        assert refusal({"model": "m", **recording.request_body}, recording.stream), problem


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _keys(inner)
    elif isinstance(value, list):
        for item in value:
            yield from _keys(item)


@pytest.mark.parametrize("accent", sorted(ACCENTS))
def test_every_accent_can_be_given_every_request(accent: str) -> None:
    for param in REQUESTS:
        if param.values[0] is not None:
            request = read(param.values[0].request_body)
            sent = write(request, accent, drop_params=True)
            assert not ACCENTS[accent].unsupported & set(sent.body) - set(ACCENTS[accent].renamed.values())
            assert orjson.dumps(sent.body)


@pytest.mark.parametrize("recording", good(chats(stream=False)))
def test_everything_that_we_emit_is_taken_back(recording: Recording) -> None:
    """Requirement 26: an answer, written for a caller, is a valid message of that caller's next turn."""
    response = CODEC.read_response(recording.response_body, context(recording))
    written = CODEC.write_response(response, ReplyStyle(model="smart"))
    message = orjson.loads(orjson.dumps(written["choices"][0]["message"]))
    turn = read({"model": "m", "messages": [{"role": "user", "content": "hi"}, message]})
    for provider in ("openai", recording.provider):
        sent = write(turn, provider, drop_params=True).body["messages"]
        if len(sent) > 1:
            assert sent[1]["role"] == "assistant"
            names = [call["function"]["name"] for call in sent[1].get("tool_calls", ()) if "function" in call]
            calls = response["choices"][0]["message"].get("tool_calls", ())
            assert names == [call["function"]["name"] for call in calls if "function" in call]


def test_reasoning_details_go_back_byte_identical() -> None:
    for param in good(chats(stream=False)):
        recording = param.values[0]
        if recording is None or recording.provider not in ("openrouter", "vercel-gateway", "snowflake"):
            continue
        message = CODEC.read_response(recording.response_body, context(recording))["choices"][0]["message"]
        details = recording.response_body["choices"][0]["message"].get("reasoning_details")
        if not details:
            continue
        for kept in (message, {key: value for key, value in message.items() if key != "reasoning_details"}):
            turn = {"model": "m", "messages": [{"role": "user", "content": "hi"}, kept]}
            sent = write(turn, recording.provider).body["messages"][1]
            assert orjson.dumps(sent["reasoning_details"]) == orjson.dumps(details)
        foreign = write(turn, "openai").body["messages"][1]
        assert "reasoning_details" not in foreign
        assert not any(key.startswith("reasoning") for key in foreign)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"messages": []}, "model"),
        ({"model": 1, "messages": []}, "model"),
        ({"model": "m"}, "messages"),
        ({"model": "m", "messages": []}, "messages"),
        ({"model": "m", "messages": {}}, "messages"),
        ({"model": "m", "messages": ["hi"]}, "messages[0]"),
        ({"model": "m", "messages": [{"content": "hi"}]}, "messages[0].role"),
        ({"model": "m", "messages": [{"role": "user", "content": 1}]}, "messages[0].content"),
        ({"model": "m", "messages": [{"role": "user", "content": [1]}]}, "messages[0].content[0]"),
        ({"model": "m", "messages": [{"role": "user", "content": [{"text": "x"}]}]}, "messages[0].content[0].type"),
        (
            {"model": "m", "messages": [{"role": "user", "content": [{"type": "text"}]}]},
            "messages[0].content[0].text",
        ),
        (
            {"model": "m", "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": 1}}]}]},
            "messages[0].content[0].image_url.url",
        ),
        (
            {"model": "m", "messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]},
            "messages[0].content[0].input_audio.data",
        ),
        (
            {"model": "m", "messages": [{"role": "assistant", "tool_calls": [{"function": {}}]}]},
            "messages[0].tool_calls[0].function.name",
        ),
        (
            {"model": "m", "messages": [{"role": "assistant", "thinking_blocks": ["x"]}]},
            "messages[0].thinking_blocks[0]",
        ),
        ({"model": "m", "messages": [{"role": "user"}], "temperature": "hot"}, "temperature"),
        ({"model": "m", "messages": [{"role": "user"}], "max_tokens": True}, "max_tokens"),
        ({"model": "m", "messages": [{"role": "user"}], "stop": [1]}, "stop[0]"),
        ({"model": "m", "messages": [{"role": "user"}], "tool_choice": 1}, "tool_choice"),
        ({"model": "m", "messages": [{"role": "user"}], "tools": [{"type": "function"}]}, "tools[0].function"),
        (
            {"model": "m", "messages": [{"role": "user"}], "tools": [{"function": {"name": "f", "parameters": 1}}]},
            "tools[0].function.parameters",
        ),
        ({"model": "m", "messages": [{"role": "user"}], "vendor_params": {"x": 1}}, "vendor_params.x"),
    ],
)
def test_a_wrong_type_is_refused_with_its_path(body: Any, path: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        CODEC.read_request(body, RequestHints())
    assert caught.value.param == path
    assert path in caught.value.message


def test_a_vendors_own_tools_are_recognised() -> None:
    tools = [{"type": "web_search_20250305", "name": "web_search"}, {"googleSearch": {}}, {"type": "openrouter:x"}]
    request = read({"model": "m", "messages": [{"role": "user", "content": "hi"}], "tools": tools})
    kinds = [(tool["type"], tool.get("vendor")) for tool in request["tools"]]
    assert kinds == [("web_search", "anthropic"), ("web_search", "google"), ("openrouter:x", None)]


def test_roles_are_those_that_openai_knows() -> None:
    """The union that the openai package defines must not have moved under us."""
    from openai.types.chat import ChatCompletionMessageParam

    assert len(get_args(ChatCompletionMessageParam)) == 6


def test_reading_uses_the_model_of_the_address() -> None:
    request = CODEC.read_request({"messages": [{"role": "user", "content": "x"}]}, RequestHints(model="gpt-4o"))
    assert request["model"] == "gpt-4o"


def test_the_plain_message_is_not_copied() -> None:
    message = {"role": "user", "content": "hi"}
    sent = write(read({"model": "m", "messages": [message]}))
    assert sent.body["messages"][0] is message


def test_reply_contexts_without_an_accent_are_plain() -> None:
    reply = ReplyContext("x", "m", "x", 1, "id", accent="not an accent")
    assert CODEC.read_response({"choices": []}, reply)["choices"] == []


@pytest.mark.parametrize(
    ("provider", "call_id", "taken"),
    [
        ("mistral", "toolu_01A09q90qw90lq917835lq9", r"[a-zA-Z0-9]{9}"),
        ("mistral", "vAKGXGFZD", "vAKGXGFZD"),
        ("openai", "fc_0f0e50a1476a6c35006912c58dc9f8819192c25864eb16f07f", r".{1,40}"),
        ("openai", "toolu_01A09q90qw90lq917835lq9", "toolu_01A09q90qw90lq917835lq9"),
    ],
)
def test_the_ids_of_calls_are_such_as_the_target_takes(provider: str, call_id: str, taken: str) -> None:
    """After a fallback in the middle of a tool loop another provider's ids come along."""
    call = {"id": call_id, "type": "function", "function": {"name": "f", "arguments": "{}"}}
    request = read(
        {
            "messages": [
                {"role": "user", "content": "hi"},
                {"role": "assistant", "content": None, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": call_id, "content": "1"},
            ]
        }
    )
    messages = write(request, provider).body["messages"]
    assert re.fullmatch(taken, messages[2]["tool_call_id"])
    assert messages[1]["tool_calls"][0]["id"] == messages[2]["tool_call_id"]
    assert request["messages"][2]["tool_call_id"] == request["messages"][1]["tool_calls"][0]["id"] == call_id
