"""Operations as records: what they say of a request, and that a copy of a call still has the same one."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from dragoman.routing import Call
from dragoman.types.operations import CHAT, COUNT_TOKENS, EMBEDDING, OPERATIONS, TEXT_COMPLETION, Operation

HELLO = [{"role": "user", "content": "Hello"}]


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=lambda operation: operation.name)
def test_every_operation_is_found_by_its_name_and_survives_copies(operation: Operation) -> None:
    assert OPERATIONS[operation.name] is operation
    call = Call(operation=operation, model="m", request={})
    assert copy.copy(call).operation is operation
    assert copy.deepcopy(call).operation is operation
    assert copy.copy(operation) is operation


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=lambda operation: operation.name)
def test_a_sample_holds_its_text_where_texts_are_counted(operation: Operation) -> None:
    sample = operation.sample("Hello")
    messages = operation.chat_of(sample).get("messages") or []
    assert [*operation.texts(sample), *(message["content"] for message in messages)] == ["Hello"]


def test_only_what_is_generated_has_a_limit() -> None:
    for operation in OPERATIONS.values():
        assert operation.generates == bool(operation.output_limits)
        assert operation.generates or not operation.resumable


@pytest.mark.parametrize(
    ("operation", "request_", "texts"),
    [
        (EMBEDDING, {"input": "a"}, ["a"]),
        (EMBEDDING, {"input": ["a", "b"]}, ["a", "b"]),
        (EMBEDDING, {"input": [1, 2]}, []),
        (EMBEDDING, {"input": 7}, []),
        (EMBEDDING, {}, []),
        (TEXT_COMPLETION, {"prompt": ["a", [1]]}, ["a"]),
        (CHAT, {"messages": HELLO, "input": "not its own"}, []),
        (COUNT_TOKENS, {"chat": {"messages": HELLO}}, []),
    ],
)
def test_texts(operation: Operation, request_: dict[str, Any], texts: list[str]) -> None:
    assert operation.texts(request_) == texts


def test_what_a_window_must_hold_at_once() -> None:
    assert CHAT.is_one_prompt({"messages": HELLO})
    assert TEXT_COMPLETION.is_one_prompt({"prompt": "a"})
    assert not TEXT_COMPLETION.is_one_prompt({"prompt": ["a", "b"]})
    assert not EMBEDDING.is_one_prompt({"input": "a"})
    assert not COUNT_TOKENS.is_one_prompt({"chat": {"messages": HELLO}})
