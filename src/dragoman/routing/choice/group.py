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
from dragoman.routing.strategies import Candidates, Strategy
from dragoman.state import Outage, View

__all__ = ["Eligible", "HealthSnapshot", "ModelGroup"]

_K = TypeVar("_K")
_V = TypeVar("_V")
_KEPT = 64
"""So many sets of deployments are kept with what strategies have worked out of them."""
_LONGEST = 2000
"""Characters of what a set of checks looked at: what is longer is not kept, as callers choose it."""
_ONLY = "the only deployment"
_LEFT = "the only one left"


class _Pool(NamedTuple):
    """Those of one priority among whom a strategy picks."""

    members: tuple[Member, ...]
    candidates: Candidates


class Eligible(NamedTuple):
    """Who is left."""

    pool: _Pool | None
    passed: tuple[Skipped, ...]


class HealthSnapshot(NamedTuple):
    """Who is well, as long as the same outages last."""

    seen: Mapping[str, Outage]
    """All outages that there were."""
    outages: Mapping[str, Outage]
    """Those of the group."""
    well: tuple[int, ...]
    """Positions in `members`."""
    passed: tuple[Skipped, ...]
    able: dict[Hashable, Eligible]
    """Who is left of them, by what the checks look at."""


class ModelGroup:
    """Its members are frozen, and their state is in the store. What is kept here are only shortcuts."""

    __slots__ = (
        "_all",
        "_checks",
        "_keys",
        "_pools",
        "_standing",
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
        """`besides`: others who take the calls that these cannot."""
        self.alias = alias
        self.members = tuple(members)
        self.strategy = strategy
        self.policy = policy or CheckPolicy()
        deployments = [member.deployment for member in members]
        self.narrowest = min((window for item in deployments if (window := window_of(item))), default=None)
        """The narrowest of the windows that are known."""
        self._checks = tuple(check for check in CHECKS if check.relevant([*deployments, *besides], self.policy))
        self._keys = frozenset(key for member in members for key in (member.key, member.credential) if key)
        self._all = self._standing = HealthSnapshot({}, {}, tuple(range(len(self.members))), (), {})
        self._pools: dict[tuple[int, ...], _Pool] = {}

    @property
    def without_canaries(self) -> ModelGroup:
        """Those on whom every call can count: without canaries."""
        return self

    def choose(self, asked: GroupRequest, view: View, tried: Collection[str] = ()) -> Choice | NoDeployment:
        """Pick one that is well, can take the call, and is not among the ids of `tried`."""
        standing = self._standing_of(view.outages) if view.outages else self._all
        looked_at = [(check.name, seen) for check in self._checks if (seen := check.cache_key(asked)) is not None]
        alike = tuple(looked_at)
        able = None if tried else standing.able.get(alike)
        if able is None:
            able = self._those_that_can(standing, asked, tried)
            if not tried and _may_come_again(alike):
                _keep(standing.able, alike, able)
        pool, passed = able
        if pool is None:
            return self._nobody(asked, view, tried)
        if len(pool.members) == 1:
            return Choice(pool.members[0], asked.reason + (_ONLY if len(self.members) == 1 else _LEFT), passed)
        kept = None if asked.affinity is None else asked.affinity.preferred(asked, pool.candidates)
        if kept is not None and not asked.explaining:
            return Choice(pool.members[kept.position], asked.reason + kept.why, passed)
        pick = self.strategy(pool.candidates, view, asked)
        if kept is not None:
            pick = pick._replace(position=kept.position, why=kept.why)
        return Choice(pool.members[pick.position], asked.reason + pick.why, passed, pick.scores)

    def able(self, asked: GroupRequest) -> frozenset[str]:
        """The ids of those that could take the call if they were well and within their limits."""
        deployments = (member.deployment for member in self.members)
        return frozenset(item.id for item in deployments if _refusal(item, self._checks, asked) is None)

    def of(self, alias: str, deployments: Sequence[Deployment]) -> ModelGroup:
        """The same group with some of its deployments in another form."""
        by_id = {member.deployment.id: member for member in self.members}
        members = [_in_another_form(by_id[deployment.id], deployment) for deployment in deployments]
        return ModelGroup(alias, members, self.strategy, self.policy)

    def _standing_of(self, outages: Mapping[str, Outage]) -> HealthSnapshot:
        known = self._standing
        if known.seen == outages:
            return known
        seen = dict(outages)
        mine = {key: seen[key] for key in self._keys.intersection(seen)}
        if mine == known.outages:
            known = self._standing = known._replace(seen=seen)
            return known
        able: list[int] = []
        passed: list[Skipped] = []
        for position, member in enumerate(self.members):
            outage = member.outage(mine)
            if outage is None:
                able.append(position)
            else:
                passed.append(Skipped(member.deployment.id, f"out: {outage.reason}"))
        found = self._standing = HealthSnapshot(seen, mine, tuple(able), tuple(passed), {})
        return found

    def _those_that_can(self, standing: HealthSnapshot, asked: GroupRequest, tried: Collection[str]) -> Eligible:
        checks = [check for check in self._checks if check.cache_key(asked) is not None]
        passed = [item for item in standing.passed if item.deployment not in tried]
        able: list[int] = []
        for position in standing.well:
            deployment = self.members[position].deployment
            if deployment.id in tried:
                continue
            refusal = _refusal(deployment, checks, asked)
            if refusal is None:
                able.append(position)
            else:
                passed.append(refusal[1])
        return Eligible(self._pool(tuple(able)) if able else None, tuple(passed))

    def _pool(self, able: tuple[int, ...]) -> _Pool:
        """Those of the first priority among them."""
        known = self._pools.get(able)
        if known is not None:
            return known
        members = [self.members[position] for position in able]
        first = min(member.deployment.order for member in members)
        members = [member for member in members if member.deployment.order == first]
        pool = _Pool(tuple(members), Candidates(member.deployment for member in members))
        _keep(self._pools, able, pool)
        return pool

    def _nobody(self, asked: GroupRequest, view: View, tried: Collection[str]) -> NoDeployment:
        """Why: the request itself, or outages."""
        passed: list[Skipped] = []
        outages: list[Outage] = []
        refusing: set[str] = set()
        checks = [check for check in self._checks if check.cache_key(asked) is not None]
        for member in self.members:
            deployment = member.deployment
            if deployment.id in tried:
                continue
            refusal = _refusal(deployment, checks, asked)
            outage = member.outage(view.outages)
            if refusal is not None:
                refusing.add(refusal[0].name)
                passed.append(refusal[1])
            elif outage is not None:
                outages.append(outage)
                passed.append(Skipped(deployment.id, f"out: {outage.reason}"))
        ready = min((outage.until for outage in outages), default=None)
        limited = bool(outages) and all(outage.error in LIMIT_ERRORS for outage in outages)
        error = None
        if refusing and not outages:  # the last in the table, as who got so far could do all else
            error = next(check.error for check in reversed(CHECKS) if check.name in refusing)
        return NoDeployment(tuple(passed), ready, limited, error)


def _may_come_again(alike: tuple[tuple[str, Hashable], ...]) -> bool:
    return all(seen != NOT_CACHEABLE for _, seen in alike) and len(repr(alike)) <= _LONGEST


def _keep(known: dict[_K, _V], name: _K, value: _V) -> None:
    if len(known) >= _KEPT:
        known.clear()
    known[name] = value


def _in_another_form(member: Member, deployment: Deployment) -> Member:
    return member._replace(deployment=deployment, key=deployment.key if member.key else "")


def _refusal(deployment: Deployment, checks: Sequence[Check], asked: GroupRequest) -> tuple[Check, Skipped] | None:
    for check in checks:
        reason = check.refuses(deployment, asked)
        if reason is not None:
            return check, Skipped(deployment.id, f"{check.name}: {reason}")
    return None
