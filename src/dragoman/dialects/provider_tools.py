"""Tools that the provider runs itself, by kind, so that one vendor's web search can become another's.

In the hub such a tool is `{"type": <kind>, "vendor": <vendor>, "definition": <the vendor's own words, verbatim>}`. Callers of
the OpenAI dialect also write a vendor's own words straight into `tools`, as LiteLLM's users do
(`{"type": "web_search_20250305", ...}`, `{"googleSearch": {}}`): `provider_tool` knows those too.
"""

from __future__ import annotations

import re
from typing import Any

from dragoman.dialects.drop_list import DropList

__all__ = ["provider_tool", "report_foreign_blocks"]

_ANTHROPIC_KINDS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), kind)
    for pattern, kind in (
        (r"web_search_\d+", "web_search"),
        (r"web_fetch_\d+", "web_fetch"),
        (r"code_execution_\d+", "code_execution"),
        (r"computer_\d+", "computer"),
        (r"bash_\d+", "bash"),
        (r"text_editor_\d+", "text_editor"),
        (r"memory_\d+", "memory"),
        (r"tool_search_tool_\w+", "tool_search"),
        (r"mcp_toolset", "mcp"),
        (r"advisor_\d+", "advisor"),
    )
)
_GOOGLE_KINDS: dict[str, str] = {
    "googleSearch": "web_search",
    "google_search": "web_search",
    "googleSearchRetrieval": "web_search",
    "google_search_retrieval": "web_search",
    "urlContext": "web_fetch",
    "url_context": "web_fetch",
    "codeExecution": "code_execution",
    "code_execution": "code_execution",
    "computerUse": "computer",
    "computer_use": "computer",
    "fileSearch": "file_search",
    "file_search": "file_search",
    "googleMaps": "maps",
    "google_maps": "maps",
    "enterpriseWebSearch": "enterprise_web_search",
    "mcpServers": "mcp",
}


def provider_tool(tool: dict[str, Any]) -> dict[str, Any] | None:
    """Return `tool` in the hub's form where it is one that a provider runs; None for functions, custom tools, unknown shapes."""
    if "definition" in tool:
        return tool
    kind = tool.get("type")
    if isinstance(kind, str):
        if kind in ("function", "custom"):
            return None
        for pattern, name in _ANTHROPIC_KINDS:
            if pattern.fullmatch(kind):
                return {"type": name, "vendor": "anthropic", "definition": tool}
    for key, name in _GOOGLE_KINDS.items():
        if key in tool:
            return {"type": name, "vendor": "google", "definition": {key: tool[key]}}
    return None


def report_foreign_blocks(messages: object, vendors: tuple[str, ...], drops: DropList) -> None:
    """Report the blocks of other vendors' tools in the history (`provider_tool_blocks`), which are left out."""
    for index, message in enumerate(messages if isinstance(messages, list) else ()):
        blocks = message.get("provider_tool_blocks") if isinstance(message, dict) else None
        for block in blocks if isinstance(blocks, list) else ():
            if isinstance(block, dict) and block.get("vendor") not in vendors:
                drops.degraded(f"messages[{index}].provider_tool_blocks")
