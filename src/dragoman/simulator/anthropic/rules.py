"""Check what Anthropic demands of a request beyond the shape of its fields."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from dragoman.simulator.anthropic.errors import bad_request
from dragoman.simulator.faults import Faults
from dragoman.simulator.fields import list_in, object_in
from dragoman.simulator.signatures import verify

__all__ = ["blocks_of", "cache_marks", "check_rules", "output_format_of"]


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
    count = sum(1 for _ in cache_marks(body))
    if count > 4:
        raise bad_request(f"A maximum of 4 blocks with cache_control may be provided. Found {count}.")


def cache_marks(node: Any) -> Iterator[dict[str, Any]]:
    """Yield the cache mark of every block and tool, and that of the request itself."""
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
        is_prefill = index == len(messages) - 1 and message["role"] == "assistant"
        if message["content"]:
            _check_blocks(blocks_of(message), is_prefill)
        elif not is_prefill:
            raise bad_request(
                f"messages.{index}: all messages must have non-empty content except for the optional final assistant message"
            )
    system = body.get("system")
    if isinstance(system, list) and any(not block["text"] for block in system):
        raise bad_request("system: text content blocks must be non-empty")


def _check_blocks(blocks: list[Any], is_prefill: bool) -> None:
    for text in [block["text"] for block in blocks if block["type"] == "text"]:
        if not text:
            raise bad_request("messages: text content blocks must be non-empty")
        if not text.strip():
            raise bad_request("messages: text content blocks must contain non-whitespace text")
    if is_prefill and blocks[-1]["type"] == "text" and blocks[-1]["text"][-1].isspace():
        raise bad_request("messages: final assistant content cannot end with trailing whitespace")


def _check_tool_pairs(messages: list[Any]) -> None:
    """Check that every call has one result in the next turn, and every result its call in the turn before."""
    waiting: list[str] = []
    used: set[str] = set()
    for index, message in enumerate(_joined(messages)):
        blocks = blocks_of(message)
        results = _ids(blocks, "tool_result", "tool_use_id")
        _check_results(results, waiting, index)
        _check_answered(index - 1, [call_id for call_id in waiting if call_id not in results])
        waiting = _ids(blocks, "tool_use", "id")
        if used & set(waiting) or len(set(waiting)) != len(waiting):
            raise bad_request(f"messages.{index}: `tool_use` ids must be unique")
        if waiting and message["role"] == "user":
            raise bad_request(f"messages.{index}: `tool_use` blocks can only be in `assistant` messages")
        used |= set(waiting)
    _check_answered(len(messages) - 1, waiting)


def _ids(blocks: list[Any], kind: str, field: str) -> list[str]:
    return [block[field] for block in blocks if block["type"] == kind]


def _check_results(results: list[str], waiting: list[str], index: int) -> None:
    for k, call_id in enumerate(results):
        if call_id not in waiting:
            raise bad_request(
                f"messages.{index}.content.{k}: unexpected `tool_use_id` found in `tool_result` blocks: {call_id}. Each "
                "`tool_result` block must have a corresponding `tool_use` block in the previous message."
            )
    if len(results) != len(set(results)):
        raise bad_request(
            f"messages.{index}: each tool_use must have a single result. Found multiple `tool_result` blocks with one id"
        )


def _joined(messages: list[Any]) -> list[Any]:
    """Return the turns, consecutive ones of one role as one, as Anthropic takes them."""
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
            if block["type"] not in _SIGNATURE_CHECKS:
                continue
            where = f"messages.{index}.content.{k}"
            _SIGNATURE_CHECKS[block["type"]](block, where)
            if message["role"] == "user":
                raise bad_request(f"{where}: `thinking` blocks can only be in `assistant` messages")


def _check_signature(block: Any, where: str) -> None:
    content = verify("anthropic", block["signature"])
    # Where thinking was displayed as omitted, its text comes back empty.
    if content is None or (block["thinking"] and block["thinking"] != content):
        raise bad_request(f"{where}: Invalid `signature` in `thinking` block")


def _check_redacted(block: Any, where: str) -> None:
    if verify("anthropic-redacted", block["data"]) is None:
        raise bad_request(f"{where}: Invalid `data` in `redacted_thinking` block")


_SIGNATURE_CHECKS = {"thinking": _check_signature, "redacted_thinking": _check_redacted}


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
    """Check that, with thinking on, the assistant's turns of the current tool loop begin with thinking."""
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
    tools = [tool for tool in list_in(body, "tools") if "name" in tool]
    names = [tool["name"] for tool in tools]
    if len(set(names)) != len(names):
        raise bad_request("tools: Tool names must be unique.")
    for index, tool in enumerate(tools):
        if {"oneOf", "allOf", "anyOf"} & object_in(tool, "input_schema").keys():
            raise bad_request(
                f"tools.{index}.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level"
            )
    _check_tool_choice(object_in(body, "tool_choice"), body, names)
    output_format = output_format_of(body)
    if output_format:
        _check_output_schema(output_format["schema"], "output_config.format.schema")


def _check_tool_choice(choice: Any, body: Any, names: list[str]) -> None:
    if choice and not body.get("tools"):
        raise bad_request("tool_choice: tool_choice may only be specified while providing tools.")
    if choice.get("type") == "tool" and choice["name"] not in names:
        raise bad_request(f"Tool '{choice['name']}' not found in provided tools")


def output_format_of(body: Any) -> Any:
    """Return the format of the output: in `output_config`, or in the field of the older beta."""
    return object_in(body, "output_config").get("format") or body.get("output_format")


_UNSUPPORTED_KEYWORDS = ("minimum", "maximum", "multipleOf", "minLength", "maxLength", "maxItems", "exclusiveMinimum",
                         "exclusiveMaximum")  # fmt: skip


def _check_output_schema(schema: Any, where: str) -> None:
    if not isinstance(schema, dict):
        return
    kind = schema.get("type")
    for word in _UNSUPPORTED_KEYWORDS:
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
