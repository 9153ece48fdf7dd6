"""What Anthropic demands of a request beyond the shape of its fields."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from dragoman.simulator.anthropic.errors import bad_request
from dragoman.simulator.faults import Faults
from dragoman.simulator.signatures import verify

__all__ = ["blocks_of", "cache_marks", "check_rules"]


def blocks_of(message: Any) -> list[Any]:
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def check_rules(body: Any, faults: Faults) -> None:
    messages = body["messages"]
    if not messages:
        raise bad_request("messages: at least one message is required")
    if messages[0]["role"] != "user":
        raise bad_request('messages: first message must use the "user" role')
    _check_roles(messages, faults)
    _check_texts(messages, body)
    _check_tool_pairs(messages)
    _check_signatures(messages)
    _check_thinking(body)
    _check_tools(body)
    found = sum(1 for _ in cache_marks(body))
    if found > 4:
        raise bad_request(f"A maximum of 4 blocks with cache_control may be provided. Found {found}.")


def cache_marks(node: Any) -> Iterator[dict[str, Any]]:
    """Every cache mark on a block or a tool, and that on the request itself."""
    places = [*(node.get("tools") or []), *(node["system"] if isinstance(node.get("system"), list) else [])]
    for message in node["messages"]:
        for block in blocks_of(message):
            places.append(block)
            inner = block.get("content")
            places += [part for part in inner if isinstance(part, dict)] if isinstance(inner, list) else []
    for place in [node, *places]:
        if place.get("cache_control"):
            yield place["cache_control"]


def _check_roles(messages: list[Any], faults: Faults) -> None:
    # Anthropic itself joins consecutive turns of one role; Bedrock and older versions refuse them.
    if not faults.alternate:
        return
    for before, message in pairwise(messages):
        if before["role"] == message["role"]:
            raise bad_request(
                'messages: roles must alternate between "user" and "assistant", but found multiple '
                f'"{message["role"]}" roles in a row'
            )


def _check_texts(messages: list[Any], body: Any) -> None:
    for index, message in enumerate(messages):
        last_assistant = index == len(messages) - 1 and message["role"] == "assistant"
        if not message["content"] and not last_assistant:
            raise bad_request(
                f"messages.{index}: all messages must have non-empty content except for the optional final assistant message"
            )
        for block in blocks_of(message) if message["content"] else []:
            if block["type"] != "text":
                continue
            if not block["text"]:
                raise bad_request("messages: text content blocks must be non-empty")
            if not block["text"].strip():
                raise bad_request("messages: text content blocks must contain non-whitespace text")
        final = blocks_of(message)[-1] if last_assistant and message["content"] else {}
        if final.get("type") == "text" and final["text"] != final["text"].rstrip():
            raise bad_request("messages: final assistant content cannot end with trailing whitespace")
    system = body.get("system")
    if isinstance(system, list) and any(not block["text"] for block in system):
        raise bad_request("system: text content blocks must be non-empty")


def _check_tool_pairs(messages: list[Any]) -> None:
    waiting: list[str] = []
    known: set[str] = set()
    for index, message in enumerate(_joined(messages)):
        blocks = blocks_of(message)
        results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        for k, identity in enumerate(results):
            if identity not in waiting:
                raise bad_request(
                    f"messages.{index}.content.{k}: unexpected `tool_use_id` found in `tool_result` blocks: {identity}. Each "
                    "`tool_result` block must have a corresponding `tool_use` block in the previous message."
                )
        if len(results) != len(set(results)):
            raise bad_request(
                f"messages.{index}: each tool_use must have a single result. Found multiple `tool_result` blocks with one id"
            )
        _check_answered(index - 1, [identity for identity in waiting if identity not in results])
        waiting = [block["id"] for block in blocks if block["type"] == "tool_use"]
        if known & set(waiting) or len(set(waiting)) != len(waiting):
            raise bad_request(f"messages.{index}: `tool_use` ids must be unique")
        if waiting and message["role"] == "user":
            raise bad_request(f"messages.{index}: `tool_use` blocks can only be in `assistant` messages")
        known |= set(waiting)
    _check_answered(len(messages) - 1, waiting)


def _joined(messages: list[Any]) -> list[Any]:
    """Consecutive turns of one role as one, as Anthropic takes them."""
    joined: list[Any] = []
    for message in messages:
        if joined and joined[-1]["role"] == message["role"]:
            joined[-1] = {"role": message["role"], "content": blocks_of(joined[-1]) + blocks_of(message)}
        else:
            joined.append(message)
    return joined


def _check_answered(index: int, missing: list[str]) -> None:
    if missing:
        raise bad_request(
            f"messages.{index}: `tool_use` ids were found without `tool_result` blocks immediately after: {', '.join(missing)}. "
            "Each `tool_use` block must have a corresponding `tool_result` block in the next message."
        )


def _check_signatures(messages: list[Any]) -> None:
    for index, message in enumerate(messages):
        for k, block in enumerate(blocks_of(message)):
            where = f"messages.{index}.content.{k}"
            if block["type"] == "thinking":
                content = verify("anthropic", block["signature"])
                # Where thinking was displayed as omitted, its text comes back empty.
                if content is None or (block["thinking"] and block["thinking"] != content):
                    raise bad_request(f"{where}: Invalid `signature` in `thinking` block")
            elif block["type"] == "redacted_thinking" and verify("anthropic-redacted", block["data"]) is None:
                raise bad_request(f"{where}: Invalid `data` in `redacted_thinking` block")
            if block["type"] in ("thinking", "redacted_thinking") and message["role"] == "user":
                raise bad_request(f"{where}: `thinking` blocks can only be in `assistant` messages")


def _check_thinking(body: Any) -> None:
    thinking = body.get("thinking") or {}
    if thinking.get("type") == "enabled":
        if "max_tokens" in body and thinking["budget_tokens"] >= body["max_tokens"]:
            raise bad_request(
                "`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation at "
                "https://docs.claude.com/en/docs/build-with-claude/extended-thinking#max-tokens-and-context-window-size"
            )
        _check_last_loop(body["messages"])
    if thinking.get("type") in ("enabled", "adaptive"):
        _check_thinking_with(body)


def _check_thinking_with(body: Any) -> None:
    if body.get("temperature") not in (None, 1):
        raise bad_request("`temperature` may only be set to 1 when thinking is enabled.")
    if body.get("top_k") is not None:
        raise bad_request("`top_k` must be unset when thinking is enabled.")
    if (body.get("top_p") or 1) < 0.95:
        raise bad_request("`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled.")
    if (body.get("tool_choice") or {}).get("type") in ("any", "tool"):
        raise bad_request("Thinking may not be enabled when tool_choice forces tool use.")


def _check_last_loop(messages: list[Any]) -> None:
    """With thinking on, the assistant's turns of the tool loop that is under way begin with thinking."""
    for index in range(len(messages) - 1, -1, -1):
        blocks = blocks_of(messages[index])
        if messages[index]["role"] == "user":
            if any(block["type"] == "tool_result" for block in blocks):
                continue
            return
        if any(block["type"] == "tool_use" for block in blocks) and blocks[0]["type"] not in (
            "thinking",
            "redacted_thinking",
        ):
            raise bad_request(
                f"messages.{index}.content.0.type: Expected `thinking` or `redacted_thinking`, but found "
                f"`{blocks[0]['type']}`. When "
                "`thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the "
                "lastmost set of "
                "`tool_use` and `tool_result` blocks). We recommend you include thinking blocks from previous turns. To avoid this "
                "requirement, disable `thinking`."
            )


