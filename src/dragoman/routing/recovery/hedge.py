"""Asking a second deployment when the first one is late. The first answer counts, and the other deployment is left at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from dragoman.errors import APIError
from dragoman.models import cost_bounds
from dragoman.observe import Hedged, tell
from dragoman.routing.admission.admission import Admitted, Seeker
from dragoman.routing.choice.checks import PassedOver
from dragoman.routing.settings.hedge import HedgePolicy
from dragoman.types.cost import CostBounds

if TYPE_CHECKING:
    from dragoman.routing.call import Answer, StreamAnswer
    from dragoman.routing.recovery.attempts import Asking, Trial
    from dragoman.routing.recovery.failures import Failures
    from dragoman.routing.request import Asked
    from dragoman.types.usage import Usage

__all__ = ["Foreseen", "HEDGED", "Hedger", "tell_hedged"]

HEDGED = "Hedged"
"""The error of an attempt that was left because another deployment answered first."""
CANCELLED = "CancelledError"
_LEAST_OBSERVED = 10.0
"""Calls before a 95th percentile says anything."""
_TO_CHOOSE = 3
"""So many deployments are looked at for one that is cheap enough."""
_GRACE = 0.1
"""Seconds for an attempt that is left to close its connection; one that does not is not waited for."""


class Foreseen(NamedTuple):
    """A hedge that would be made."""

    after: float | None
    """Seconds; None: not known."""
    deployment: str | None
    """Who would be asked as second; None: nobody."""
    why: str


@dataclass(slots=True, kw_only=True)
class Hedger:
    """Of one call, which asks no more than one deployment beside another."""

    trial: Trial
    seeker: Seeker
    deadline: float
    """Monotonic seconds."""
    spent: bool = False

    async def ask(self, admitted: Admitted, asked: Asked, failures: Failures) -> Answer | StreamAnswer:
        """Raises `APIError`: that of the first deployment, where both fail."""
        policy = self._policy(admitted, asked)
        delay = None if policy is None else self._delay(policy, admitted, asked)
        if policy is None or delay is None:
            return await self.trial.ask(admitted, asked, self._seconds_left())
        race = _Race(self.trial)
        try:
            first = race.enter(admitted, asked, self._seconds_left())
            if not await race.is_late(first, self.trial.clock.sleep(delay)):
                return await race.won_alone(first)
            second = await self._second(admitted, asked, policy, failures.tried)
            if not isinstance(second, Admitted):
                return await race.won_alone(first)
            if race.is_over(first):
                self._give_back(second)
                return await race.won_alone(first)
            self.spent = True
            race.enter(_because(second, admitted, delay), asked, self._seconds_left())
            return await race.won(self._noted(failures))
        finally:
            await race.leave(CANCELLED)

    async def foreseen(self, admitted: Admitted, asked: Asked) -> Foreseen | None:
        """Who would be asked beside this one if it were late now; `seeker` only looks. None: no hedge is wanted."""
        policy = self._wanted(admitted, asked)
        if policy is None:
            return None
        if not _has_others(asked):
            return Foreseen(policy.after, None, "there is no other deployment")
        delay = self._delay(policy, admitted, asked)
        if delay is None:
            return Foreseen(None, None, f"its usual time is not known yet, from {_LEAST_OBSERVED:.0f} calls")
        second = await self._second(admitted, asked, policy, ())
        if isinstance(second, Admitted):
            return Foreseen(delay, second.choice.member.deployment.id, second.choice.why)
        reasons = "; ".join(f"{name}: {reason}" for name, reason in second)
        return Foreseen(delay, None, f"nobody else can be asked ({reasons})")

    def _seconds_left(self) -> float:
        return self.deadline - self.trial.clock.monotonic()

    def _policy(self, admitted: Admitted, asked: Asked) -> HedgePolicy | None:
        """By which this call is hedged, if it is."""
        policy = self._wanted(admitted, asked)
        return None if policy is None or self.spent or not _has_others(asked) else policy

    def _wanted(self, admitted: Admitted, asked: Asked) -> HedgePolicy | None:
        """The call's, or else the deployment's, or else the router's."""
        own = admitted.choice.member.deployment.options.hedge
        policy = asked.options.hedge or own or self.trial.settings.hedge
        return None if policy is None or policy.off or asked.call.operation == "count_tokens" else policy

    def _delay(self, policy: HedgePolicy, admitted: Admitted, asked: Asked) -> float | None:
        """Seconds; None: nobody knows yet what is late."""
        if policy.after is not None:
            return policy.after
        store = self.trial.store
        known = store.view().observed.get(admitted.choice.member.key)
        if known is None:
            return None
        times = known.first_content if asked.call.stream else known.latency
        usual = times.p95
        return usual / 1000 if usual is not None and times.weight(store.now()) >= _LEAST_OBSERVED else None

    async def _second(
        self, first: Admitted, asked: Asked, policy: HedgePolicy, failed: Iterable[str]
    ) -> Admitted | list[PassedOver]:
        """One that is well, has not failed in this call, and is cheap enough; or why there is none."""
        health = self.trial.health
        suspects = [member.deployment.id for member in asked.group.members if health.half_open(member)]
        passed = [PassedOver(name, "it has just been out") for name in suspects]
        not_those = {first.choice.member.deployment.id, *failed, *suspects}
        for _ in range(_TO_CHOOSE):
            found = await self.seeker.find(asked, not_those)
            if not isinstance(found, Admitted):
                return [*passed, *found.passed_over]
            if self._affordable(found, asked, policy):
                return found
            self._give_back(found)
            not_those.add(found.choice.member.deployment.id)
            passed.append(PassedOver(found.choice.member.deployment.id, "it may cost more than max_extra_cost"))
        return passed

    def _affordable(self, admitted: Admitted, asked: Asked, policy: HedgePolicy) -> bool:
        if policy.max_extra_cost is None:
            return True
        most = _bounds(self.trial, admitted, asked).upper
        return most is not None and most <= policy.max_extra_cost

    def _give_back(self, admitted: Admitted) -> None:
        self.seeker.give_back(admitted)
        self.trial.line.released(admitted.choice.member.deployment.id)

    def _noted(self, failures: Failures) -> Callable[[Asking, APIError], None]:
        now = self.trial.clock.monotonic

        def note(asking: Asking, error: APIError) -> None:
            failures.add(asking.admitted.choice.member.deployment.id, error, now())

        return note


