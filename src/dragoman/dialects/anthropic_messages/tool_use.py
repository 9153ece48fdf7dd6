"""What `tool_use` blocks have in common, read and written: suffixes of tool names with a meaning, and the input."""

from __future__ import annotations

from typing import Any

import orjson

from dragoman.dialects.framing.surrogates import loads
from dragoman.dialects.tool_arguments import are_empty

__all__ = ["CUSTOM_SUFFIX", "WRAPPED_SUFFIX", "parse_input"]

CUSTOM_SUFFIX = "__custom"
"""Ends the wire name of a tool that the caller defined as OpenAI's `custom` (free text in): there is only JSON on this wire."""
WRAPPED_SUFFIX = "__value"
"""Ends the name of the tool for structured output where its argument `value` is the answer, for schemas that are no object."""


def parse_input(arguments: object) -> dict[str, Any]:
    """Return the `input` of a tool_use. Arguments that are no JSON object (a call that was cut off) are wrapped as Anthropic asks:
    https://platform.claude.com/docs/en/agents-and-tools/tool-use/fine-grained-tool-streaming"""
    if isinstance(arguments, dict):
        return arguments
    if not isinstance(arguments, str) or are_empty(arguments):
        return {}
    try:
        parsed = loads(arguments)
    except (orjson.JSONDecodeError, RecursionError):
        parsed = None
    return parsed if isinstance(parsed, dict) else {"INVALID_JSON": arguments}
