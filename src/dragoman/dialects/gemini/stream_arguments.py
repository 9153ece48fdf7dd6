"""Read a function call whose arguments come in pieces (`streamFunctionCallArguments`): JSON paths and values.

https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling#streaming-fc
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from dragoman.dialects.gemini.fields import fields, items
from dragoman.errors import APIResponseValidationError
from dragoman.types.json import JsonObject

__all__ = ["PartialArguments"]

_STEP = re.compile(r"""\.?([^.\[\]'"]+)|\[(\d+)\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]""")
_MAX_GAP = 1000
_MAX_DEPTH = 100
"""Steps of a path. orjson writes no more than 254 levels."""


class _GrowingText:
    """A string whose pieces are joined once, when the arguments are complete."""

    __slots__ = ("pieces",)

    def __init__(self, *pieces: str) -> None:
        self.pieces = list(pieces)


class PartialArguments:
    """The arguments of one call that is still coming."""

    __slots__ = ("_args",)

    def __init__(self, args: JsonObject) -> None:
        self._args = dict(args)

    def add(self, partial_args: Any, path: str) -> None:
        """Put pieces in their places. A string that continues is appended to what came of it."""
        for index, raw in enumerate(items(partial_args, path)):
            piece = fields(raw, f"{path}[{index}]")
            _put(self._args, _steps(str(piece.get("jsonPath") or "$")), _value(piece))

    def to_json(self) -> str:
        return orjson.dumps(self._args, default=_joined).decode()


def _joined(text: Any) -> str:
    if not isinstance(text, _GrowingText):
        raise TypeError
    return "".join(text.pieces)


def _value(piece: JsonObject) -> Any:
    for key in ("stringValue", "numberValue", "boolValue"):
        if key in piece:
            return piece[key]
    return None


def _steps(json_path: str) -> list[str | int]:
    path, at, steps = json_path.removeprefix("$"), 0, list[str | int]()
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None or len(steps) == _MAX_DEPTH:
            raise APIResponseValidationError(f"not a JSON path of up to {_MAX_DEPTH} steps: {json_path[:200]!r}")
        steps.append(int(match[2]) if match[2] else next(group for group in match.groups() if group is not None))
        at = match.end()
    return steps


def _put(node: Any, steps: list[str | int], value: Any) -> None:
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        present = _get(node, step)
        if following is None:
            new = _continued(present, value)
        elif isinstance(present, dict | list):
            new = present
        else:
            new = [] if isinstance(following, int) else {}
        _set(node, step, new)
        node = new


def _continued(present: Any, value: Any) -> Any:
    if isinstance(value, str):
        if isinstance(present, _GrowingText):
            present.pieces.append(value)
            return present
        if isinstance(present, str):
            return _GrowingText(present, value)
    return value


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
