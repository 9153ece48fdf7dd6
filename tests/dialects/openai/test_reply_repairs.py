"""What providers and models get wrong in a reply, and callers never see: whole and streamed, at any split."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from dragoman.dialects import anthropic_messages, gemini
from dragoman.dialects.codec import ReplyContext, ReplyStyle
from dragoman.dialects.openai_chat import CODEC
from dragoman.models import facts
from dragoman.providers import Providers
from dragoman.types.json import JsonObject

CALLER = ReplyStyle(model="m")


def context(provider: str = "custom_openai", model: str = "m") -> ReplyContext:
    record = Providers().find(provider)
    return ReplyContext(
        record.name, model, record.vendor or record.name, 1, "id", accent=record.accent, facts=facts(record.name, model)
    )


def chat_providers() -> list[str]:
    known = Providers()
    endpoints = {name: known.find(name).endpoints.get("chat") for name in known.names()}
    return [name for name, endpoint in endpoints.items() if endpoint is not None and endpoint.codec is CODEC]


def choice_of(body: JsonObject, told: ReplyContext) -> Any:
    return CODEC.read_response(body, told)["choices"][0]


def whole(message: JsonObject, reason: str | None = "stop") -> JsonObject:
    return {"choices": [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": reason}]}


def streamed(deltas: list[JsonObject], told: ReplyContext, reasons: tuple[str, ...] = ("stop",)) -> dict[str, Any]:
    chunks: list[JsonObject] = [{"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    chunks += [{"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]} for reason in reasons]
    assert CODEC.stream_reader is not None
    reader = CODEC.stream_reader(told)
    wire = b"".join(b"data: " + orjson.dumps(chunk) + b"\n\n" for chunk in chunks) + b"data: [DONE]\n\n"
    read = [*reader.feed(wire), *reader.close()]
    joined: dict[str, Any] = {"content": "", "reasoning": "", "calls": {}, "reasons": []}
    for choice in (choice for chunk in read for choice in chunk["choices"]):
        delta: Any = choice["delta"]
        joined["content"] += delta.get("content") or ""
        joined["reasoning"] += delta.get("reasoning_content") or ""
        joined["reasons"] += [choice["finish_reason"]] if choice["finish_reason"] else []
        for call in delta.get("tool_calls") or ():
            function = call.get("function") or {}
            joined["calls"][call["index"]] = joined["calls"].get(call["index"], "") + (function.get("arguments") or "")
    return joined


WORDS = [
    ("content_filter: RECITATION", "content_filter"),
    ("Content-Filter", "content_filter"),
    ("length: max_tokens reached", "length"),
    ("LENGTH", "length"),
    ("MAX_TOKENS", "length"),
    ("stop: </s>", "stop"),
    ("SAFETY (high)", "content_filter"),
    ("whatever", "stop"),
]


@pytest.mark.parametrize(("word", "reason"), WORDS)
def test_details_behind_a_finish_reason(word: str, reason: str) -> None:
    assert choice_of(whole({"content": "x"}, word), context())["finish_reason"] == reason
    assert streamed([{"content": "x"}], context(), (word,))["reasons"] == [reason]


def test_a_repeated_finish_reason_is_told_once() -> None:
    assert streamed([{"content": "x"}], context(), ("stop", "stop", "stop"))["reasons"] == ["stop"]


@pytest.mark.parametrize("provider", chat_providers())
def test_arguments_that_say_nothing(provider: str) -> None:
    sent: list[Any] = ["null", "[]", " null\n", "", None, [], {}]
    for arguments in sent:
        says_nothing(provider, arguments)


def says_nothing(provider: str, arguments: Any) -> None:
    call = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}
    told = context(provider)
    message = choice_of(whole({"content": None, "tool_calls": [call]}, "tool_calls"), told)["message"]
    assert message["tool_calls"][0]["function"]["arguments"] == "{}"
    if not isinstance(arguments, str):
        assert streamed([{"tool_calls": [call]}], told)["calls"] == {0: "{}"}
        return
    start = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}
    pieces = [{"tool_calls": [{"index": 0, "function": {"arguments": sign}}]} for sign in arguments]
    assert streamed([{"tool_calls": [start]}, *pieces], told)["calls"] == {0: "{}"}


@pytest.mark.parametrize("arguments", ['{"a":null}', "[1]", "nul", "nullx", '"null"', " {}", "[" * 300])
def test_arguments_that_say_something_stay_as_they_are(arguments: str) -> None:
    start = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}
    pieces = [{"tool_calls": [{"index": 0, "function": {"arguments": sign}}]} for sign in arguments]
    found = streamed([{"tool_calls": [start]}, *pieces], context())["calls"][0]
    assert found == arguments


@pytest.mark.parametrize("arguments", ["null", "[]", ""])
def test_a_history_with_such_arguments_reaches_other_vendors(arguments: str) -> None:
    call: Any = {"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}
    message: Any = {"role": "assistant", "content": None, "tool_calls": [call]}
    response: Any = {
        "id": "1",
        "created": 1,
        "model": "m",
        "choices": [{"message": message, "finish_reason": "tool_calls"}],
    }
    assert anthropic_messages.CODEC.write_response(response, CALLER)["content"][-1]["input"] == {}
    part = gemini.CODEC.write_response(response, CALLER)["candidates"][0]["content"]["parts"][0]
    assert part["functionCall"]["args"] == {}


TAGGED = [
    ("minimax", "MiniMax-M2.5"),
    ("minimax", "MiniMax-M3"),
    ("novita", "minimaxai/minimax-m2.1"),
    ("hosted_vllm", "MiniMaxAI/MiniMax-M2"),
    ("bedrock_mantle", "minimax.minimax-m2"),
    ("openrouter", "minimax/minimax-m2:free"),
    ("nvidia_nim", "deepseek-ai/deepseek-r1-distill-qwen-32b"),
    ("lm_studio", "qwen3-8b"),
    ("siliconflow", "Qwen/QwQ-32B"),
    ("custom_openai", "moonshotai/Kimi-K2-Thinking"),
    ("llamacpp", "glm-4.6"),
    ("groq", "anything"),
]


@pytest.mark.parametrize(("provider", "model"), TAGGED)
def test_reasoning_in_tags_by_family_of_models(provider: str, model: str) -> None:
    told, content = context(provider, model), "<think>\nplan it\n</think>\n\nHello <think>no</think>"
    message = choice_of(whole({"content": content}), told)["message"]
    assert (message["reasoning_content"], message["content"]) == ("plan it", "Hello <think>no</think>")
    for size in range(1, len(content) + 1):
        deltas: list[JsonObject] = [{"content": content[n : n + size]} for n in range(0, len(content), size)]
        joined = streamed(deltas, told)
        assert (joined["reasoning"], joined["content"]) == ("plan it", "Hello <think>no</think>")


@pytest.mark.parametrize(
    ("provider", "model"), [("openai", "gpt-4.1"), ("mistral", "mistral-large-latest"), ("xai", "grok-2")]
)
def test_tags_of_models_without_such_a_habit_are_content(provider: str, model: str) -> None:
    content = "<think>a tag</think>"
    assert choice_of(whole({"content": content}), context(provider, model))["message"]["content"] == content
    assert streamed([{"content": content}], context(provider, model))["content"] == content


def test_line_breaks_within_the_reasoning_are_kept() -> None:
    content = "<think>a\n\nb" + "\n" * 40 + "c\n</think>d"
    joined = streamed([{"content": sign} for sign in content], context("minimax", "MiniMax-M2"))
    assert (joined["reasoning"], joined["content"]) == ("a\n\nb" + "\n" * 40 + "c", "d")


@pytest.mark.parametrize("missing", ["object", "created", "id", "model"])
def test_what_an_envelope_lacks_is_filled_in(missing: str) -> None:
    """GitHub Copilot leaves out `object` and `created`."""
    body = {"id": "x", "object": "chat.completion", "created": 5, "model": "m", **whole({"content": "hi"})}
    del body[missing]
    told = context("github_copilot", "gpt-4.1")
    response: Any = CODEC.read_response(dict(body), told)
    assert response["object"] == "chat.completion"
    assert (response["id"], response["created"], response["model"]) == (
        body.get("id", "id"), body.get("created", 1), body.get("model", "gpt-4.1")
    )  # fmt: skip
    choices = [{"index": 0, "delta": {"content": "hi"}, "finish_reason": "stop"}]
    chunk = {"id": "x", "object": "chat.completion.chunk", "created": 5, "model": "m", "choices": choices}
    del chunk[missing]
    assert CODEC.stream_reader is not None
    reader = CODEC.stream_reader(told)
    for read in [*reader.feed(b"data: " + orjson.dumps(chunk) + b"\n\n"), *reader.close()]:
        found: Any = read
        assert found["object"] == "chat.completion.chunk"
        assert (found["id"], found["created"]) == (chunk.get("id", "id"), chunk.get("created", 1))
        assert found["model"] == chunk.get("model", "gpt-4.1")
