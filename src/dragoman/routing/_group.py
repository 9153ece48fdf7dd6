"""A model group: all deployments that answer to one alias, and how one of them is chosen."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from dragoman.routing._asked import Asked
from dragoman.routing._checks import CHECKS, PassedOver
from dragoman.routing._deployment import Deployment
from dragoman.routing._health import Member
from dragoman.routing._outage import LIMIT_ERRORS
from dragoman.routing.strategies import Strategy
from dragoman.stores import Outage, View

__all__ = ["Choice", "ModelGroup", "NoChoice"]


class Choice(NamedTuple):
    """Where a call goes, and why not elsewhere."""

    member: Member
    why: str
    passed_over: tuple[PassedOver, ...] = ()
    scores: Mapping[str, float] | None = None
    """By deployment, lower is better; only where `asked.explaining`."""


class NoChoice(NamedTuple):
    """Nobody can be asked now."""

    passed_over: tuple[PassedOver, ...]
    ready: float | None
    """Unix seconds: when the first of them may be asked again. None: time alone does not help."""
    is_limited: bool
    """Limits are the only reason: those of the providers, or those of the deployments."""


class ModelGroup:
    """Frozen: the state of its members is in the store."""

    __slots__ = ("_checks", "_tiered", "alias", "members", "strategy")

    def __init__(self, alias: str, members: Sequence[Member], strategy: Strategy) -> None:
        self.alias = alias
        self.members = tuple(members)
        self.strategy = strategy
        deployments = [member.deployment for member in members]
        self._checks = tuple(check for check in CHECKS if check.relevant(deployments))
        self._tiered = len({deployment.order for deployment in deployments}) > 1

    def choose(self, asked: Asked, view: View, tried: Collection[str] = ()) -> Choice | NoChoice:
        """Pick one that is well, can take the call, and is not among the ids of `tried`."""
        passed: list[PassedOver] = []
        outages: list[Outage] = []
        able: Sequence[Member] = self.members
        if tried:
            able = [member for member in able if member.deployment.id not in tried]
        if self._checks:
            able = self._that_can(able, asked, passed)
        if view.outages:
            able = _that_are_well(able, view, passed, outages)
        if not able:
            ready = min((outage.until for outage in outages), default=None)
            limited = bool(outages) and all(outage.error in LIMIT_ERRORS for outage in outages)
            return NoChoice(tuple(passed), ready, limited)
        if self._tiered:
            first = min(member.deployment.order for member in able)
            able = [member for member in able if member.deployment.order == first]
        if len(able) == 1:
            return Choice(able[0], "the only one left", tuple(passed))
        pick = self.strategy([member.deployment for member in able], view, asked)
        return Choice(able[pick.position], pick.why, tuple(passed), pick.scores)

    def of(self, alias: str, deployments: Sequence[Deployment]) -> ModelGroup:
        """The same group with some of its deployments in another form."""
        by_id = {member.deployment.id: member for member in self.members}
        members = [by_id[deployment.id]._replace(deployment=deployment) for deployment in deployments]
        return ModelGroup(alias, members, self.strategy)

    def _that_can(self, members: Sequence[Member], asked: Asked, passed: list[PassedOver]) -> list[Member]:
        able: list[Member] = []
        for member in members:
            for check in self._checks:
                reason = check.refuses(member.deployment, asked)
                if reason is not None:
                    passed.append(PassedOver(member.deployment.id, f"{check.name}: {reason}"))
                    break
            else:
                able.append(member)
        return able


def _that_are_well(
    members: Sequence[Member], view: View, passed: list[PassedOver], outages: list[Outage]
) -> list[Member]:
    able: list[Member] = []
    for member in members:
        outage = member.outage(view.outages)
        if outage is None:
            able.append(member)
        else:
            outages.append(outage)
            passed.append(PassedOver(member.deployment.id, f"out: {outage.reason}"))
    return able
