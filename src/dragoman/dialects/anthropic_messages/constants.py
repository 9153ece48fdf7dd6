"""Names that stand in more than one module of this dialect."""

from __future__ import annotations

from typing import Any

import orjson

from dragoman.dialects.framing.surrogates import loads
from dragoman.dialects.tool_arguments import say_nothing
from dragoman.errors import APIResponseValidationError

__all__ = [
    "CUSTOM_SUFFIX",
    "NAME",
    "VENDOR",
    "WRAPPED_SUFFIX",
    "as_count",
    "dump_json",
    "invalid_shape",
    "parse_input",
]

NAME = "anthropic_messages"
VENDOR = "anthropic"
"""Whose signatures, provider-run tools and parameters this dialect's own clients and servers understand."""

CUSTOM_SUFFIX = "__custom"
"""Ends the wire name of a tool that the caller defined as OpenAI's `custom` (free text in): there is only JSON on this wire."""
WRAPPED_SUFFIX = "__value"
"""Ends the name of the tool for structured output where its argument `value` is the answer, for schemas that are no object."""


def dump_json(value: Any) -> str:
    """Compact JSON text. orjson refuses lone surrogates and very large integers, which a caller may well send."""
    try:
        return orjson.dumps(value).decode()
    except (orjson.JSONEncodeError, TypeError, RecursionError):
        import json

        return json.dumps(value, separators=(",", ":"), default=str)


def parse_input(arguments: object) -> dict[str, Any]:
    """The `input` of a tool_use. Arguments that are no JSON object (a call that was cut off) are wrapped as Anthropic asks:
    https://platform.claude.com/docs/en/agents-and-tools/tool-use/fine-grained-tool-streaming"""
    if isinstance(arguments, dict):
        return arguments
    if not isinstance(arguments, str) or say_nothing(arguments):
        return {}
    try:
        parsed = loads(arguments)
    except (orjson.JSONDecodeError, RecursionError):
        parsed = None
    return parsed if isinstance(parsed, dict) else {"INVALID_JSON": arguments}


def as_count(value: object) -> int:
    """A number of tokens; anything else counts as none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def invalid_shape(what: str) -> APIResponseValidationError:
    return APIResponseValidationError(f"the provider's answer is not in the shape of Anthropic's Messages: {what}")
