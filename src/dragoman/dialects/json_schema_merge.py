"""Two JSON schemas made one that asks for what both ask for (`allOf`). Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from dragoman.dialects.validation import bad
from dragoman.types.json import JsonObject

__all__ = ["merge"]

Lost = Callable[[str], None]

_LARGER = frozenset({"minimum", "minLength", "minItems", "minProperties"})
_SMALLER = frozenset({"maximum", "maxLength", "maxItems", "maxProperties"})
_ANNOTATIONS = frozenset({"title", "description", "default", "format", "pattern", "propertyOrdering"})
_MAX_BRANCHES = 64


def merge(left: JsonObject, right: JsonObject, path: str, lost: Lost) -> JsonObject:
    """`left` and `right`, both already rewritten, in one. `path` is that of `right`; contradictions are refused."""
    if not left or not right:
        return left or right
    if "$ref" in left or "$ref" in right:
        lost(f"{path}.$ref")
        return left if "$ref" not in left else right
    result = dict(left)
    for keyword, item in right.items():
        result[keyword] = _both(keyword, result[keyword], item, path, lost) if keyword in result else item
    return result


def _both(keyword: str, mine: Any, theirs: Any, path: str, lost: Lost) -> Any:
    where = f"{path}.{keyword}"
    if mine == theirs or keyword in _ANNOTATIONS:
        return mine
    if keyword == "properties":
        return _properties(mine, theirs, where, lost)
    if keyword == "required":
        known = set(mine)
        return [*mine, *(name for name in theirs if name not in known)]
    if keyword in _LARGER:
        return max(mine, theirs)
    if keyword in _SMALLER:
        return min(mine, theirs)
    if keyword in ("type", "enum"):
        return _common(mine, theirs, where)
    if keyword in ("items", "additionalProperties"):
        return _schemas(mine, theirs, where, lost)
    if keyword == "anyOf" and len(mine) * len(theirs) <= _MAX_BRANCHES:
        return [merge(one, other, where, lost) for one in mine for other in theirs]
    lost(where)
    return mine


def _properties(mine: JsonObject, theirs: JsonObject, path: str, lost: Lost) -> JsonObject:
    result = dict(mine)
    for name, item in theirs.items():
        result[name] = merge(result[name], item, f"{path}.{name}", lost) if name in result else item
    return result


def _schemas(mine: Any, theirs: Any, path: str, lost: Lost) -> Any:
    if mine is False or theirs is False:
        return False
    if mine is True or theirs is True:
        return theirs if mine is True else mine
    return merge(mine, theirs, path, lost)


def _key(value: Any) -> Any:
    """Equal for equal JSON values, and hashable. Python takes True for 1, JSON does not."""
    if isinstance(value, (bool, dict, list)):
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return value


def _common(mine: Any, theirs: Any, path: str) -> Any:
    ours = mine if isinstance(mine, list) else [mine]
    others = theirs if isinstance(theirs, list) else [theirs]
    known = {_key(item) for item in others}
    common = [item for item in ours if _key(item) in known]
    if {"integer", "number"} <= {*map(str, ours), *map(str, others)} and "integer" not in common:
        common.append("integer")  # every integer is a number
    if not common:
        raise bad(path, f"{theirs!r} contradicts {mine!r}", code="unsupported_schema")
    return common if isinstance(mine, list) and (len(common) > 1 or path.endswith(".enum")) else common[0]
