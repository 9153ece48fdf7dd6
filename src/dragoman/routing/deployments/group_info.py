"""What is known of a model that several deployments answer for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from dragoman.litellm.model_info import as_model_info
from dragoman.models import abilities
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
    """Return LiteLLM's fields of a model group: what holds whichever deployment answers, the highest prices, and the sum of the
    limits (None where one deployment has no limit)."""
    entries = [deployment.entry for deployment in deployments if deployment.entry is not None]
    facts = facts_of_all(deployments)
    infos = [as_model_info(entry) for entry in entries]
    return {
        "model_group": name,
        "providers": list(dict.fromkeys(deployment.provider.name for deployment in deployments)),
        "mode": entries[0].mode if entries else None,
        "max_input_tokens": facts["max_input_tokens"] or facts["context_window"],
        "max_output_tokens": facts["max_output_tokens"],
        **{cost: _highest(info.get(cost) for info in infos) for cost in _HIGHEST},
        **{limit: _total([getattr(deployment, limit) for deployment in deployments]) for limit in _ADDED_UP},
        **{f"supports_{ability}": able for ability, able in facts["abilities"].items()},
        "supported_openai_params": _common_params(deployments),
    }


def _highest(costs: Iterable[float | None]) -> float | None:
    return max((cost for cost in costs if cost is not None), default=None)


def _total(limits: Sequence[int | None]) -> int | None:
    values = [limit for limit in limits if limit is not None]
    return sum(values) if values and len(values) == len(limits) else None


def _common_params(deployments: Sequence[Deployment]) -> list[str]:
    params = [set(supported_openai_params(item.provider, item.model, item.entry)) for item in deployments]
    return sorted(set.intersection(*params)) if params else []


def facts_of_all(deployments: Sequence[Deployment]) -> dict[str, Any]:
    """Return what holds whichever deployment answers: the smallest window, and the abilities that all have."""
    facts: dict[str, Any] = {window: _smallest(window, deployments) for window in _WINDOWS}
    facts["abilities"] = _common_abilities(deployments)
    return facts


def _smallest(window: str, deployments: Sequence[Deployment]) -> int | None:
    """Return the smallest of the windows; None where one of them is unknown."""
    sizes = [size for item in deployments if item.entry and (size := getattr(item.entry, window)) is not None]
    return min(sizes) if sizes and len(sizes) == len(deployments) else None


def _common_abilities(deployments: Sequence[Deployment]) -> dict[str, bool]:
    """Return each ability that all are known to have, or that one is known to lack."""
    by_deployment = [abilities(item.provider.name, item.model, item.entry).can for item in deployments]
    names = dict.fromkeys(ability for can in by_deployment for ability in can)
    values = {ability: [can.get(ability) for can in by_deployment] for ability in names}
    return {ability: all(known) for ability, known in values.items() if False in known or all(known)}
