"""The text in one vendor's own blocks, for the vendors that have no such block: it goes along as plain text."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from typing import Any

__all__ = ["file_text", "part_text", "with_summaries"]


def part_text(part: dict[str, Any]) -> str:
    """The text of a document, a search result or a text of Anthropic's; empty where there is none (or not only text)."""
    kind = part.get("type")
    if kind == "text":
        return str(part.get("text") or "")
    if kind == "search_result":
        body = _texts(part.get("content"))
    elif kind == "document" and isinstance(source := part.get("source"), dict):
        body = str(source.get("data") or "") if source.get("type") == "text" else _texts(source.get("content"))
    else:
        return ""
    heading = [part[key] for key in ("title", "source", "context") if isinstance(part.get(key), str) and part[key]]
    return "\n\n".join([*heading, body]) if body else ""


def _texts(content: Any) -> str:
    """The text of a list of blocks; empty where one of them is no text."""
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else []
    if not all(isinstance(block, dict) and isinstance(block.get("text"), str) for block in blocks):
        return ""
    return "\n\n".join(block["text"] for block in blocks)


def file_text(part: dict[str, Any]) -> str:
    """The text of a file part that holds plain text, under its title and context; empty for any other file."""
    head, _, data = str((part.get("file") or {}).get("file_data") or "").partition(",")
    if not head.startswith("data:text/") or not head.endswith(";base64"):
        return ""
    try:
        body = b64decode(data).decode("utf-8", "replace")
    except Base64Error:
        return ""
    heading = [part[key] for key in ("title", "context") if isinstance(part.get(key), str) and part[key]]
    return "\n\n".join([*heading, body]) if body else ""


def with_summaries(messages: Any, vendors: tuple[str, ...]) -> Any:
    """The messages, Anthropic's summaries of what came before (`compaction`) as text for all but `vendors`.
    https://platform.claude.com/docs/en/build-with-claude/compaction"""
    if not isinstance(messages, list):
        return messages
    return [_with_summary(message, vendors) for message in messages]


def _with_summary(message: Any, vendors: tuple[str, ...]) -> Any:
    entries = message.get("provider_tool_blocks") if isinstance(message, dict) else None
    if not isinstance(entries, list):
        return message
    summaries = [entry for entry in entries if isinstance(entry, dict) and _summary(entry, vendors)]
    if not summaries:
        return message
    texts = [_summary(entry, vendors) for entry in summaries]
    content = message.get("content")
    if isinstance(content, list):
        content = [*({"type": "text", "text": text} for text in texts), *content]
    else:
        content = "\n\n".join([*texts, *([content] if content else [])])
    kept = {key: value for key, value in message.items() if key != "block_order"}
    return {**kept, "content": content, "provider_tool_blocks": [entry for entry in entries if entry not in summaries]}


def _summary(entry: dict[str, Any], vendors: tuple[str, ...]) -> str:
    block = entry.get("block")
    if entry.get("vendor") in vendors or not isinstance(block, dict) or block.get("type") != "compaction":
        return ""
    return block["content"] if isinstance(block.get("content"), str) else ""
