"""What a deployment of a model list says of itself beside how it is reached, under LiteLLM's names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from dragoman.errors import ConfigError
from dragoman.settings.readers import Reader, at_least, boolean, counts, seconds, text, texts, whole

__all__ = ["ALLOWED_FAILS", "ENTRY_KEYS", "ERRORS", "INFO_KEYS", "KEYS", "Key", "take"]


class Key(NamedTuple):
    field: str
    """Of `Deployment`."""
    read: Reader


ERRORS: Mapping[str, str] = MappingProxyType(
    {
        "BadRequestError": "BadRequestError",
        "AuthenticationError": "AuthenticationError",
        "TimeoutError": "Timeout",
        "RateLimitError": "RateLimitError",
        "ContentPolicyViolationError": "ContentPolicyViolationError",
        "InternalServerError": "InternalServerError",
        "ServiceUnavailableError": "ServiceUnavailableError",
        "NotFoundError": "NotFoundError",
    }
)
"""LiteLLM's word for a class of errors, and ours."""
ALLOWED_FAILS: Reader = counts("AllowedFails", ERRORS)


def _patterns(value: Any, path: str) -> tuple[str, ...]:
    found = texts(value, path)
    for number, pattern in enumerate(found):
        try:
            re.compile(pattern)
        except re.error as error:
            where = f"{path}[{number}]"
            raise ConfigError(f"{where}: no regular expression: {error.msg}", param=where) from None
    return found


def _order(value: Any, path: str) -> int:
    """Lower than nothing too: before those that say nothing."""
    read: int = whole(-1_000_000, 1_000_000)(value, path)
    return read


KEYS: Mapping[str, Key] = MappingProxyType(
    {
        "order": Key("order", _order),
        "weight": Key("weight", at_least(0)),
        "rpm": Key("rpm", whole(0)),
        "tpm": Key("tpm", whole(0)),
        "itpm": Key("itpm", whole(0)),
        "otpm": Key("otpm", whole(0)),
        "max_parallel_requests": Key("max_parallel_requests", whole(1)),
        "tags": Key("tags", texts),
        "tag_regex": Key("tag_regex", _patterns),
        "region": Key("region", text),
        "region_name": Key("region", text),
        "cooldown_time": Key("cooldown_time", seconds),
        "allowed_fails": Key("allowed_fails", whole(0)),
        "allowed_fails_policy": Key("allowed_fails_by_error", ALLOWED_FAILS),
        "blocked": Key("blocked", boolean),
        "silent_model": Key("silent_model", text),
    }
)
"""Of `litellm_params`."""
INFO_KEYS = frozenset({"rpm", "tpm", "allowed_fails", "allowed_fails_policy", "blocked"})
"""Those that LiteLLM's users write in `model_info` as well."""
ENTRY_KEYS = frozenset({"rpm", "tpm"})
"""Those that older lists have beside `litellm_params`."""


def take(said: Mapping[str, Any], path: str, names: frozenset[str] | Mapping[str, Key]) -> dict[str, Any]:
    """The fields of a deployment that a mapping says. None counts as not said. Raises `ConfigError`."""
    found: dict[str, Any] = {}
    problems: list[str] = []
    for name, value in said.items():
        if name in names and value is not None:
            key = KEYS[name]
            try:
                found[key.field] = key.read(value, f"{path}.{name}")
            except ConfigError as error:
                problems += error.message.splitlines()
    if problems:
        raise ConfigError("\n".join(problems))
    return found
