"""The hub's messages, as Anthropic's `system` and alternating turns.

Anthropic wants: the instructions beside the conversation; turns of user and assistant; at least one, a user's first; every
tool_use answered by exactly one tool_result at the start of the very next turn; no text that is blank; a last turn of the
assistant (a prefill) without white space at its end.
https://platform.claude.com/docs/en/build-with-claude/working-with-messages
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dragoman.dialects.anthropic_messages.assistant_write import BlockStyle, assistant_blocks
from dragoman.dialects.anthropic_messages.citations import citation_for_target
from dragoman.dialects.anthropic_messages.parts_write import PartWriter
from dragoman.dialects.anthropic_messages.tool_use import parse_input
from dragoman.dialects.anthropic_messages.turn_rules import Turn, repair
from dragoman.dialects.anthropic_messages.vendor import VENDOR
from dragoman.dialects.call_pairs import paired
from dragoman.dialects.json_text import dump_json
from dragoman.dialects.validation import bad, expect_object, expect_str
from dragoman.dialects.write_context import WriteContext
from dragoman.types.json import JsonObject

__all__ = ["TurnWriter"]

_GOOD_ID = r"[a-zA-Z0-9_-]+"
"""`messages.1.content.0.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'`."""
_INSTRUCTIONS = ("system", "developer")


class TurnWriter:
    """Writes the messages of one request."""

    def __init__(self, context: WriteContext[None]) -> None:
        self._target = context.target
        self._drops = context.drops
        self._names = context.tool_names
        self._parts = PartWriter(context)
        self._legacy_id = ""

    def _style(self) -> BlockStyle:
        """Made anew for each message: kept, it and this object would hold each other until the garbage collector comes by."""
        return BlockStyle(
            thinking=self._thinking,
            tool_call=self._tool_call,
            provider_tool=self._provider_tool,
            citation=lambda annotation, _: citation_for_target(annotation, self._target.vendor),
            image=lambda image: next(iter(self._parts.content([image], "images")), None),
            blank_text=False,
        )

    def write(self, messages: list[Any]) -> JsonObject:
        """`system` (where there is one) and `messages`, to be merged into the body."""
        checked = [expect_object(message, f"messages[{number}]") for number, message in enumerate(messages)]
        leading = 0
        while leading < len(checked) and checked[leading].get("role") in _INSTRUCTIONS:
            leading += 1
        body: JsonObject = {}
        system = self._system(checked[:leading])
        if system:
            body["system"] = system
        history = paired(checked, _GOOD_ID)[leading:]
        turns = [self._turn(message, f"messages[{number}]") for number, message in history]
        body["messages"] = repair(turns, self._target, self._drops)
        return body

    def _system(self, messages: list[JsonObject]) -> str | list[JsonObject]:
        """One plain string stays one; Anthropic sees the same in both forms."""
        if len(messages) == 1 and isinstance(messages[0].get("content"), str) and not messages[0].get("cache_control"):
            content: str = messages[0]["content"]
            return content if content.strip() else ""
        blocks: list[JsonObject] = []
        for number, message in enumerate(messages):
            blocks += self._marked(message, self._parts.content(message.get("content"), f"messages[{number}].content"))
        return blocks

    def _turn(self, message: JsonObject, path: str) -> Turn:
        role = expect_str(message.get("role"), f"{path}.role")
        writer = _TURNS.get(role)
        if writer is None:
            raise bad(f"{path}.role", f"unknown role {role!r}")
        return writer(self, message, path)

    def _user(self, message: JsonObject, path: str) -> Turn:
        content, mark = message.get("content"), message.get("cache_control")
        blocks = self._marked(message, self._parts.content(content, f"{path}.content"))
        plain = content if isinstance(content, str) and content.strip() and not mark else None
        return Turn("user", blocks, plain, path)

    def _instructions(self, message: JsonObject, path: str) -> Turn:
        own = (message.get("provider_specific_fields") or {}).get(VENDOR) or {}
        turn = self._user(message, path)
        turn.role, turn.in_place = "system", own.get("in_place") is True
        return turn

    def _tool(self, message: JsonObject, path: str) -> Turn:
        return Turn("user", [self._result(message, path)], path=path)

    def _assistant(self, message: JsonObject, path: str) -> Turn:
        call = message.get("function_call")
        if isinstance(call, dict) and not message.get("tool_calls"):
            self._legacy_id = f"call_{path[9:-1]}"
            message = message | {"tool_calls": [{"id": self._legacy_id, "type": "function", "function": call}]}
        if message.get("content") is None and isinstance(message.get("refusal"), str):
            message = message | {"content": message["refusal"]}
        content = message.get("content")
        if content is not None and not isinstance(content, (str, list)):
            raise bad(f"{path}.content", "expected a string or an array of parts")
        blocks = self._marked(message, assistant_blocks(message, self._style()) + self._verbatim(content))
        only_text = len(blocks) == 1 and set(blocks[0]) == {"type", "text"}
        return Turn("assistant", blocks, blocks[0]["text"] if only_text else None, path)

    def _verbatim(self, content: object) -> list[JsonObject]:
        """Parts in Anthropic's own words, which only a caller of this dialect can have written."""
        parts = [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []
        return self._parts.content([part for part in parts if part.get("vendor") in (VENDOR, self._target.vendor)], "")

    def _marked(self, message: JsonObject, blocks: list[JsonObject]) -> list[JsonObject]:
        """A mark on the message is one on its last block (Anthropic has none on a message, and none on thinking)."""
        mark = message.get("cache_control")
        if isinstance(mark, dict) and blocks and not blocks[-1]["type"].endswith("thinking"):
            blocks[-1] = {"cache_control": mark} | blocks[-1]
        return blocks

    def _result(self, message: JsonObject, path: str) -> JsonObject:
        legacy = message.get("role") == "function"
        call_id = self._legacy_id if legacy else expect_str(message.get("tool_call_id"), f"{path}.tool_call_id")
        result: JsonObject = {"type": "tool_result", "tool_use_id": call_id}
        content = message.get("content")
        if isinstance(content, str):
            result["content"] = content
        elif isinstance(content, list):
            result["content"] = self._parts.content(content, f"{path}.content")
        elif content is not None:
            result["content"] = dump_json(content)
        for key, kind in (("is_error", bool), ("cache_control", dict)):
            if isinstance(message.get(key), kind):
                result[key] = message[key]
        return result

    def _thinking(self, block: JsonObject) -> JsonObject | None:
        """The target's own blocks go back byte for byte; those of others, and unsigned ones, are left out."""
        kind, vendor = block.get("type"), block.get("vendor")
        opaque = block.get("data" if kind == "redacted_thinking" else "signature")
        if kind not in ("thinking", "redacted_thinking") or vendor not in (None, self._target.vendor):
            return None
        if vendor is None and not opaque:
            return None
        return {key: value for key, value in block.items() if key not in ("vendor", "index")}

    def _provider_tool(self, entry: JsonObject) -> JsonObject | None:
        block = entry.get("block")
        return block if entry.get("vendor") in (VENDOR, self._target.vendor) and isinstance(block, dict) else None

    def _tool_call(self, call: JsonObject) -> list[JsonObject]:
        inner = call.get("custom") if "function" not in call else call["function"]
        if not isinstance(inner, dict) or not isinstance(inner.get("name"), str):
            raise bad("messages.tool_calls", "a tool call needs a function with a name")
        arguments = {"input": inner.get("input")} if "function" not in call else parse_input(inner.get("arguments"))
        block: JsonObject = {
            "type": "tool_use",
            "id": expect_str(call.get("id"), "messages.tool_calls.id"),
            "name": self._names.to_wire(inner["name"]),
            "input": arguments,
        }
        extra = call.get("extra_content")
        own = extra.get(VENDOR) if isinstance(extra, dict) else None
        block |= own if isinstance(own, dict) else {}
        if isinstance(call.get("cache_control"), dict):
            block["cache_control"] = call["cache_control"]
        return [block]


_TURNS: dict[str, Callable[[TurnWriter, JsonObject, str], Turn]] = {
    "user": TurnWriter._user,
    "assistant": TurnWriter._assistant,
    "tool": TurnWriter._tool,
    "function": TurnWriter._tool,
    **dict.fromkeys(_INSTRUCTIONS, TurnWriter._instructions),
}
