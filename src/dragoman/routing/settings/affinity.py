"""Which calls return to the deployment that answered before: `optional_pre_call_checks` and its reader."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from dragoman.errors import ConfigError
from dragoman.settings.readers import texts
from dragoman.settings.suggestions import did_you_mean

__all__ = ["AffinityPolicy", "affinity_kinds"]


_log = logging.getLogger("dragoman")


_KINDS = ("session_affinity", "deployment_affinity", "prompt_caching")


_IMPLIED = ("enforce_model_rate_limits",)
"""LiteLLM's words for what is always done here."""


_NOT_YET = (
    "responses_api_deployment_check",
    "encrypted_content_affinity",
    "router_budget_limiting",
    "forward_client_headers_by_model_group",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AffinityPolicy:
    """Times are seconds."""

    kinds: frozenset[str] = frozenset()
    """LiteLLM's `optional_pre_call_checks`: `session_affinity`, `deployment_affinity` (of a caller's key), `prompt_caching`."""
    ttl: float = 3600.0
    """Of a session and of a caller (`deployment_affinity_ttl_seconds`)."""
    cache_ttl: float = 300.0
    """How long providers keep what nobody reads."""


def affinity_kinds(value: Any, path: str) -> frozenset[str]:
    """`optional_pre_call_checks`. Raises `ConfigError`."""
    said = texts(value, path)
    known = (*_KINDS, *_IMPLIED, *_NOT_YET)
    for name in said:
        if name not in known:
            hint = did_you_mean(name, known) or f"; known are {', '.join(_KINDS)}"
            raise ConfigError(f"{path}: unknown check{hint}", param=path)
        if name in _NOT_YET:
            _log.warning("%s: %s has no effect yet", path, name)
    return frozenset(said).intersection(_KINDS)
