"""Read a function call whose arguments come in pieces (`streamFunctionCallArguments`): JSON paths and values.

https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling#streaming-fc
"""

from __future__ import annotations

import re
from typing import Any

from dragoman.dialects.gemini.fields import fields, items
from dragoman.errors import APIResponseValidationError
from dragoman.types.json import JsonObject

__all__ = ["add_partial"]

_STEP = re.compile(r"""\.?([^.\[\]'"]+)|\[(\d+)\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]""")
_MAX_GAP = 1000


def add_partial(args: JsonObject, partial_args: Any, path: str) -> None:
    """Put the pieces into `args`. A string that continues is appended to what is there."""
    for index, raw in enumerate(items(partial_args, path)):
        piece = fields(raw, f"{path}[{index}]")
        steps = _steps(str(piece.get("jsonPath") or "$"))
        _put(args, steps, _value(piece))


def _value(piece: JsonObject) -> Any:
    for key in ("stringValue", "numberValue", "boolValue"):
        if key in piece:
            return piece[key]
    return None


def _steps(json_path: str) -> list[str | int]:
    rest, at, steps = json_path.removeprefix("$"), 0, list[str | int]()
    while at < len(rest):
        match = _STEP.match(rest, at)
        if match is None:
            raise APIResponseValidationError(f"not a JSON path: {json_path!r}")
        steps.append(int(match[2]) if match[2] else next(group for group in match.groups() if group is not None))
        at = match.end()
    return steps


def _put(node: Any, steps: list[str | int], value: Any) -> None:
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        present = _get(node, step)
        if following is None:
            new = present + value if isinstance(present, str) and isinstance(value, str) else value
        elif isinstance(present, dict | list):
            new = present
        else:
            new = [] if isinstance(following, int) else {}
        _set(node, step, new)
        node = new


def _get(node: Any, step: str | int) -> Any:
    if isinstance(node, list) and isinstance(step, int):
        return node[step] if step < len(node) else None
    return node.get(step) if isinstance(node, dict) else None


def _set(node: Any, step: str | int, value: Any) -> None:
    if isinstance(node, dict):
        node[str(step)] = value
    elif isinstance(node, list) and isinstance(step, int) and step < len(node) + _MAX_GAP:
        node.extend([None] * (step + 1 - len(node)))
        node[step] = value
    else:
        raise APIResponseValidationError("the pieces of a function call do not fit together")
