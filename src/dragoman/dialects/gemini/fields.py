"""Read Google's JSON: camelCase and snake_case names are the same, null means absent, and a single object stands for a list of one.

https://protobuf.dev/programming-guides/json/
"""

from __future__ import annotations

import re
from typing import Any

from dragoman.dialects.validation import expect_list, expect_object
from dragoman.types.json import JsonObject
from dragoman.types.name_cache import cached_by_name

__all__ = ["fields", "items"]


@cached_by_name(maxsize=1024)
def _camel(name: str) -> str:
    return re.sub(r"(?<=[a-zA-Z0-9])_([a-z0-9])", lambda match: match[1].upper(), name)


def fields(value: Any, path: str) -> JsonObject:
    """Return the object's fields under their camelCase names. Only this level: below it may be a caller's own data."""
    return {
        _camel(key) if "_" in key else key: item for key, item in expect_object(value, path).items() if item is not None
    }


def items(value: Any, path: str) -> list[Any]:
    """Return the items of a repeated field."""
    if value is None:
        return []
    return [value] if isinstance(value, dict) else expect_list(value, path)
