"""Check the shape of a hub's request before it is written, so that a mistake of an SDK caller gets an error with its path."""

from __future__ import annotations

from typing import Any

from dragoman.dialects.gemini.vendor import VENDOR
from dragoman.dialects.validation import expect, expect_list, expect_object, wrong_type

__all__ = ["check_request"]

_OWN = {VENDOR: dict}
_URL = (str, {"url": str, "detail": str, "format": str})
_PART = {
    "type": str,
    "text": str,
    "refusal": str,
    "image_url": _URL,
    "input_audio": {"data": str, "format": str},
    "video_url": {"url": str, "format": str},
    "file": {"file_data": str, "file_url": str, "file_id": str, "filename": str, "format": str},
    "extra_content": _OWN,
}
_FUNCTION = {"name": str, "arguments": str}
_CALL = {"id": str, "function": _FUNCTION, "custom": {"name": str, "input": str}, "extra_content": _OWN}
_MESSAGE = {
    "role": str,
    "content": (str, [_PART]),
    "name": str,
    "refusal": str,
    "tool_calls": [_CALL],
    "function_call": _FUNCTION,
    "tool_call_id": str,
    "audio": {"data": str, "transcript": str, "format": str},
    "thinking_blocks": [{"type": str, "thinking": str, "signature": str}],
    "block_order": [str],
    "provider_tool_blocks": [{"block": dict}],
    "images": [_PART],
    "provider_specific_fields": {VENDOR: {"wrapped_in": str}},
}
_DECLARATION = {"name": str, "description": str, "parameters": dict}
_CHOICE = {
    "type": str,
    "name": str,
    "function": {"name": str},
    "allowed_tools": {"mode": str, "tools": [{"name": str, "function": {"name": str}}]},
}
_REQUEST = {
    "messages": [_MESSAGE],
    "tools": [{"type": str, "function": _DECLARATION, "definition": dict}],
    "functions": [_DECLARATION],
    "tool_choice": (str, _CHOICE),
    "function_call": (str, {"name": str}),
    "stop": (str, [str]),
    "response_format": {"type": str, "json_schema": {"schema": dict}},
    "thinking": {"type": str, "display": str, "budget_tokens": int},
    "reasoning_effort": str,
    "modalities": [str],
    "audio": {"voice": (str, dict), "format": str},
    "metadata": dict,
    "web_search_options": dict,
    "vendor_params": dict,
}


def check_request(request: Any) -> None:
    """Raise `BadRequestError` with the path of the first field of a wrong type. Every field may be missing or null."""
    for name, shape in _REQUEST.items():
        if request.get(name) is not None:
            _check(request[name], shape, name)
    for vendor, params in (request.get("vendor_params") or {}).items():
        expect_object(params, f"vendor_params.{vendor}")


def _check(value: Any, shape: Any, path: str) -> None:
    if isinstance(shape, tuple):
        shape = _alternative(value, shape, path)
    if isinstance(shape, list):
        for index, item in enumerate(expect_list(value, path)):
            _check_item(item, shape[0], f"{path}[{index}]")
    elif isinstance(shape, dict):
        for name, item in expect_object(value, path).items():
            if item is not None and name in shape:
                _check(item, shape[name], f"{path}.{name}")
    else:
        expect(value, shape, path)


def _check_item(item: Any, shape: Any, path: str) -> None:
    """Check an item of a list, which may not be null."""
    if item is None:
        raise wrong_type(path, "a string" if shape is str else "an object", item)
    _check(item, shape, path)


def _alternative(value: Any, shapes: tuple[Any, ...], path: str) -> Any:
    for shape in shapes:
        kind = shape if isinstance(shape, type) else type(shape)
        if isinstance(value, kind):
            return shape
    raise wrong_type(path, "a string" if shapes[0] is str else "another type", value)
