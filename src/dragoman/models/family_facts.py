"""Look-ups in the tables of this folder."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from dragoman.models._names import LONGEST_NAME, own_names
from dragoman.types.model_facts import UNKNOWN_MODEL, ModelFacts

__all__ = ["facts", "only_endpoint", "provider_of", "trusted_negatives"]


def facts(provider: str, model: str) -> ModelFacts:
    """What is known of `model`, as `provider` names it. Unknown models have no facts, and so no restrictions."""
    return UNKNOWN_MODEL if len(model) > LONGEST_NAME else _facts(provider, model)


@functools.lru_cache(maxsize=2048)
def _facts(provider: str, model: str) -> ModelFacts:
    names = own_names(model)
    known = next((known for pattern, known in _families() if _matches(pattern, names)), UNKNOWN_MODEL)
    tag = next((tag for tag, pattern in _reasoning_tags() if _matches(pattern, names)), "")
    if tag:
        known = replace(known, reasoning_tag=tag)
    return _lenient(known) if provider in _adapting() and known is not UNKNOWN_MODEL else known


def _matches(pattern: re.Pattern[str], names: tuple[str, ...]) -> bool:
    return any(pattern.fullmatch(name) for name in names)


@functools.cache
def trusted_negatives(ability: str) -> frozenset[str]:
    """Return the providers whose models the catalogue may declare to lack `ability`."""
    return frozenset(_table("families.toml")["trusted_negatives"].get(ability, ()))


def provider_of(model: str) -> str | None:
    """The provider that a bare, well-known model name means; None for any other name."""
    return None if len(model) > LONGEST_NAME else _provider_of(model)


def only_endpoint(provider: str, model: str) -> str | None:
    """Return the only endpoint (`/v1/responses`) at which `provider` serves `model`; None if there are others, or it is unknown."""
    return None if len(model) > LONGEST_NAME else _only_endpoint(provider, model)


@functools.lru_cache(maxsize=2048)
def _only_endpoint(provider: str, model: str) -> str | None:
    names = own_names(model)
    result = (endpoint for endpoint, pattern in _endpoints(provider) if any(map(pattern.fullmatch, names)))
    return next(result, None)


@functools.lru_cache(maxsize=2048)
def _provider_of(model: str) -> str | None:
    name = model.strip().lower()
    return next((provider for provider, pattern in _bare_names() if pattern.fullmatch(name)), None)


def _lenient(known: ModelFacts) -> ModelFacts:
    """The same facts without the refusals."""
    return replace(
        known,
        reasoning=None if known.reasoning == "none" else known.reasoning,
        effort_levels=(),
        json_schema=known.json_schema or None,
        sampling=known.sampling or None,
        prefill=known.prefill or None,
        forced_tools=known.forced_tools or None,
        forced_tools_reasoning=known.forced_tools_reasoning or None,
        refused=(),
        can_disable_reasoning=None,
        vision=known.vision or None,
        tools=known.tools or None,
        sampling_efforts=None,
        tool_efforts=None,
        cannot=(),
    )


@functools.cache
def _families() -> tuple[tuple[re.Pattern[str], ModelFacts], ...]:
    return tuple((_any_of(row.pop("match")), _as_facts(row)) for row in _table("families.toml")["family"])


@functools.cache
def _reasoning_tags() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((tag, _any_of(patterns)) for tag, patterns in _table("families.toml")["reasoning_tags"].items())


@functools.cache
def _adapting() -> frozenset[str]:
    return frozenset(_table("families.toml")["adapting_gateways"])


@functools.cache
def _bare_names() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((provider, _any_of(patterns)) for provider, patterns in _table("providers_of_names.toml").items())


@functools.cache
def _endpoints(provider: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    rows = _table("endpoints.toml").get(provider, {})
    return tuple((endpoint, _any_of(patterns)) for endpoint, patterns in rows.items())


def _as_facts(row: Mapping[str, Any]) -> ModelFacts:
    fields: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    return ModelFacts(**fields)


def _any_of(patterns: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


def _table(name: str) -> dict[str, Any]:
    import tomllib

    return tomllib.loads(Path(__file__).with_name(name).read_text("utf-8"))
