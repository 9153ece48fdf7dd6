"""A model group: all deployments that answer to one alias, and how one of them is chosen."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from dragoman.routing.choice.checks import CHECKS, NOT_CACHEABLE, Check, window_of
from dragoman.routing.deployments.deployment import Deployment
from dragoman.routing.deployments.member import Member
from dragoman.routing.health.outage import LIMIT_ERRORS
from dragoman.routing.request import GroupRequest
from dragoman.routing.selection import Choice, NoDeployment, Skipped
from dragoman.routing.settings.checks import CheckPolicy
from dragoman.routing.strategies import Candidates, Pick, Strategy
from dragoman.state import Outage, View

__all__ = ["Eligible", "HealthSnapshot", "ModelGroup"]

_K = TypeVar("_K")
_V = TypeVar("_V")
_MOST_CACHED = 64
"""So many sets of deployments are kept with what strategies have worked out of them."""
_LONGEST_KEY = 2000
"""Characters of what a set of checks looked at: what is longer is not kept, as callers choose it."""
_ONLY = "the only deployment"
_LEFT = "the only one left"


class _Pool(NamedTuple):
    """The deployments of one priority, among which a strategy picks."""

    members: tuple[Member, ...]
    candidates: Candidates


class Eligible(NamedTuple):
    """Who is left."""

    pool: _Pool | None
    skipped: tuple[Skipped, ...]


class HealthSnapshot(NamedTuple):
    """Who is well, as long as the same outages last."""

    all_outages: Mapping[str, Outage]
    """All outages that there were."""
    outages: Mapping[str, Outage]
    """Those of the group."""
    healthy: tuple[int, ...]
    """Positions in `members`."""
    skipped: tuple[Skipped, ...]
    eligible: dict[Hashable, Eligible]
    """Who is left of them, by what the checks look at."""


class ModelGroup:
    """Its members are frozen, and their state is in the store. What is kept here are only shortcuts."""

    __slots__ = (
        "_all_healthy",
        "_checks",
        "_keys",
        "_last_snapshot",
        "_pools",
        "alias",
        "members",
        "narrowest",
        "policy",
        "strategy",
    )

    def __init__(
        self,
        alias: str,
        members: Sequence[Member],
        strategy: Strategy,
        policy: CheckPolicy | None = None,
        besides: Sequence[Deployment] = (),
    ) -> None:
        """`besides`: other deployments that take the calls that these cannot."""
        self.alias = alias
        self.members = tuple(members)
        self.strategy = strategy
        self.policy = policy or CheckPolicy()
        deployments = [member.deployment for member in members]
        self.narrowest = min((window for item in deployments if (window := window_of(item))), default=None)
        """The narrowest of the windows that are known."""
        self._checks = tuple(check for check in CHECKS if check.relevant([*deployments, *besides], self.policy))
        self._keys = frozenset(key for member in members for key in (member.key, member.credential) if key)
        self._all_healthy = self._last_snapshot = HealthSnapshot({}, {}, tuple(range(len(self.members))), (), {})
        self._pools: dict[tuple[int, ...], _Pool] = {}

    @property
    def without_canaries(self) -> ModelGroup:
        """The group without its canaries: what every call can count on."""
        return self

    def choose(self, request: GroupRequest, view: View, excluded: Collection[str] = ()) -> Choice | NoDeployment:
        """Pick a deployment that is healthy, can take the call, and is not among the ids of `excluded`."""
        snapshot = self._snapshot(view.outages) if view.outages else self._all_healthy
        if excluded:
            pool, skipped = self._eligible(snapshot, request, excluded)
        else:
            pool, skipped = self._cached_eligible(snapshot, request)
        if pool is None:
            return self._no_deployment(request, view, excluded)
        if len(pool.members) == 1:
            return Choice(pool.members[0], request.reason + (_ONLY if len(self.members) == 1 else _LEFT), skipped)
        pick = self._pick(pool, view, request)
        return Choice(pool.members[pick.position], request.reason + pick.why, skipped, pick.scores)

    def _cached_eligible(self, snapshot: HealthSnapshot, request: GroupRequest) -> Eligible:
        """Return what `_eligible` does, computed once for all calls that the checks cannot tell apart."""
        key = tuple([(check.name, part) for check in self._checks if (part := check.cache_key(request)) is not None])
        eligible = snapshot.eligible.get(key)
        if eligible is None:
            eligible = self._eligible(snapshot, request, ())
            if _is_cacheable(key):
                _store(snapshot.eligible, key, eligible)
        return eligible

    def _pick(self, pool: _Pool, view: View, request: GroupRequest) -> Pick:
        """Return the deployment that affinity prefers, or else the strategy's."""
        hit = None if request.affinity is None else request.affinity.preferred(request, pool.candidates)
        if hit is None:
            return self.strategy(pool.candidates, view, request)
        scores = self.strategy(pool.candidates, view, request).scores if request.explaining else None
        return Pick(hit.position, hit.why, scores)

    def eligible_ids(self, request: GroupRequest) -> frozenset[str]:
        """The ids of those that could take the call if they were well and within their limits."""
        deployments = (member.deployment for member in self.members)
        return frozenset(item.id for item in deployments if _refusal(item, self._checks, request) is None)

    def with_deployments(self, alias: str, deployments: Sequence[Deployment]) -> ModelGroup:
        """The same group with some of its deployments in another form."""
        by_id = {member.deployment.id: member for member in self.members}
        members = [_in_another_form(by_id[deployment.id], deployment) for deployment in deployments]
        return ModelGroup(alias, members, self.strategy, self.policy)

    def _snapshot(self, outages: Mapping[str, Outage]) -> HealthSnapshot:
        known = self._last_snapshot
        if known.all_outages == outages:
            return known
        snapshot = dict(outages)
        own = {key: snapshot[key] for key in self._keys.intersection(snapshot)}
        if own == known.outages:
            known = self._last_snapshot = known._replace(all_outages=snapshot)
            return known
        eligible: list[int] = []
        skipped: list[Skipped] = []
        for position, member in enumerate(self.members):
            outage = member.outage(own)
            if outage is None:
                eligible.append(position)
            else:
                skipped.append(Skipped(member.deployment.id, f"out: {outage.reason}"))
        result = self._last_snapshot = HealthSnapshot(snapshot, own, tuple(eligible), tuple(skipped), {})
        return result

    def _eligible(self, standing: HealthSnapshot, request: GroupRequest, excluded: Collection[str]) -> Eligible:
        checks = [check for check in self._checks if check.cache_key(request) is not None]
        skipped = [item for item in standing.skipped if item.deployment not in excluded]
        eligible: list[int] = []
        for position in standing.healthy:
            deployment = self.members[position].deployment
            if deployment.id in excluded:
                continue
            refusal = _refusal(deployment, checks, request)
            if refusal is None:
                eligible.append(position)
            else:
                skipped.append(refusal[1])
        return Eligible(self._pool(tuple(eligible)) if eligible else None, tuple(skipped))

    def _pool(self, eligible: tuple[int, ...]) -> _Pool:
        """Those of the first priority among them."""
        known = self._pools.get(eligible)
        if known is not None:
            return known
        members = [self.members[position] for position in eligible]
        first = min(member.deployment.order for member in members)
        members = [member for member in members if member.deployment.order == first]
        pool = _Pool(tuple(members), Candidates(member.deployment for member in members))
        _store(self._pools, eligible, pool)
        return pool

    def _no_deployment(self, request: GroupRequest, view: View, excluded: Collection[str]) -> NoDeployment:
        """Return the reasons: the request itself, or outages."""
        skipped: list[Skipped] = []
        outages: list[Outage] = []
        refusing: set[str] = set()
        checks = [check for check in self._checks if check.cache_key(request) is not None]
        for member in self.members:
            deployment = member.deployment
            if deployment.id in excluded:
                continue
            if (refusal := _refusal(deployment, checks, request)) is not None:
                refusing.add(refusal[0].name)
                skipped.append(refusal[1])
            elif (outage := member.outage(view.outages)) is not None:
                outages.append(outage)
                skipped.append(Skipped(deployment.id, f"out: {outage.reason}"))
        return _explained(skipped, outages, refusing)


