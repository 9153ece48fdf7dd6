"""Hedged requests: a second attempt starts when the first is late. The first answer counts, and the other attempt is abandoned."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from dragoman.errors import APIError
from dragoman.models import cost_bounds
from dragoman.observe import HedgeLost
from dragoman.routing.admission.admission import Admission, Admitted
from dragoman.routing.call import Answer, StreamAnswer
from dragoman.routing.recovery.attempts import CallAttempts, PendingAttempt
from dragoman.routing.recovery.failures import Failures
from dragoman.routing.request import GroupRequest
from dragoman.routing.selection import Skipped
from dragoman.routing.settings.hedge import HedgePolicy
from dragoman.types.call_record import Attempt
from dragoman.types.cost import CostBounds
from dragoman.types.usage import TokenUsage

__all__ = ["HEDGED", "HedgePreview", "Hedger"]

HEDGED = "Hedged"
"""The error of an attempt that was abandoned because another deployment answered first."""
CANCELLED = "CancelledError"
_LEAST_OBSERVED = 10.0
"""Calls before a 95th percentile says anything."""
_MOST_CANDIDATES = 3
"""Deployments that are considered for one that is cheap enough."""
_GRACE = 0.1
"""Seconds for an abandoned attempt to close its connection; one that does not is not waited for."""


@dataclass(frozen=True, slots=True)
class HedgePreview:
    """The hedge that would be made."""

    after: float | None
    """Seconds; None: not known."""
    deployment: str | None
    """The second deployment; None: there is none."""
    why: str


@dataclass(slots=True, kw_only=True)
class Hedger:
    """Hedges one call, at most once."""

    attempts: CallAttempts
    admission: Admission
    deadline: float
    """Monotonic seconds."""
    spent: bool = False

    def policy(self, admitted: Admitted, request: GroupRequest) -> HedgePolicy | None:
        """Return the policy by which this attempt is hedged; None: it is not."""
        policy = self._configured(admitted, request)
        return None if policy is None or self.spent or not _has_others(request) else policy

    async def ask(
        self, admitted: Admitted, request: GroupRequest, policy: HedgePolicy, failures: Failures
    ) -> Answer | StreamAnswer:
        """Raise `APIError`: that of the first deployment, where both fail."""
        delay = self._delay(policy, admitted, request)
        if delay is None:
            return await self.attempts.ask(admitted, request, self._seconds_left())
        race = _Race(self.attempts)
        try:
            first = race.enter(admitted, request, self._seconds_left())
            if not await race.is_late(first, self.attempts.services.clock.sleep(delay)):
                return await race.finish_alone(first)
            second = await self._second(admitted, request, policy, failures.tried)
            if not isinstance(second, Admitted):
                return await race.finish_alone(first)
            if race.is_over(first):
                self._release(second)
                return await race.finish_alone(first)
            self.spent = True
            race.enter(_explained(second, admitted, delay), request, self._seconds_left())
            return await race.winner(self._remember(failures))
        finally:
            await race.abandon(CANCELLED)

    async def preview(self, admitted: Admitted, request: GroupRequest) -> HedgePreview | None:
        """Return the hedge that would be made if this attempt were late; None: no hedge. The admission must be read-only."""
        policy = self._configured(admitted, request)
        if policy is None:
            return None
        if not _has_others(request):
            return HedgePreview(policy.after, None, "there is no other deployment")
        delay = self._delay(policy, admitted, request)
        if delay is None:
            return HedgePreview(None, None, f"its usual time is not known yet, from {_LEAST_OBSERVED:.0f} calls")
        second = await self._second(admitted, request, policy, ())
        if isinstance(second, Admitted):
            return HedgePreview(delay, second.choice.member.deployment.id, second.choice.why)
        reasons = "; ".join(f"{name}: {reason}" for name, reason in second)
        return HedgePreview(delay, None, f"nobody else can be asked ({reasons})")

    def _seconds_left(self) -> float:
        return self.deadline - self.attempts.services.clock.monotonic()

    def _configured(self, admitted: Admitted, request: GroupRequest) -> HedgePolicy | None:
        """Return the call's policy, or else the deployment's, or else the router's."""
        own = admitted.choice.member.deployment.options.hedge
        policy = request.options.hedge or own or self.attempts.settings.hedge
        return None if policy is None or policy.off or not request.call.operation.repeatable else policy

    def _delay(self, policy: HedgePolicy, admitted: Admitted, request: GroupRequest) -> float | None:
        """Return the seconds after which the first deployment is late; None: too little is known of it."""
        if policy.after is not None:
            return policy.after
        store = self.attempts.services.store
        known = store.view().observed.get(admitted.choice.member.key)
        if known is None:
            return None
        times = known.first_content if request.call.stream else known.latency
        usual = times.p95
        return usual / 1000 if usual is not None and times.weight(store.now()) >= _LEAST_OBSERVED else None

    async def _second(
        self, first: Admitted, request: GroupRequest, policy: HedgePolicy, failed: Iterable[str]
    ) -> Admitted | list[Skipped]:
        """Return a deployment that is well, has not failed in this call, and is cheap enough; or why there is none."""
        health = self.attempts.services.health
        suspects = [member.deployment.id for member in request.group.members if health.half_open(member)]
        skipped = [Skipped(name, "it has just been out") for name in suspects]
        excluded = {first.choice.member.deployment.id, *failed, *suspects}
        for _ in range(_MOST_CANDIDATES):
            result = await self.admission.admit(request, excluded)
            if not isinstance(result, Admitted):
                return [*skipped, *result.skipped]
            if self._is_affordable(result, request, policy):
                return result
            self._release(result)
            excluded.add(result.choice.member.deployment.id)
            skipped.append(Skipped(result.choice.member.deployment.id, "it may cost more than max_extra_cost"))
        return skipped

    def _is_affordable(self, admitted: Admitted, request: GroupRequest, policy: HedgePolicy) -> bool:
        if policy.max_extra_cost is None:
            return True
        most = _bounds(self.attempts, admitted, request).upper
        return most is not None and most <= policy.max_extra_cost

    def _release(self, admitted: Admitted) -> None:
        self.admission.release(admitted)
        self.attempts.queue.released(admitted.choice.member.deployment.id)

    def _remember(self, failures: Failures) -> Callable[[PendingAttempt, APIError], None]:
        now = self.attempts.services.clock.monotonic

        def remember(pending: PendingAttempt, error: APIError) -> None:
            failures.add(pending.deployment.id, error, now())

        return remember


