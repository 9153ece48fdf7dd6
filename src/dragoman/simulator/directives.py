"""The small language in which a prompt says what to answer: `[[tools: get_weather {"city": "Paris"}]]` (see docs/simulator.md)."""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["fault_settings", "parse_directives", "planned_calls", "without_directives"]

_DIRECTIVE = re.compile(r"\[\[\s*([a-z-]+)\s*(?::(.*?))?\s*\]\]", re.DOTALL)
_NAME = re.compile(r"[\w.:-]+")


def parse_directives(text: str) -> dict[str, str]:
    return {found[1]: (found[2] or "").strip() for found in _DIRECTIVE.finditer(text)}


def without_directives(text: str) -> str:
    return _DIRECTIVE.sub("", text).strip()


def fault_settings(text: str) -> str:
    """What `[[simulate: ...]]` says."""
    return parse_directives(text).get("simulate", "")


def planned_calls(script: str) -> list[tuple[str, dict[str, Any] | None]]:
    """`name {json}; name; ...`: the calls, with None for arguments that are to be made up."""
    decoder = json.JSONDecoder()
    calls: list[tuple[str, dict[str, Any] | None]] = []
    at = 0
    while found := _NAME.search(script, at):
        at = found.end()
        while at < len(script) and script[at].isspace():
            at += 1
        arguments: dict[str, Any] | None = None
        if script[at : at + 1] == "{":
            arguments, at = decoder.raw_decode(script, at)
        calls.append((found[0], arguments))
    return calls
