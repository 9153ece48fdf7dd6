"""The abilities that a call needs and a deployment's model is known to lack: refused before anything is sent."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Literal

from dragoman.dialects.codec import Target
from dragoman.errors import UnsupportedAbilityError
from dragoman.models import Abilities, Missing, abilities, lacking, missing, needed
from dragoman.routing.deployments.deployment import Deployment
from dragoman.routing.settings.call_options import CallOptions
from dragoman.types.operations import Operation

__all__ = ["abilities_of", "fitted", "lack_of"]

_PARAMETERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "function_calling": ("tools", "tool_choice", "parallel_tool_calls", "functions", "function_call"),
        "audio_output": ("modalities", "audio"),
        "web_search": ("web_search_options",),
    }
)
"""Abilities that parameters ask for, which `drop_params` leaves out. What the messages contain is never left out."""


def abilities_of(deployment: Deployment) -> Abilities:
    """What is known of the deployment's model."""
    return abilities(deployment.provider.name, deployment.model, deployment.entry)


def lack_of(
    deployment: Deployment, needs: Mapping[str, str], options: CallOptions, *, drop_params: bool
) -> Missing | None:
    """What the deployment would refuse a call for, before it is chosen: the policy of `fitted`."""
    known = abilities_of(deployment)
    if known.refused.isdisjoint(needs):
        return None
    own = deployment.options
    value = options.drop_params if options.drop_params is not None else own.drop_params
    dropping = drop_params if value is None else value
    insisted = (*options.allowed_openai_params, *own.allowed_openai_params)
    left_out = (*options.additional_drop_params, *own.additional_drop_params)
    result = missing(needs, known)
    return next((lack for lack in result if _fate(lack, insisted, left_out, dropping) == "refused"), None)


def fitted(deployment: Deployment, request: Any, operation: Operation, target: Target) -> tuple[Target, bool]:
    """The target, perhaps with parameters to leave out, and whether the caller's own body may pass through: it may not where
    the dialect has to leave something out or find another way. Raises `UnsupportedAbilityError`."""
    known = abilities_of(deployment)
    if not (known.refused or known.written):
        return target, True
    needs = needed(request) if operation.checks_abilities else None
    if not needs:
        return target, True
    unwanted: list[str] = []
    for lack in missing(needs, known):
        fate = _fate(lack, target.allowed_openai_params, target.additional_drop_params, target.drop_params)
        if fate == "refused":
            raise _refusal(lack, target)
        if fate == "left out":
            unwanted += _PARAMETERS[lack.ability]
    if unwanted:
        target = replace(target, additional_drop_params=(*target.additional_drop_params, *unwanted))
    return target, not (unwanted or lacking(needs, known))


def _parameter(lack: Missing) -> str:
    """`tools[0]` is `tools` where it is a function; a tool that the provider runs stands for itself."""
    return lack.where.partition("[")[0] if lack.ability == "function_calling" else lack.where


def _fate(
    lack: Missing, insisted: Collection[str], left_out: Collection[str], drop_params: bool
) -> Literal["sent", "left out", "refused"]:
    """Of what needs the ability. It is sent where the caller knows better, or wants the parameter left out anyway."""
    param = lack.where.partition("[")[0]
    if lack.ability in insisted or param in insisted or param in left_out:
        return "sent"
    return "left out" if drop_params and _parameter(lack) in _PARAMETERS.get(lack.ability, ()) else "refused"


def _refusal(lack: Missing, target: Target) -> UnsupportedAbilityError:
    return UnsupportedAbilityError(
        f"the model {target.model!r} of {target.provider} has no {lack.ability}, which {lack.where} needs, as {lack.source} "
        f"says. If it has, set `model_info: {{supports_{lack.ability}: true}}` for the deployment, or pass "
        f"`allowed_openai_params=[{lack.ability!r}]`.",
        param=lack.where,
        provider=target.provider,
        model=target.model,
    )