def _has_others(request: GroupRequest) -> bool:
    return len(request.group.members) > 1


class _Race:
    """Concurrent attempts. Those that still run when the race is abandoned are cancelled.

    Tasks stay in here, and in no variable while they fail: a task keeps its error, and the error's traceback keeps the frames that
    it passed, and so a frame that keeps the task."""

    def __init__(self, attempts: CallAttempts) -> None:
        self._attempts = attempts
        self._running: dict[PendingAttempt, asyncio.Task[None]] = {}

    def enter(self, admitted: Admitted, request: GroupRequest, seconds_left: float) -> PendingAttempt:
        pending = self._attempts.start(admitted, request, self._on_abandoned)
        self._running[pending] = asyncio.ensure_future(self._attempts.run(pending, seconds_left))
        return pending

    def is_over(self, pending: PendingAttempt) -> bool:
        """Whether it has arrived or failed, and was not collected yet."""
        return pending in self._running and self._running[pending].done()

    async def is_late(self, pending: PendingAttempt, delay: Awaitable[None]) -> bool:
        timer = asyncio.ensure_future(delay)
        try:
            await asyncio.wait({self._running[pending], timer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
        return not self.is_over(pending)

    async def finish_alone(self, pending: PendingAttempt) -> Answer | StreamAnswer:
        await asyncio.wait({self._running[pending]})
        self._running.pop(pending).result()
        return self._attempts.accept(pending)

    async def winner(self, on_failure: Callable[[PendingAttempt, APIError], None]) -> Answer | StreamAnswer:
        """Return the first answer. Where both fail raise the first deployment's error, and tell `on_failure` the other's."""
        errors: dict[PendingAttempt, APIError] = {}
        order = list(self._running)
        try:
            while self._running:
                await asyncio.wait(self._running.values(), return_when=asyncio.FIRST_COMPLETED)
                for pending in filter(self.is_over, order):  # of two at the same time, the one that was asked first
                    try:
                        self._running.pop(pending).result()
                    except APIError as error:
                        errors[pending] = error
                        continue
                    await self._abandon_for(pending)
                    return self._attempts.accept(pending)
            first, second = order
            on_failure(second, errors[second])
            raise errors[first]
        finally:
            errors.clear()  # their tracebacks hold this frame: they must not hold each other

    async def _abandon_for(self, winner: PendingAttempt) -> None:
        """Abandon the others first, so that the events of the answer include them."""
        try:
            await self.abandon(HEDGED)
        except BaseException:
            winner.abandon(CANCELLED)
            await self._attempts.discard(winner)
            raise

    async def abandon(self, reason: str) -> None:
        running, self._running = self._running, {}
        for pending, task in running.items():
            pending.abandon(reason)
            if not task.done():
                task.cancel()
            elif not task.cancelled() and task.exception() is None:
                await self._attempts.discard(pending)
        unfinished = [task for task in running.values() if not task.done()]
        if unfinished:
            for task in unfinished:
                task.add_done_callback(_retrieve_exception)
            await asyncio.wait(unfinished, timeout=_GRACE)

    def _on_abandoned(self, pending: PendingAttempt, attempt: Attempt, usage: TokenUsage | None) -> None:
        """Tell what an attempt that lost may cost, and that it would have taken longer than usual."""
        if pending.abandoned_because != HEDGED:
            return
        attempts = self._attempts
        _observe_slowness(attempts, pending.admitted.choice.member.key, attempt.milliseconds)
        if not attempts.services.listeners:
            return
        bounds = _bounds(attempts, pending.admitted, pending.request)
        lower, upper = bounds.lower, bounds.upper
        if usage is not None:
            cost = attempts.request(pending.deployment, pending.request, 0.0).cost(usage)
            lower = upper = None if cost is None else cost.total
        attempts.services.tell(HedgeLost(attempts.record, attempt, lower, upper, usage))


def _retrieve_exception(task: asyncio.Task[None]) -> None:
    """Its failure is recorded already: asyncio need not warn that it was never retrieved."""
    if not task.cancelled():
        task.exception()


def _explained(second: Admitted, first: Admitted, delay: float) -> Admitted:
    late = f"{first.choice.member.deployment.id} had not answered after {delay:.3g} s; "
    return second._replace(choice=second.choice._replace(why=late + second.choice.why))


def _bounds(attempts: CallAttempts, admitted: Admitted, request: GroupRequest) -> CostBounds:
    """Return what a deployment can cost for this call."""
    deployment = admitted.choice.member.deployment
    merged = attempts.request(deployment, request, 0.0).hub_request
    return cost_bounds(merged, deployment.entry, provider=deployment.provider.name, model=deployment.model)


def _observe_slowness(attempts: CallAttempts, key: str, milliseconds: float) -> None:
    """Record that it had not answered by then: were that forgotten, a slow deployment would look faster with each hedge."""
    store = attempts.services.store
    known = store.view().observed.get(key) if key else None
    if known is None:
        return
    stream = attempts.call.stream
    usual = (known.first_content if stream else known.latency).p95
    if usual is None or milliseconds <= usual:
        return
    if stream:
        store.observe(key, max(milliseconds, known.latency.p95 or 0.0), milliseconds)
    else:
        store.observe(key, milliseconds)
