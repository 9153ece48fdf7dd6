"""A model group with canaries: which calls are in the share of one of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dragoman.routing.choice.group import ModelGroup
from dragoman.routing.deployments.deployment import Deployment
from dragoman.routing.request import GroupRequest, affects_health
from dragoman.routing.selection import Choice, NoDeployment, Skipped
from dragoman.state import View

if TYPE_CHECKING:
    from dragoman.routing.choice.canary_monitor import CanaryMonitor

__all__ = ["SplitGroup"]

_WHO = ("session_id", "litellm_session_id", "user_id", "user_api_key_user_id")
"""Of the metadata: the first that is there keeps its calls together. Not the caller's key, behind which many may be."""


class SplitGroup(ModelGroup):
    """A group with canaries. They are asked first by the calls of their share, and never by any other; they come last among its
    members, as what the first one says of failing holds for all calls."""

    __slots__ = ("_chance", "_lone", "_regular", "watches")

    def __init__(self, group: ModelGroup, watches: Sequence[CanaryMonitor], chance: Callable[[], float]) -> None:
        ids = {watch.canary.deployment for watch in watches}
        apart = [member for member in group.members if member.deployment.id in ids]
        regular = [member for member in group.members if member.deployment.id not in ids]
        how = (group.strategy, group.policy)
        super().__init__(group.alias, (*regular, *apart), *how)
        self.watches = tuple(watches)
        self._chance = chance
        self._regular = ModelGroup(group.alias, regular, *how)
        others = [member.deployment for member in regular]
        self._lone = {it.deployment.id: ModelGroup(group.alias, (it,), *how, others) for it in apart}

    @property
    def without_canaries(self) -> ModelGroup:
        return self._regular

    def choose(self, asked: GroupRequest, view: View, tried: Collection[str] = ()) -> Choice | NoDeployment:
        mine = self.canary_of(asked)
        passed = tuple(self._left_aside(mine, tried))
        if mine is not None and mine not in tried:
            found = self._lone[mine].choose(asked, view, tried)
            if isinstance(found, Choice):
                return found._replace(why=f"{asked.reason}the canary of this call", skipped=passed)
            passed = (*found.skipped, *passed)
        others = self._regular.choose(asked, view, tried)
        return others._replace(skipped=(*others.skipped, *passed)) if passed else others

    def able(self, asked: GroupRequest) -> frozenset[str]:
        mine = self.canary_of(asked)
        others = self._regular.able(asked)
        return others if mine is None else others | self._lone[mine].able(asked)

    def of(self, alias: str, deployments: Sequence[Deployment]) -> ModelGroup:
        return SplitGroup(super().of(alias, deployments), self.watches, self._chance)

    def canary_of(self, asked: GroupRequest) -> str | None:
        """The canary in whose share this call is. What calls with keys or places of their own do says nothing of it."""
        if not affects_health(asked):
            return None
        point = asked.memoized("canary", self._point)
        for watch in self.watches:
            canary = watch.canary
            if point < canary.share:
                return canary.deployment if watch.stopped is None and canary.deployment in self._lone else None
            point -= canary.share
        return None

    def drawn_by(self, asked: GroupRequest) -> str:
        """What decides whether a call is in a share: the name in its metadata that keeps calls together, `chance`, or empty
        where it never is."""
        return (_kept_by(asked.metadata) or "chance") if affects_health(asked) else ""

    def _point(self, asked: GroupRequest) -> float:
        """Uniform in [0, 1): the same for all calls of a session, or of a user."""
        name = _kept_by(asked.metadata)
        if name is None:
            return self._chance()
        who = asked.metadata[name]
        said = f"{self.watches[0].canary.model}\0{who}".encode()
        return int.from_bytes(hashlib.sha256(said).digest()[:6]) / 2**48

    def _left_aside(self, mine: str | None, tried: Collection[str]) -> Iterator[Skipped]:
        for watch in self.watches:
            name = watch.canary.deployment
            if name == mine or name in tried or name not in self._lone:
                continue
            reason = "this call is not of its share" if watch.stopped is None else f"stopped by its {watch.stopped}"
            yield Skipped(name, f"canary: {reason}")


def _kept_by(metadata: Mapping[str, Any]) -> str | None:
    return next((name for name in _WHO if isinstance(said := metadata.get(name), str) and said), None)
