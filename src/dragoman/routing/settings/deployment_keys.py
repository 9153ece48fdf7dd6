"""The settings of a deployment beside those of its calls: limits, shares, health; under LiteLLM's names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from dragoman.errors import ConfigError
from dragoman.settings.readers import Reader, at_least, boolean, counts, seconds, text, texts, whole
from dragoman.settings.setting import Setting, row

__all__ = ["ALLOWED_FAILS", "ENTRY_KEYS", "ERRORS", "INFO_KEYS", "KEYS", "take"]


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
"""LiteLLM's name of a class of errors -> ours."""
ALLOWED_FAILS: Reader = counts("AllowedFails", ERRORS)


def _patterns(value: Any, path: str) -> tuple[str, ...]:
    patterns = texts(value, path)
    for number, pattern in enumerate(patterns):
        try:
            re.compile(pattern)
        except re.error as error:
            where = f"{path}[{number}]"
            raise ConfigError(f"{where}: no regular expression: {error.msg}", param=where) from None
    return patterns


def _order(value: Any, path: str) -> int:
    """Return a place in the order; below 0 is before the deployments that set none."""
    read: int = whole(-1_000_000, 1_000_000)(value, path)
    return read


_ROUTER = "of the router"
_ROWS = (
    row("order", _order, "deployments of an alias with a lower order come first", kind="whole number", shown="0"),
    row("weight", at_least(0), "its share of the calls, relative to the others of its alias (`simple-shuffle`)"),
    row("rpm", whole(), "requests per minute: a limit, and a share if no deployment has a `weight`"),
    row("tpm", whole(), "tokens per minute, input and output together; otherwise like `rpm`"),
    row("itpm", whole(), "input tokens per minute, cached ones included; otherwise like `rpm`"),
    row(
        "otpm",
        whole(),
        "output tokens per minute; otherwise like `rpm`. Before a call its `max_tokens` (or the deployment's, or 1,000) are "
        "reserved; afterwards the real usage counts",
    ),
    row("max_parallel_requests", whole(1), "calls at the same time", shown=_ROUTER),
    row("tags", texts, "the tags of calls that may come here, see [checks](routing.md#checks)"),
    row(
        "tag_regex",
        _patterns,
        "callers whose `User-Agent` matches one count as if they had its tags",
        kind="list of regular expressions",
    ),
    row("region", text, "its location: `eu`, `us-east-1`, ...", also=("region_name",)),
    row("cooldown_time", seconds, "the length of its first cooldown", shown=_ROUTER),
    row("allowed_fails", whole(), "failures in a row that are tolerated", shown=_ROUTER),
    row(
        "allowed_fails_policy",
        ALLOWED_FAILS,
        "the same by class of error",
        fills="allowed_fails_by_error",
        kind="mapping",
        shown=_ROUTER,
    ),
    row("blocked", boolean, "it gets no calls", shown="false"),
    row(
        "silent_model",
        text,
        "a model that gets a copy of every call answered here, see [mirror](observability.md#mirror-and-canary)",
    ),
)
KEYS: Mapping[str, Setting] = MappingProxyType({item.name: item for items in _ROWS for item in items})
"""Of `litellm_params`; each fills a field of `Deployment`."""
INFO_KEYS = frozenset({"rpm", "tpm", "allowed_fails", "allowed_fails_policy", "blocked"})
"""Those that may stand in `model_info` as well."""
ENTRY_KEYS = frozenset({"rpm", "tpm"})
"""Those that may stand beside `litellm_params`, as in older lists."""


def take(values: Mapping[str, Any], path: str, names: frozenset[str] | Mapping[str, Setting]) -> dict[str, Any]:
    """Return the fields of a deployment that a mapping sets. None counts as absent. Raise `ConfigError`."""
    fields: dict[str, Any] = {}
    problems: list[str] = []
    for name, value in values.items():
        if name in names and value is not None:
            key = KEYS[name]
            try:
                fields[key.field] = key.read(value, f"{path}.{name}")
            except ConfigError as error:
                problems += error.message.splitlines()
    if problems:
        raise ConfigError("\n".join(problems))
    return fields
