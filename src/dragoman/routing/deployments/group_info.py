"""What is known of a model that several deployments answer for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dragoman.models import abilities, as_model_info
from dragoman.providers import supported_openai_params
from dragoman.routing.deployments.deployment import Deployment

__all__ = ["facts_of_all", "group_info"]

_WINDOWS = ("context_window", "max_input_tokens", "max_output_tokens")
_HIGHEST = (
    "input_cost_per_token",
    "output_cost_per_token",
    "cache_read_input_token_cost",
    "cache_creation_input_token_cost",
)
_ADDED_UP = ("rpm", "tpm")


def group_info(name: str, deployments: Sequence[Deployment]) -> dict[str, Any]:
    """Under LiteLLM's names: what holds whichever of them answers, the highest prices, and their limits together (None where
    one of them has no limit)."""
    entries = [deployment.entry for deployment in deployments]
    facts = facts_of_all(deployments)
    infos = [as_model_info(entry) for entry in entries if entry is not None]
    costs = {name: [cost for info in infos if (cost := info.get(name)) is not None] for name in _HIGHEST}
    params = [set(supported_openai_params(item.provider, item.model, item.entry)) for item in deployments]
    limits = {limit: [getattr(item, limit) for item in deployments] for limit in _ADDED_UP}
    return {
        "model_group": name,
        "providers": list(dict.fromkeys(deployment.provider.name for deployment in deployments)),
        "mode": next((entry.mode for entry in entries if entry is not None), None),
        "max_input_tokens": facts["max_input_tokens"] or facts["context_window"],
        "max_output_tokens": facts["max_output_tokens"],
        **{name: max(item) if item else None for name, item in costs.items()},
        **{name: None if not item or None in item else sum(item) for name, item in limits.items()},
        **{f"supports_{name}": eligible for name, eligible in facts["abilities"].items()},
        "supported_openai_params": sorted(set.intersection(*params)) if params else [],
    }


def facts_of_all(deployments: Sequence[Deployment]) -> dict[str, Any]:
    """What holds whichever of several answers: the smallest window, and the abilities that all have."""
    facts: dict[str, Any] = {}
    for name in _WINDOWS:
        sizes = [size for item in deployments if item.entry and (size := getattr(item.entry, name)) is not None]
        facts[name] = min(sizes) if sizes and len(sizes) == len(deployments) else None
    known = [abilities(item.provider.name, item.model, item.entry).can for item in deployments]
    named = dict.fromkeys(ability for can in known for ability in can)
    value = {ability: [can.get(ability) for can in known] for ability in named}
    facts["abilities"] = {ability: all(item) for ability, item in value.items() if False in item or all(item)}
    return facts
