"""The innermost answerer: a call goes to the deployments of its model group, and where those fail to its fallbacks."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol, TypeAlias

from dragoman.errors import APIError, DragomanError
from dragoman.observe import FallbackStarted
from dragoman.routing.call import Answer, StreamAnswer
from dragoman.routing.recovery import fallbacks
from dragoman.routing.recovery.attempts import CallAttempts
from dragoman.routing.recovery.retry_loop import RetryLoop
from dragoman.routing.request import GroupRequest
from dragoman.routing.settings.call_options import CallOptions
from dragoman.routing.settings.fallbacks import FallbackTarget, target_name

__all__ = ["Dispatch", "FallbackPlan", "Rewrite"]

Rewrite: TypeAlias = Callable[[GroupRequest], GroupRequest]
"""Changes a request before it goes to a group. Raises `APIError` where the group cannot take it."""


class FallbackPlan(Protocol):
    """The requests to fallbacks, and whether one is available (`plan.RoutingPlan`, bound to a call)."""

    def request(self, target: FallbackTarget) -> GroupRequest:
        """Raise `DragomanError` for a target that does not exist."""

    def is_available(self, targets: Iterable[FallbackTarget], visited: Collection[str]) -> bool: ...


class _Pending(NamedTuple):
    failed: str
    """The model group that led to it."""
    target: FallbackTarget
    error: str
    """The class of that group's error."""


@dataclass(slots=True, kw_only=True)
class Dispatch:
    """One call on its way."""

    request: GroupRequest
    options: CallOptions
    """The call's, with what counts of fallbacks."""
    attempts: CallAttempts
    retries: RetryLoop
    fallbacks: FallbackPlan
    on_fallback: Callable[[str], None]
    """Called with the alias when the call goes to a fallback for the first time."""

    async def answer(self) -> Answer | StreamAnswer:
        """Answer the call. Raise the `APIError` of the requested model group if its fallbacks fail too."""
        try:
            mock = fallbacks.mock_failure(self.options, self.request.call.model)
            if mock is not None:
                raise mock
            return await self.retries.ask(self.request, self._has_backup)
        except APIError as error:
            first = error
        answer = await self.fall_back(first)
        if answer is not None:
            return answer
        if self.retries.is_spent or (self.attempts.record.attempts and first.retry_after is None):
            first.should_retry = False
        try:
            raise first
        finally:
            del first  # its traceback holds this frame: they must not hold each other

    async def fall_back(self, error: APIError, rewrite: Rewrite | None = None) -> Answer | StreamAnswer | None:
        """Return the answer of a fallback, or of a fallback's own; None where they fail too: the attempts tell of it."""
        settings, call, record = self.attempts.settings, self.request.call, self.attempts.record
        alias = self.request.group.alias
        pending = deque(_following(alias, self._targets(error), error))
        visited, own_options = {alias}, replace(call.options, fallbacks=None)
        while pending and len(visited) <= settings.max_fallbacks and self.retries.seconds_left() > 0:
            failed, target, reason = pending.popleft()
            name = target_name(target)
            if name in visited:
                continue
            visited.add(name)
            if not record.fallback:
                self.on_fallback(record.alias)
            record.fall_back(name)
            self.attempts.services.tell(FallbackStarted(record, failed, name, reason))
            alternatives = [item.target for item in pending]
            alternatives += fallbacks.targets(settings, name, own_options, None)
            try:
                request = self.fallbacks.request(target)
                request = request if rewrite is None else rewrite(request)
                return await self.retries.ask(request, _Backup(self.fallbacks, alternatives, visited))
            except APIError as following:
                own = fallbacks.targets(settings, name, own_options, following)
                pending.extend(_following(name, own, following))
            except DragomanError:
                continue
        return None

    async def resume(self, error: APIError, rewrite: Rewrite) -> Answer | StreamAnswer | None:
        """Request the rest of an answer whose stream broke off with `error`: from the same group if a retry is left, and
        then from the
        fallbacks. Return None if they fail too."""
        if self.retries.take_retry():
            with contextlib.suppress(APIError):
                return await self.retries.ask(rewrite(self.request), self._has_backup)
        return await self.fall_back(error, rewrite)

    def _targets(self, error: APIError | None) -> Iterable[FallbackTarget]:
        alias, call = self.request.group.alias, self.request.call
        return fallbacks.targets(self.attempts.settings, alias, self.options, error, call.model)

    def _has_backup(self) -> bool:
        return self.fallbacks.is_available(self._targets(None), (self.request.group.alias,))


@dataclass(frozen=True, slots=True)
class _Backup:
    """Whether one of the fallbacks that come next is available."""

    plan: FallbackPlan
    targets: list[FallbackTarget]
    seen: Collection[str]

    def __call__(self) -> bool:
        return self.plan.is_available(self.targets, self.seen)


def _following(failed: str, targets: Iterable[FallbackTarget], error: APIError) -> Iterable[_Pending]:
    return (_Pending(failed, target, type(error).__name__) for target in targets)
