"""The `system` and `messages` of a caller's request, as the hub's messages."""

from __future__ import annotations

from typing import Any

from dragoman.dialects.anthropic_messages.assistant_read import AssistantBlocks
from dragoman.dialects.anthropic_messages.call_ids import id_from_caller
from dragoman.dialects.anthropic_messages.parts_read import cache_mark, read_content, read_parts
from dragoman.dialects.anthropic_messages.vendor import VENDOR
from dragoman.dialects.validation import bad, expect, expect_list, expect_object, expect_str
from dragoman.types.json import JsonObject

__all__ = ["read_messages"]


def read_messages(body: JsonObject) -> list[JsonObject]:
    messages: list[JsonObject] = []
    if body.get("system") is not None:
        content = read_content(body["system"], "system")
        if content:
            messages.append({"role": "system", "content": content})
    if body.get("messages") is None:
        raise bad("messages", "Field required", code="missing_required_parameter")
    turns = expect_list(body["messages"], "messages")
    for number, turn in enumerate(turns):
        messages += _read_turn(expect_object(turn, f"messages[{number}]"), f"messages[{number}]")
    return messages


def _read_turn(turn: JsonObject, path: str) -> list[JsonObject]:
    role = expect_str(turn.get("role"), f"{path}.role")
    content = turn.get("content")
    if role == "user":
        return _read_user(content, f"{path}.content")
    if role == "assistant":
        return [_read_assistant(content, f"{path}.content")]
    if role == "system":
        instructions = read_content(content, f"{path}.content")
        return [{"role": "system", "content": instructions, "provider_specific_fields": {VENDOR: {"in_place": True}}}]
    raise bad(f"{path}.role", f"expected user, assistant or system, got {role!r}")


def _read_user(content: object, path: str) -> list[JsonObject]:
    """Results of tools become messages of their own, which come first as Anthropic demands it of the blocks."""
    if isinstance(content, str):
        return [{"role": "user", "content": content}]
    results: list[JsonObject] = []
    others: list[Any] = []
    for number, item in enumerate(expect_list(content, path)):
        block = expect_object(item, f"{path}[{number}]")
        if block.get("type") == "tool_result":
            results.append(_read_result(block, f"{path}[{number}]"))
        else:
            others.append(block)
    if others or not results:
        results.append({"role": "user", "content": read_parts(others, path)})
    return results


def _read_result(block: JsonObject, path: str) -> JsonObject:
    message: JsonObject = {
        "role": "tool",
        "tool_call_id": id_from_caller(expect_str(block.get("tool_use_id"), f"{path}.tool_use_id")),
        "content": "" if block.get("content") is None else read_content(block["content"], f"{path}.content"),
    }
    if block.get("is_error") is not None:
        message["is_error"] = expect(block["is_error"], bool, f"{path}.is_error")
    return message | cache_mark(block, path)


def _read_assistant(content: object, path: str) -> JsonObject:
    if isinstance(content, str):
        return {"role": "assistant", "content": content}
    blocks = AssistantBlocks(None)
    for number, block in enumerate(expect_list(content, path)):
        blocks.add(expect_object(block, f"{path}[{number}]"), f"{path}[{number}]")
    return blocks.message()
