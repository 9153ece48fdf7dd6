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
    params = [set(supported_openai_params(each.provider, each.model, each.entry)) for each in deployments]
    limits = {limit: [getattr(each, limit) for each in deployments] for limit in _ADDED_UP}
    return {
        "model_group": name,
        "providers": list(dict.fromkeys(deployment.provider.name for deployment in deployments)),
        "mode": next((entry.mode for entry in entries if entry is not None), None),
        "max_input_tokens": facts["max_input_tokens"] or facts["context_window"],
        "max_output_tokens": facts["max_output_tokens"],
        **{name: max(each) if each else None for name, each in costs.items()},
        **{name: None if not each or None in each else sum(each) for name, each in limits.items()},
        **{f"supports_{name}": able for name, able in facts["abilities"].items()},
        "supported_openai_params": sorted(set.intersection(*params)) if params else [],
    }


def facts_of_all(deployments: Sequence[Deployment]) -> dict[str, Any]:
    """What holds whichever of several answers: the smallest window, and the abilities that all have."""
    facts: dict[str, Any] = {}
    for name in _WINDOWS:
        sizes = [size for each in deployments if each.entry and (size := getattr(each.entry, name)) is not None]
        facts[name] = min(sizes) if sizes and len(sizes) == len(deployments) else None
    known = [abilities(each.provider.name, each.model, each.entry).can for each in deployments]
    named = dict.fromkeys(ability for can in known for ability in can)
    said = {ability: [can.get(ability) for can in known] for ability in named}
    facts["abilities"] = {ability: all(each) for ability, each in said.items() if False in each or all(each)}
    return facts
