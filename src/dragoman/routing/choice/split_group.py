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

_STICKY_FIELDS = ("session_id", "litellm_session_id", "user_id", "user_api_key_user_id")
"""Of the metadata: the first that is there keeps its calls together. Not the caller's key, behind which many may be."""


class SplitGroup(ModelGroup):
    """A group with canaries. A call in the share of a canary goes to it first, and no other call does. Canaries come last among the
    members, as the first member's retry options apply to all calls."""

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
        alternatives = [member.deployment for member in regular]
        self._lone = {item.deployment.id: ModelGroup(group.alias, (item,), *how, alternatives) for item in apart}

    @property
    def without_canaries(self) -> ModelGroup:
        return self._regular

    def choose(self, request: GroupRequest, view: View, excluded: Collection[str] = ()) -> Choice | NoDeployment:
        own = self.canary_of(request)
        skipped = tuple(self._skipped_canaries(own, excluded))
        if own is not None and own not in excluded:
            result = self._lone[own].choose(request, view, excluded)
            if isinstance(result, Choice):
                return result._replace(why=f"{request.reason}the canary of this call", skipped=skipped)
            skipped = (*result.skipped, *skipped)
        alternatives = self._regular.choose(request, view, excluded)
        return alternatives._replace(skipped=(*alternatives.skipped, *skipped)) if skipped else alternatives

    def eligible_ids(self, request: GroupRequest) -> frozenset[str]:
        own = self.canary_of(request)
        alternatives = self._regular.eligible_ids(request)
        return alternatives if own is None else alternatives | self._lone[own].eligible_ids(request)

    def with_deployments(self, alias: str, deployments: Sequence[Deployment]) -> ModelGroup:
        return SplitGroup(super().with_deployments(alias, deployments), self.watches, self._chance)

    def canary_of(self, request: GroupRequest) -> str | None:
        """Return the canary in whose share this call is. Calls with keys or addresses of their own are in no share: they say
        nothing of it."""
        if not affects_health(request):
            return None
        point = request.memoized("canary", self._draw)
        for watch in self.watches:
            canary = watch.canary
            if point < canary.share:
                return canary.deployment if watch.stopped is None and canary.deployment in self._lone else None
            point -= canary.share
        return None

    def selected_by(self, request: GroupRequest) -> str:
        """What decides whether a call is in a share: the name in its metadata that keeps calls together, `chance`, or empty
        where it never is."""
        return (_sticky_field(request.metadata) or "chance") if affects_health(request) else ""

    def _draw(self, request: GroupRequest) -> float:
        """Uniform in [0, 1): the same for all calls of a session, or of a user."""
        name = _sticky_field(request.metadata)
        if name is None:
            return self._chance()
        who = request.metadata[name]
        value = f"{self.watches[0].canary.model}\0{who}".encode()
        return int.from_bytes(hashlib.sha256(value).digest()[:6]) / 2**48

    def _skipped_canaries(self, own: str | None, excluded: Collection[str]) -> Iterator[Skipped]:
        for watch in self.watches:
            name = watch.canary.deployment
            if name == own or name in excluded or name not in self._lone:
                continue
            reason = "this call is not of its share" if watch.stopped is None else f"stopped by its {watch.stopped}"
            yield Skipped(name, f"canary: {reason}")


def _sticky_field(metadata: Mapping[str, Any]) -> str | None:
    return next((name for name in _STICKY_FIELDS if isinstance(value := metadata.get(name), str) and value), None)