def _explained(skipped: Sequence[Skipped], outages: Sequence[Outage], refusing: Collection[str]) -> NoDeployment:
    ready = min((outage.until for outage in outages), default=None)
    is_limited = bool(outages) and all(outage.error in LIMIT_ERRORS for outage in outages)
    error = None
    if refusing and not outages:  # the last of the table: what it refused had passed all other checks
        error = next(check.error for check in reversed(CHECKS) if check.name in refusing)
    return NoDeployment(tuple(skipped), ready, is_limited, error)


def _is_cacheable(alike: tuple[tuple[str, Hashable], ...]) -> bool:
    return all(key != NOT_CACHEABLE for _, key in alike) and len(repr(alike)) <= _LONGEST_KEY


def _store(known: dict[_K, _V], name: _K, value: _V) -> None:
    if len(known) >= _MOST_CACHED:
        known.clear()
    known[name] = value


def _in_another_form(member: Member, deployment: Deployment) -> Member:
    return member._replace(deployment=deployment, key=deployment.key if member.key else "")


def _refusal(deployment: Deployment, checks: Sequence[Check], request: GroupRequest) -> tuple[Check, Skipped] | None:
    for check in checks:
        reason = check.refuses(deployment, request)
        if reason is not None:
            return check, Skipped(deployment.id, f"{check.name}: {reason}")
    return None
