"""What callers pass as messages, tools and contents: SDK objects keep every field, and any iterable is a list."""

from __future__ import annotations

import dataclasses
import enum
from collections import deque
from collections.abc import Callable, Iterable
from types import MappingProxyType
from typing import Any, Literal

import anthropic.types
import openai.types.chat
import pydantic
import pytest
from openai.types.chat import ChatCompletionMessage, ChatCompletionMessageFunctionToolCall
from openai.types.chat.chat_completion_message_function_tool_call import Function

import dragoman
from dragoman.sdk._request import plain
from tests.routing.upstream import Upstream

CALLS: Any = dragoman
MESSAGE = {"role": "user", "content": "Hello"}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}


class Part(pydantic.BaseModel):
    text: str
    type: Literal["text"] = "text"
    cache_control: dict[str, str] | None = None


class UserMessage(pydantic.BaseModel):
    content: list[Part]
    role: Literal["user"] = "user"


class Schema(pydantic.BaseModel):
    schema_: dict[str, Any] = pydantic.Field(alias="schema")
    strict: bool = True


@dataclasses.dataclass
class Turn:
    content: str
    role: str = "user"
    name: str | None = None


class Role(enum.Enum):
    USER = "user"


CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
OBJECTS = [
    (UserMessage(content=[Part(text="Hello")]), {"role": "user", "content": [{"type": "text", "text": "Hello"}]}),
    (Turn("Hello"), MESSAGE),
    (Schema(schema={"default": None}), {"schema": {"default": None}, "strict": True}),
    (Role.USER, "user"),
    (anthropic.types.TextBlock(text="Hello", type="text"), {"type": "text", "text": "Hello"}),
    (
        anthropic.types.ToolUseBlock(id="t", name="look", input={"a": None}, type="tool_use"),
        {"type": "tool_use", "id": "t", "name": "look", "input": {"a": None}},
    ),
    (
        ChatCompletionMessage(
            role="assistant",
            content=None,
            tool_calls=[
                ChatCompletionMessageFunctionToolCall(
                    id="call_1", type="function", function=Function(name="look", arguments="{}")
                )
            ],
        ),
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
    ),
    (
        dragoman.Message(
            tool_calls=[
                dragoman.ChatCompletionMessageToolCall(
                    id="call_1", function=dragoman.Function(name="look", arguments="{}")
                )
            ]
        ),
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
    ),
]


@pytest.mark.parametrize(("value", "expected"), OBJECTS)
def test_objects_keep_fields_that_equal_their_defaults(value: Any, expected: Any) -> None:
    assert plain(value) == expected


def test_every_message_of_the_openai_sdk_is_a_message_again() -> None:
    said = {"id": "c", "object": "chat.completion", "created": 1, "model": "m"}
    message = {"role": "assistant", "content": "Hello", "tool_calls": [CALL]}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    parsed = openai.types.chat.ChatCompletion.model_validate({**said, "choices": [choice]})
    assert plain(parsed.choices[0].message) == message
    own = dragoman.ModelResponse.model_validate({**said, "choices": [choice]})
    assert plain(own.choices[0].message) == message


FORMS: list[Callable[[list[Any]], Iterable[Any]]] = [
    iter,
    tuple,
    deque,
    lambda items: (item for item in items),
    lambda items: dict(enumerate(items)).values(),
    lambda items: map(MappingProxyType, items),
]


@pytest.fixture(autouse=True)
def _environment(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-" + "secret" * 4)
    monkeypatch.setenv("OPENAI_API_BASE", upstream.base("openai"))


@pytest.mark.parametrize("form", FORMS)
def test_any_iterable_is_a_list(upstream: Upstream, form: Callable[[list[Any]], Iterable[Any]]) -> None:
    part = {"type": "text", "text": "Hello"}
    CALLS.completion(
        "openai/sim",
        form([{"role": "user", "content": form([part])}]),
        tools=form([TOOL]),
        fallbacks=form([{"model": "openai/other"}]),
        extra_body={"stop": deque(["x"])},
    )
    body = upstream.last["body"]
    assert body["messages"] == [{"role": "user", "content": [part]}]
    assert body["tools"] == [TOOL]
    assert body["stop"] == ["x"]


@pytest.mark.parametrize("form", FORMS[:5])
def test_texts_and_model_lists_too(upstream: Upstream, form: Callable[[list[Any]], Iterable[Any]]) -> None:
    router = CALLS.Router(form([{"model_name": "a", "litellm_params": {"model": "openai/sim"}}]))
    router.embedding("a", form(["one", "two"]))
    assert upstream.last["body"]["input"] == ["one", "two"]
    router.completion("a", [MESSAGE], stop=form(["x"]), seed=1, additional_drop_params=form(["seed"]))
    assert upstream.last["body"]["stop"] == ["x"]
    assert "seed" not in upstream.last["body"]
