"""Asking the deployments of model groups in turn, within one budget of retries and one deadline."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from dragoman.errors import APIError, UnsupportedAbilityError
from dragoman.routing.admission.admission import Admitted
from dragoman.routing.admission.waiting import AdmissionContext, wait_for_admission
from dragoman.routing.call import Answer, StreamAnswer
from dragoman.routing.recovery.attempts import CallAttempts
from dragoman.routing.recovery.failures import Failures
from dragoman.routing.recovery.hedge import Hedger
from dragoman.routing.request import GroupRequest

__all__ = ["RetryLoop"]

_LEAST_TIME = 0.001


@dataclass(slots=True, kw_only=True)
class RetryLoop:
    """Of one call, over all model groups that it goes to."""

    attempts: CallAttempts
    context: AdmissionContext
    hedger: Hedger
    retries_left: int

    async def ask(self, request: GroupRequest, has_backup: Callable[[], bool]) -> Answer | StreamAnswer:
        """Try the deployments of one group in turn. `has_backup`: whether a fallback is available, so that no call waits for a
        deployment that has just failed. Raise the last `APIError`."""
        services = self.attempts.services
        failures = Failures(services.clock.random, self.attempts.settings.retry_after)
        admitted = await wait_for_admission(request, self.context, has_backup)
        while True:
            try:
                policy = self.hedger.policy(admitted, request)
                if policy is None:
                    return await self.attempts.ask(admitted, request, self.context.seconds_left())
                return await self.hedger.ask(admitted, request, policy, failures)
            except APIError as error:
                same_class = failures.add(admitted.choice.member.deployment.id, error, services.clock.monotonic())
                following = await self._next(request, failures, error, same_class, has_backup)
                if following is None:
                    raise
                if _reached_provider(error):
                    self.retries_left -= 1
            admitted = following

    @property
    def is_spent(self) -> bool:
        """Whether the attempts, or the time for them, are used up."""
        return bool(self.attempts.record.attempts) and (self.retries_left <= 0 or self.seconds_left() <= _LEAST_TIME)

    def seconds_left(self) -> float:
        return self.context.seconds_left()

    def take_retry(self) -> bool:
        """Use up one retry; False: there is none left."""
        if self.retries_left <= 0:
            return False
        self.retries_left -= 1
        return True

    async def _next(
        self,
        request: GroupRequest,
        failures: Failures,
        error: APIError,
        same_class: int,
        has_backup: Callable[[], bool],
    ) -> Admitted | None:
        """Return another deployment at once, or else the one that may be retried first, if that is soon enough."""
        if not self._may_retry(request, error, same_class):
            return None
        if error.retry_elsewhere:
            result = await self.context.admission.admit(request, failures.tried)
            if isinstance(result, Admitted):
                return result
        if self.retries_left <= 0 or has_backup():
            return None
        return await self._again(request, failures, has_backup)

    def _may_retry(self, request: GroupRequest, error: APIError, same_class: int) -> bool:
        if not (error.retry_here or error.retry_elsewhere) or self.seconds_left() <= _LEAST_TIME:
            return False
        if self.retries_left <= 0 and _reached_provider(error):
            return False
        return self.attempts.settings.retry_policy_of(request.group.alias).allows(error, same_class)

    async def _again(
        self, request: GroupRequest, failures: Failures, has_backup: Callable[[], bool]
    ) -> Admitted | None:
        soonest = failures.soonest(request.group.eligible_ids(request))
        if soonest is None:
            return None
        deployment, ready = soonest
        clock, settings = self.attempts.services.clock, self.attempts.settings
        wait = max(ready - clock.monotonic(), self._outage_left(request, deployment))
        if wait > min(settings.longest_wait, self.seconds_left()):
            return None
        await clock.sleep(max(0.0, wait))
        same = [member.deployment for member in request.group.members if member.deployment.id == deployment]
        alone = request.redirected(request.group.with_deployments(request.group.alias, same), request.request)
        with contextlib.suppress(APIError):  # the caller hears why it failed
            return await wait_for_admission(alone, self.context, has_backup)
        return None

    def _outage_left(self, request: GroupRequest, deployment: str) -> float:
        """Return the seconds for which it is out, as all calls know by now."""
        store = self.attempts.services.store
        member = next(member for member in request.group.members if member.deployment.id == deployment)
        outage = member.outage(store.view().outages)
        return 0.0 if outage is None else outage.until - store.now() + _LEAST_TIME


def _reached_provider(error: APIError) -> bool:
    """Whether the attempt reached the provider, or may have: only such a one counts."""
    return not isinstance(error, UnsupportedAbilityError)
