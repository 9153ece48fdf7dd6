"""The `anthropic-beta` header that a request needs: https://platform.claude.com/docs/en/api/beta-headers"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dragoman.types.json import JsonObject

__all__ = ["beta_headers"]

_BY_TOOL: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), beta)
    for pattern, beta in (
        (r"(computer|bash|text_editor)_20241022", "computer-use-2024-10-22"),
        (r"computer_20250124", "computer-use-2025-01-24"),
        (r"computer_20251124", "computer-use-2025-11-24"),
        (r"mcp_toolset", "mcp-client-2025-11-20"),
        (r"advisor_20260301", "advisor-tool-2026-03-01"),
    )
)
_BY_PARAMETER = {"context_management": "context-management-2025-06-27", "speed": "fast-mode-2026-02-01"}


def beta_headers(body: JsonObject, listed: object) -> dict[str, str]:
    """Return the header with the caller's own betas, and those without which Anthropic refuses what is in `body`."""
    betas = [beta for beta in listed if isinstance(beta, str)] if isinstance(listed, list) else []
    names = list(dict.fromkeys([*betas, *_needed(body)]))
    return {"anthropic-beta": ",".join(names)} if names else {}


def _needed(body: JsonObject) -> Iterator[str]:
    kinds = [tool["type"] for tool in body.get("tools") or [] if isinstance(tool.get("type"), str)]
    yield from _tool_betas(kinds)
    if body.get("mcp_servers") and "mcp_toolset" not in kinds:
        yield "mcp-client-2025-04-04"
    for parameter, beta in _BY_PARAMETER.items():
        if body.get(parameter) is not None:
            yield beta
    if _has_file_id(body.get("messages")):
        yield "files-api-2025-04-14"


def _tool_betas(kinds: list[str]) -> Iterator[str]:
    for pattern, beta in _BY_TOOL:
        if any(pattern.fullmatch(kind) for kind in kinds):
            yield beta


def _has_file_id(messages: object) -> bool:
    """Whether a block of the conversation, or of a tool's result in it, names an uploaded file."""
    stack = [messages]
    while stack:
        here = stack.pop()
        if isinstance(here, list):
            stack += here
        elif isinstance(here, dict):
            source = here.get("source")
            if here.get("type") == "container_upload" or (isinstance(source, dict) and source.get("type") == "file"):
                return True
            stack.append(here.get("content"))
    return False
