"""Which calls return to the deployment that answered before: `optional_pre_call_checks` and its reader."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from dragoman.errors import ConfigError
from dragoman.settings.readers import seconds, texts
from dragoman.settings.setting import setting
from dragoman.settings.suggestions import did_you_mean

__all__ = ["AffinityPolicy", "affinity_kinds"]


_log = logging.getLogger("dragoman")


_KINDS = ("session_affinity", "deployment_affinity", "prompt_caching")


_IMPLIED = ("enforce_model_rate_limits",)
"""LiteLLM's names of checks that are always made here."""


_NOT_YET = (
    "responses_api_deployment_check",
    "encrypted_content_affinity",
    "router_budget_limiting",
    "forward_client_headers_by_model_group",
)


def affinity_kinds(value: Any, path: str) -> frozenset[str]:
    """Read `optional_pre_call_checks`. Raise `ConfigError`."""
    kinds = texts(value, path)
    known = (*_KINDS, *_IMPLIED, *_NOT_YET)
    for name in kinds:
        if name not in known:
            hint = did_you_mean(name, known) or f"; known are {', '.join(_KINDS)}"
            raise ConfigError(f"{path}: unknown check{hint}", param=path)
        if name in _NOT_YET:
            _log.warning("%s: %s has no effect yet", path, name)
    return frozenset(kinds).intersection(_KINDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class AffinityPolicy:
    """Times are seconds."""

    kinds: frozenset[str] = setting(
        frozenset(),
        affinity_kinds,
        "`session_affinity`, `deployment_affinity`, `prompt_caching`: the deployment that answered before answers again, "
        "see [affinity](routing.md#affinity-and-conditions)",
        name="optional_pre_call_checks",
        kind="list",
    )
    ttl: float = setting(3600.0, seconds, "how long affinity lasts", name="deployment_affinity_ttl_seconds")
    """Of a session, and of a caller's key."""
    cache_ttl: float = 300.0
    """How long providers keep a cached prefix that no call reads."""
