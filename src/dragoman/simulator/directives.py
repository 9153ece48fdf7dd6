"""Read the directives in a prompt, which say what to answer: `[[tools: get_weather {"city": "Paris"}]]` (see docs/simulator.md)."""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["fault_settings", "parse_directives", "planned_calls", "without_directives"]

_DIRECTIVE = re.compile(r"\[\[\s*([a-z-]+)\s*(?::(.*?))?\s*\]\]", re.DOTALL)
_NAME = re.compile(r"[\w.:-]+")


def parse_directives(text: str) -> dict[str, str]:
    return {match[1]: (match[2] or "").strip() for match in _DIRECTIVE.finditer(text)}


def without_directives(text: str) -> str:
    return _DIRECTIVE.sub("", text).strip()


def fault_settings(text: str) -> str:
    """Return the faults that `[[simulate: ...]]` names."""
    return parse_directives(text).get("simulate", "")


def planned_calls(script: str) -> list[tuple[str, dict[str, Any] | None]]:
    """Return the calls of `name {json}; name; ...`, with None for arguments to make up."""
    decoder = json.JSONDecoder()
    calls: list[tuple[str, dict[str, Any] | None]] = []
    at = 0
    while match := _NAME.search(script, at):
        at = match.end()
        while at < len(script) and script[at].isspace():
            at += 1
        arguments: dict[str, Any] | None = None
        if script[at : at + 1] == "{":
            arguments, at = decoder.raw_decode(script, at)
        calls.append((match[0], arguments))
    return calls
