"""One call on its way over deployments, retries and fallbacks, within one budget of attempts and one deadline."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from dragoman.errors import APIError, UnsupportedAbilityError
from dragoman.routing.admission.admission import Admitted, Seeker
from dragoman.routing.admission.queue import wait_for_turn
from dragoman.routing.call import Answer, StreamAnswer
from dragoman.routing.recovery.attempts import Trial
from dragoman.routing.recovery.failures import Failures
from dragoman.routing.recovery.hedge import Hedger
from dragoman.routing.request import Asked

__all__ = ["Run"]

_LEAST_TIME = 0.001


@dataclass(slots=True, kw_only=True)
class Run:
    trial: Trial
    """How one deployment is asked once."""
    seeker: Seeker
    deadline: float
    """Monotonic seconds."""
    retries_left: int
    has_backup: Callable[[], bool] = lambda: False
    """A fallback stands ready: nobody waits for a deployment that has just failed."""
    hedger: Hedger | None = None
    rewrite: Callable[[Asked], Asked] | None = None
    """What is asked instead, of whom."""

    async def ask(self, asked: Asked) -> Answer | StreamAnswer:
        """Ask the deployments of one group in turn. Raises the last `APIError`."""
        clock = self.trial.clock
        if self.rewrite is not None:
            asked = self.rewrite(asked)
        failures = Failures(clock.random, self.trial.settings.retry_after)
        hedger = self.hedger = self.hedger or Hedger(trial=self.trial, seeker=self.seeker, deadline=self.deadline)
        admitted = await wait_for_turn(asked, self.trial, self.seeker, self.deadline, self.has_backup)
        while True:
            try:
                return await hedger.ask(admitted, asked, failures)
            except APIError as error:
                of_its_class = failures.add(admitted.choice.member.deployment.id, error, clock.monotonic())
                following = await self._next(asked, failures, error, of_its_class)
                if following is None:
                    raise
                self.retries_left -= _was_asked(error)
            admitted = following

    @property
    def is_spent(self) -> bool:
        """Whether the attempts, or the time for them, are used up."""
        return bool(self.trial.attempts) and (self.retries_left <= 0 or self.seconds_left() <= _LEAST_TIME)

    def seconds_left(self) -> float:
        return self.deadline - self.trial.clock.monotonic()

    async def _next(self, asked: Asked, failures: Failures, error: APIError, of_its_class: int) -> Admitted | None:
        """Another deployment at once, or else the one that may be asked again first, if that is soon enough."""
        spent = self.retries_left <= 0
        if (spent and _was_asked(error)) or self.seconds_left() <= _LEAST_TIME:
            return None
        if not (error.retry_here or error.retry_elsewhere):
            return None
        if not self.trial.settings.retry_policy_of(asked.group.alias).allows(error, of_its_class):
            return None
        if error.retry_elsewhere:
            found = await self.seeker.find(asked, failures.tried)
            if isinstance(found, Admitted):
                return found
        if spent or self.has_backup():
            return None
        return await self._again(asked, failures)

    async def _again(self, asked: Asked, failures: Failures) -> Admitted | None:
        soonest = failures.soonest(asked.group.able(asked))
        if soonest is None:
            return None
        deployment, ready = soonest
        wait = max(ready - self.trial.clock.monotonic(), self._out_for(asked, deployment))
        if wait > min(self.trial.settings.longest_wait, self.seconds_left()):
            return None
        await self.trial.clock.sleep(max(0.0, wait))
        same = [member.deployment for member in asked.group.members if member.deployment.id == deployment]
        alone = asked.to(asked.group.of(asked.group.alias, same), asked.request)
        with contextlib.suppress(APIError):  # the caller hears why it failed
            return await wait_for_turn(alone, self.trial, self.seeker, self.deadline, self.has_backup)
        return None

    def _out_for(self, asked: Asked, deployment: str) -> float:
        """Seconds that it is out, as all calls know by now."""
        view = self.trial.store.view()
        member = next(member for member in asked.group.members if member.deployment.id == deployment)
        outage = member.outage(view.outages)
        return 0.0 if outage is None else outage.until - self.trial.store.now() + _LEAST_TIME


def _was_asked(error: APIError) -> bool:
    """Whether the attempt reached the provider, or may have: only such a one counts."""
    return not isinstance(error, UnsupportedAbilityError)