def _has_others(asked: Asked) -> bool:
    return len(asked.group.members) > 1


class _Race:
    """Those who are asked at the same time. Whoever is still running when it is left is cancelled.

    Tasks stay in here, and in no variable while they fail: a task keeps its error, whose traceback names the frames that it went
    through, and so a frame that keeps the task."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self._running: dict[Asking, asyncio.Task[None]] = {}

    def enter(self, admitted: Admitted, asked: Asked, seconds_left: float) -> Asking:
        asking = self._trial.start(admitted, asked)
        self._running[asking] = asyncio.ensure_future(self._trial.arrive(asking, seconds_left))
        return asking

    def is_over(self, asking: Asking) -> bool:
        """Whether it has arrived or failed, and nobody has looked yet."""
        return asking in self._running and self._running[asking].done()

    async def is_late(self, asking: Asking, delay: Awaitable[None]) -> bool:
        timer = asyncio.ensure_future(delay)
        try:
            await asyncio.wait({self._running[asking], timer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
        return not self.is_over(asking)

    async def won_alone(self, asking: Asking) -> Answer | StreamAnswer:
        await asyncio.wait({self._running[asking]})
        self._running.pop(asking).result()
        return self._trial.take(asking)

    async def won(self, failed: Callable[[Asking, APIError], None]) -> Answer | StreamAnswer:
        """The first answer. Where both fail the first deployment's error is raised, and `failed` hears of the other's."""
        errors: dict[Asking, APIError] = {}
        order = list(self._running)
        try:
            while self._running:
                await asyncio.wait(self._running.values(), return_when=asyncio.FIRST_COMPLETED)
                for asking in filter(self.is_over, order):  # of two at the same time, the one that was asked first
                    try:
                        self._running.pop(asking).result()
                    except APIError as error:
                        errors[asking] = error
                        continue
                    await self._leave_for(asking)
                    return self._trial.take(asking)
            first, second = order
            failed(second, errors[second])
            raise errors[first]
        finally:
            errors.clear()  # their tracebacks hold this frame: they must not hold each other

    async def _leave_for(self, winner: Asking) -> None:
        """The others are left first, so that what is told of the answer tells of them too."""
        try:
            await self.leave(HEDGED)
        except BaseException:
            winner.left = CANCELLED
            await self._trial.drop(winner)
            raise

    async def leave(self, reason: str) -> None:
        running, self._running = self._running, {}
        for asking, task in running.items():
            asking.left = reason
            if not task.done():
                task.cancel()
            elif not task.cancelled() and task.exception() is None:
                await self._trial.drop(asking)
        open_ones = [task for task in running.values() if not task.done()]
        if open_ones:
            for task in open_ones:
                task.add_done_callback(_heard)
            await asyncio.wait(open_ones, timeout=_GRACE)


def _heard(task: asyncio.Task[None]) -> None:
    """Its failure is noted already: asyncio need not complain that nobody asked for it."""
    if not task.cancelled():
        task.exception()


def _because(second: Admitted, first: Admitted, delay: float) -> Admitted:
    late = f"{first.choice.member.deployment.id} had not answered after {delay:.3g} s; "
    return second._replace(choice=second.choice._replace(why=late + second.choice.why))


def _bounds(trial: Trial, admitted: Admitted, asked: Asked) -> CostBounds:
    """What a deployment can cost for this call."""
    deployment = admitted.choice.member.deployment
    request = trial.job(deployment, asked, 0.0).request
    return cost_bounds(request, deployment.entry, provider=deployment.provider.name, model=deployment.model)


def tell_hedged(trial: Trial, asking: Asking, seconds: float, usage: Usage | None) -> None:
    """What the deployment that was left may charge, and that it would have taken longer than it usually does."""
    admitted, asked = asking.admitted, asking.asked
    member = admitted.choice.member
    _note_slowness(trial, member.key, seconds * 1000, stream=asked.call.stream)
    if not trial.listeners:
        return
    deployment = member.deployment
    bounds = _bounds(trial, admitted, asked)
    lower, upper = bounds.lower, bounds.upper
    if usage is not None:
        cost = trial.job(deployment, asked, 0.0).cost(usage)
        lower = upper = None if cost is None else cost.total
    where = (deployment.id, deployment.provider.name, deployment.model)
    tell(trial.listeners, Hedged(trial.call.request_id, *where, trial.alias, lower, upper, usage))


def _note_slowness(trial: Trial, key: str, milliseconds: float, *, stream: bool) -> None:
    """It had not answered by then. Were that forgotten, a slow deployment would look faster with each hedge."""
    known = trial.store.view().observed.get(key) if key else None
    if known is None:
        return
    usual = (known.first_content if stream else known.latency).p95
    if usual is None or milliseconds <= usual:
        return
    if stream:
        trial.store.observe(key, max(milliseconds, known.latency.p95 or 0.0), milliseconds)
    else:
        trial.store.observe(key, milliseconds)
