"""An assistant's content blocks, as the hub's message. Used for answers and for the history in a caller's request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dragoman.dialects.anthropic_messages.call_ids import id_from_caller
from dragoman.dialects.anthropic_messages.citations import read_citation
from dragoman.dialects.anthropic_messages.sealed_blocks import read_reasoning
from dragoman.dialects.anthropic_messages.tool_use import CUSTOM_SUFFIX
from dragoman.dialects.json_text import dump_json
from dragoman.dialects.tool_arguments import usable_arguments
from dragoman.dialects.validation import expect_list, expect_object, expect_str
from dragoman.types.json import JsonObject

__all__ = ["AssistantBlocks", "order_of", "tool_call"]

_USUAL = {"thinking": 0, "text": 1, "tool_call": 2}
_CALL_KEYS = frozenset({"type", "id", "name", "input", "cache_control"})
_NO_NAMES: Mapping[str, str] = {}


def order_of(order: list[str]) -> list[str] | None:
    """`order` where it is not the usual one: thinking, one text, tool calls."""
    kinds = [item.partition(":")[0] for item in order]
    ranks = [_USUAL.get(kind, -1) for kind in kinds]
    usual = ranks == sorted(ranks) and -1 not in ranks and kinds.count("text") <= 1
    return None if usual else order


def tool_call(block: JsonObject, arguments: str, names: Mapping[str, str]) -> JsonObject:
    """The hub's call for a tool_use whose `input` is `arguments`. A `custom` tool's one argument is its input."""
    wire = block["name"]
    name = names.get(wire, wire)
    call: JsonObject = {"id": block["id"], "type": "function", "function": {"name": name, "arguments": arguments}}
    if wire.endswith(CUSTOM_SUFFIX) and wire in names:
        call = {"id": block["id"], "type": "custom", "custom": {"name": name, "input": arguments}}
    extra = {key: value for key, value in block.items() if key not in _CALL_KEYS and value is not None}
    if extra.get("caller") == {"type": "direct"}:
        del extra["caller"]
    if extra:
        call["extra_content"] = {"anthropic": extra}
    return call


class AssistantBlocks:
    """Collects the blocks of one message. `vendor` made them, or None: a caller's history, where seals must be opened."""

    def __init__(self, vendor: str | None, names: Mapping[str, str] = _NO_NAMES) -> None:
        self._vendor = vendor
        self._names = names
        self._texts: list[JsonObject] = []
        self._length = 0
        self._order: list[str] = []
        self._thinking: list[JsonObject] = []
        self._reasoning: list[str] = []
        self._calls: list[JsonObject] = []
        self._extra: list[JsonObject] = []
        self._provider: list[JsonObject] = []
        self._annotations: list[JsonObject] = []

    @property
    def tool_calls(self) -> list[JsonObject]:
        return self._calls

    def add(self, block: JsonObject, path: str) -> None:
        kind = expect_str(block.get("type"), f"{path}.type")
        if kind == "text":
            self._add_text(block, path)
        elif kind in ("thinking", "redacted_thinking"):
            self._add_reasoning(block, path)
        elif kind == "tool_use":
            self._add_call(block, path)
        else:
            self._add_provider({"vendor": self._vendor or "anthropic", "block": block})

    def _add_text(self, block: JsonObject, path: str) -> None:
        text = expect_str(block.get("text"), f"{path}.text")
        start, self._length = self._length, self._length + len(text)
        part = {"type": "text", "text": text}
        if isinstance(block.get("cache_control"), dict):
            part["cache_control"] = block["cache_control"]
        self._texts.append(part)
        if text:
            self._order.append(f"text:{len(text)}")
        for number, citation in enumerate(expect_list(block.get("citations") or [], f"{path}.citations")):
            cited = expect_object(citation, f"{path}.citations[{number}]")
            self._annotations.append(read_citation(cited, start, self._length, self._vendor or "anthropic"))

    def _add_reasoning(self, block: JsonObject, path: str) -> None:
        key = "thinking" if block["type"] == "thinking" else "data"
        expect_str(block.get(key), f"{path}.{key}")
        if self._vendor is not None:
            self._add_thinking({name: value for name, value in block.items()} | {"vendor": self._vendor})
            return
        kind, content = read_reasoning(block)
        if kind == "thinking":
            self._add_thinking(content)
        elif kind == "reasoning_content":
            self._reasoning.append(content)
        elif kind == "tool_call":
            self._extra.append(content)
        elif kind == "provider_tool":
            self._add_provider(content)

    def _add_thinking(self, block: JsonObject) -> None:
        self._order.append("thinking")
        self._thinking.append(block)
        if isinstance(block.get("thinking"), str) and block["thinking"]:
            self._reasoning.append(block["thinking"])

    def _add_call(self, block: JsonObject, path: str) -> None:
        call_id = expect_str(block.get("id"), f"{path}.id")
        if self._vendor is None:
            block = block | {"id": id_from_caller(call_id)}
        wire = expect_str(block.get("name"), f"{path}.name")
        fields = expect_object(usable_arguments(block.get("input")), f"{path}.input")
        custom = wire.endswith(CUSTOM_SUFFIX) and wire in self._names
        arguments = fields.get("input") if custom else None
        call = tool_call(block, arguments if isinstance(arguments, str) else dump_json(fields), self._names)
        if isinstance(block.get("cache_control"), dict):
            call["cache_control"] = block["cache_control"]
        self._order.append("tool_call")
        self._calls.append(call)

    def _add_provider(self, entry: JsonObject) -> None:
        self._order.append("provider_tool")
        self._provider.append(entry)

    def message(self) -> JsonObject:
        """The hub's message; `content` is null where there is no text."""
        self._give_back_extra_content()
        message: JsonObject = {"role": "assistant", "content": self._content()}
        fields: dict[str, Any] = {
            "reasoning_content": "".join(self._reasoning) or None,
            "thinking_blocks": self._thinking,
            "tool_calls": self._calls,
            "provider_tool_blocks": self._provider,
            "annotations": self._annotations,
            "block_order": order_of(self._order),
        }
        message.update((key, value) for key, value in fields.items() if value)
        return message

    def _content(self) -> str | list[JsonObject] | None:
        if any("cache_control" in part for part in self._texts):
            return self._texts
        return "".join(part["text"] for part in self._texts) if self._texts else None

    def _give_back_extra_content(self) -> None:
        """Give what was sealed for a tool call to the call of that id, or where a client changed the id, to the next one."""
        for position, sealed in enumerate(self._extra):
            by_id = [call for call in self._calls if call["id"] == id_from_caller(str(sealed.get("id")))]
            for call in (by_id or self._calls[position : position + 1])[:1]:
                call["extra_content"] = sealed["extra_content"] | call.get("extra_content", {})
