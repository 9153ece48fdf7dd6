"""What choosing a deployment of a model group returns: the choice, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from dragoman.errors import APIError
from dragoman.routing.deployments.member import Member

__all__ = ["Choice", "NoDeployment", "Skipped"]


class Skipped(NamedTuple):
    """A deployment that was not chosen, and why."""

    deployment: str
    reason: str


class Choice(NamedTuple):
    """Where a call goes, and why not elsewhere."""

    member: Member
    why: str
    skipped: tuple[Skipped, ...] = ()
    scores: Mapping[str, float] | None = None
    """By deployment, lower is better; only where `request.explaining`."""


class NoDeployment(NamedTuple):
    """No deployment can take the call now."""

    skipped: tuple[Skipped, ...]
    ready: float | None
    """Unix seconds: when the first of them may take calls again. None: time alone does not help."""
    is_limited: bool
    """Limits are the only reason: those of the providers, or those of the deployments."""
    error: type[APIError] | None = None
    """What is wrong with the request itself, where no deployment can take it at any time."""
    frees: bool = False
    """A call that ends makes room, which may be at any moment before `ready`."""
    is_unavailable: bool = False
    """Limits cannot be agreed on: the shared state does not answer, and the policy is `fail_closed`."""
