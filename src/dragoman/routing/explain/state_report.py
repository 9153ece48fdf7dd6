"""How the deployments of a router are: what `GET /v1/routing/state` and `Router.state()` show. No keys and no addresses."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from dragoman.routing.choice.canary import CanaryState
    from dragoman.routing.choice.group import ModelGroup
    from dragoman.routing.deployments.member import Member
    from dragoman.routing.health.health import DeploymentHealth
    from dragoman.state import Counter, Observed, Outage, StateStore

__all__ = ["Cooldown", "DeploymentState", "RoutingState", "Times", "cooldowns", "routing_state"]


@dataclass(frozen=True, slots=True)
class Cooldown:
    """A deployment that is out."""

    deployment: str
    alias: str
    what: Literal["deployment", "credential"]
    reason: str
    """Status and class of the error."""
    error: str
    since: float
    """Unix seconds."""
    until: float
    failures: int
    """So many outages in a row."""


@dataclass(frozen=True, slots=True)
class Times:
    """Of its calls of late, in milliseconds. None: none were seen."""

    latency_p50: float | None = None
    latency_p95: float | None = None
    first_content_p50: float | None = None
    first_content_p95: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentState:
    id: str
    provider: str
    model: str
    state: Literal["closed", "open", "half_open"]
    """`closed`: it gets calls. `open`: it gets none. `half_open`: one call finds out whether it works again."""
    cooldown: Cooldown | None
    failures_in_a_row: int
    in_flight: int
    limits: Mapping[str, Mapping[str, int]]
    """`rpm`, `tpm`, `itpm`, `otpm`, `max_parallel_requests`, where it has them: `used` and `limit`."""
    times: Times
    calls: int
    """Those that say something of its health, within the window of health."""
    error_rate: float | None
    """The share of them that failed; None without any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingState:
    now: float
    """Unix seconds."""
    store: Literal["shared", "local"]
    """Whether processes share what they know."""
    store_since: float
    store_error: str | None
    deployments: Mapping[str, tuple[DeploymentState, ...]]
    """By alias."""
    canaries: tuple[CanaryState, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return dataclasses.asdict(self)


def cooldowns(groups: Mapping[str, ModelGroup], store: StateStore) -> tuple[Cooldown, ...]:
    """Also of a wildcard's models, under their own names."""
    outages = store.view().outages
    result: list[Cooldown] = []
    for group in groups.values():
        for member in group.members:
            outage = member.outage(outages)
            if outage is not None:
                result.append(_cooldown(member, outage, outages))
            if "*" in group.alias:
                result += _of_its_models(member, outages)
    return tuple(result)


def _of_its_models(member: Member, outages: Mapping[str, Outage]) -> Iterator[Cooldown]:
    start = f"{member.key}:"
    for key, outage in list(outages.items()):
        if key.startswith(start):
            yield dataclasses.replace(_cooldown(member, outage, {key: outage}), deployment=key, what="deployment")


def _cooldown(member: Member, outage: Outage, outages: Mapping[str, Outage]) -> Cooldown:
    return Cooldown(
        deployment=member.deployment.id,
        alias=member.deployment.alias,
        what="deployment" if member.key in outages else "credential",
        reason=outage.reason,
        error=outage.error,
        since=outage.since,
        until=outage.until,
        failures=outage.failures,
    )


async def routing_state(
    groups: Mapping[str, ModelGroup],
    store: StateStore,
    health: DeploymentHealth,
    canaries: tuple[CanaryState, ...] = (),
) -> RoutingState:
    await store.open()
    members = [member for group in groups.values() for member in group.members]
    counters = [limit.counter for member in members for limit in member.deployment.limits]
    used = dict(zip(counters, await store.used(counters), strict=True))
    health.learn_outages(store.view().outages)
    state = store.state
    return RoutingState(
        canaries=canaries,
        now=store.now(),
        store=state.where,
        store_since=state.since,
        store_error=state.error,
        deployments={
            alias: tuple(_state(member, store, health, used) for member in group.members)
            for alias, group in groups.items()
        },
    )


def _state(member: Member, store: StateStore, health: DeploymentHealth, used: Mapping[Counter, int]) -> DeploymentState:
    view, deployment = store.view(), member.deployment
    outage = member.outage(view.outages)
    counts = store.counted(member.key, health.policy.window)
    calls = counts.successes + counts.failures
    return DeploymentState(
        id=deployment.id,
        provider=deployment.provider.name,
        model=deployment.model,
        state="open" if outage else "half_open" if health.half_open(member) else "closed",
        cooldown=_cooldown(member, outage, view.outages) if outage else None,
        failures_in_a_row=health.failures_in_a_row(member),
        in_flight=view.in_flight.get(member.key, 0),
        limits={limit.field: {"used": used[limit.counter], "limit": limit.most} for limit in deployment.limits},
        times=_times(view.observed.get(member.key)),
        calls=calls,
        error_rate=counts.failures / calls if calls else None,
    )


def _times(observed: Observed | None) -> Times:
    if observed is None:
        return Times()
    latency, first = observed.latency, observed.first_content
    return Times(latency.p50, latency.p95, first.p50, first.p95)
