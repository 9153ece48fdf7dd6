"""Merge two JSON schemas into one that asks for what both ask for (`allOf`). Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from dragoman.dialects.validation import bad
from dragoman.types.json import JsonObject

__all__ = ["merge"]

Lost = Callable[[str], None]

_ANNOTATIONS = frozenset({"title", "description", "default", "format", "pattern", "propertyOrdering"})
_MAX_BRANCHES = 64


def merge(left: JsonObject, right: JsonObject, path: str, lost: Lost) -> JsonObject:
    """Return `left` and `right`, both already rewritten, in one. `path` is that of `right`; contradictions are refused."""
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
    if mine == theirs or keyword in _ANNOTATIONS:
        return mine
    where = f"{path}.{keyword}"
    merger = _MERGERS.get(keyword)
    if merger is not None:
        return merger(mine, theirs, where, lost)
    lost(where)
    return mine


def _any_of(mine: list[Any], theirs: list[Any], path: str, lost: Lost) -> list[Any]:
    if len(mine) * len(theirs) > _MAX_BRANCHES:
        lost(path)
        return mine
    return [merge(one, other, path, lost) for one in mine for other in theirs]


def _required(mine: list[Any], theirs: list[Any], path: str, lost: Lost) -> list[Any]:
    known = set(mine)
    return [*mine, *(name for name in theirs if name not in known)]


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


def _common(mine: Any, theirs: Any, path: str, lost: Lost) -> Any:
    ours, others = _listed(mine), _listed(theirs)
    known = {_key(item) for item in others}
    common = [item for item in ours if _key(item) in known]
    if {"integer", "number"} <= {*map(str, ours), *map(str, others)} and "integer" not in common:
        common.append("integer")  # every integer is a number
    if not common:
        raise bad(path, f"{theirs!r} contradicts {mine!r}", code="unsupported_schema")
    return common if isinstance(mine, list) and (len(common) > 1 or path.endswith(".enum")) else common[0]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _largest(mine: Any, theirs: Any, path: str, lost: Lost) -> Any:
    return max(mine, theirs)


def _smallest(mine: Any, theirs: Any, path: str, lost: Lost) -> Any:
    return min(mine, theirs)


_MERGERS: dict[str, Callable[[Any, Any, str, Lost], Any]] = {
    **dict.fromkeys(("minimum", "minLength", "minItems", "minProperties"), _largest),
    **dict.fromkeys(("maximum", "maxLength", "maxItems", "maxProperties"), _smallest),
    **dict.fromkeys(("type", "enum"), _common),
    **dict.fromkeys(("items", "additionalProperties"), _schemas),
    "properties": _properties,
    "required": _required,
    "anyOf": _any_of,
}
"""How a keyword that both schemas have becomes one; without an entry, the first one stands and the second is lost."""
