"""`{"$ref": name}` in the response of a function: to Google, the part of that name.

A result that holds such a key by chance (tools that read OpenAPI or JSON Schema files give them) is refused as naming no part.
https://ai.google.dev/gemini-api/docs/function-calling#multimodal
"""

from __future__ import annotations

from typing import Any

from dragoman.dialects.json_text import dump_json
from dragoman.types.json import JsonObject

__all__ = ["has_dangling_reference", "has_reference"]


def has_reference(value: Any) -> bool:
    """Whether a key `$ref` stands anywhere in `value`. In a string its quotes would be escaped."""
    return isinstance(value, (dict, list)) and '"$ref":' in dump_json(value)


def has_dangling_reference(body: JsonObject) -> bool:
    """Whether a function's response in a caller's own body refers to parts, and brings none."""
    contents = body.get("contents")
    for content in contents if isinstance(contents, list) else ():
        parts = content.get("parts") if isinstance(content, dict) else None
        for part in parts if isinstance(parts, list) else ():
            response = part.get("functionResponse", part.get("function_response")) if isinstance(part, dict) else None
            if isinstance(response, dict) and not response.get("parts") and has_reference(response.get("response")):
                return True
    return False