def _check_tools(body: Any) -> None:
    tools = [tool for tool in body.get("tools") or [] if "name" in tool]
    names = [tool["name"] for tool in tools]
    if len(set(names)) != len(names):
        raise bad_request("tools: Tool names must be unique.")
    for index, tool in enumerate(tools):
        if set(tool.get("input_schema") or {}) & {"oneOf", "allOf", "anyOf"}:
            raise bad_request(
                f"tools.{index}.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level"
            )
    chosen = body.get("tool_choice") or {}
    if chosen and not body.get("tools"):
        raise bad_request("tool_choice: tool_choice may only be specified while providing tools.")
    if chosen.get("type") == "tool" and chosen["name"] not in names:
        raise bad_request(f"Tool '{chosen['name']}' not found in provided tools")
    wanted = (body.get("output_config") or {}).get("format") or body.get("output_format")
    if wanted:
        _check_output_schema(wanted["schema"], "output_config.format.schema")


def _check_output_schema(schema: Any, where: str) -> None:
    if not isinstance(schema, dict):
        return
    kind = schema.get("type")
    for word in (
        "minimum",
        "maximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "maxItems",
        "exclusiveMinimum",
        "exclusiveMaximum",
    ):
        if word in schema:
            raise bad_request(f"{where}: For '{kind}' type, property '{word}' is not supported")
    if kind == "object" and schema.get("additionalProperties") is not False:
        raise bad_request(f"{where}: For 'object' type, 'additionalProperties' must be explicitly set to false")
    children = [
        *(schema.get("properties") or {}).values(),
        *(schema.get("$defs") or {}).values(),
        *(schema.get("anyOf") or []),
    ]
    for child in [*children, schema.get("items")]:
        _check_output_schema(child, where)
