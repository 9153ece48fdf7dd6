"""Waiting for admission: a call that finds all deployments at their limits waits in the queue until its own deadline.

Better priorities are served first, and equal ones in the order of arrival. A newcomer passes no waiter of the same or better
priority that waits for the same deployment. A call that cannot be served in time is refused at once, where that is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from dragoman.errors import APIError
from dragoman.observe import Queued
from dragoman.routing.admission.admission import Admission, Admitted
from dragoman.routing.admission.queue import Enqueue, Waiter, WaitersAhead, WaitQueue
from dragoman.routing.admission.refusal import no_deployment_error
from dragoman.routing.request import GroupRequest
from dragoman.routing.selection import NoDeployment, Skipped
from dragoman.routing.services import RouterServices
from dragoman.routing.settings.router_settings import RouterSettings
from dragoman.types.call_record import CallRecord

__all__ = ["AdmissionContext", "QueuePosition", "QueuedCall", "admit_or_enqueue", "wait_for_admission"]

_LEAST_TIME = 0.001
_LOCAL_POLL = 1.0
"""Seconds between two looks for a free slot, or for the waiters ahead: their end wakes a waiter at once, but the end of a lost
lease does not, nor does that of a waiter whose event loop is stuck."""
_SHARED_POLL = 0.1
"""The same where other processes free slots too."""
_LONGEST_OUTAGE_WAIT = 8.0
"""Seconds to wait for the end of an outage at most, as whether the deployment then works is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionContext:
    """What admitting the requests of one call needs."""

    record: CallRecord
    settings: RouterSettings
    services: RouterServices
    admission: Admission
    queue: WaitQueue
    deadline: float
    """Monotonic seconds."""

    def seconds_left(self) -> float:
        return self.deadline - self.services.clock.monotonic()


class QueuePosition(NamedTuple):
    """The place of a call that has to wait."""

    call: QueuedCall
    waiter: Waiter
    position: int
    """Among those of its alias, from 1 on."""


async def wait_for_admission(
    request: GroupRequest, context: AdmissionContext, has_backup: Callable[[], bool]
) -> Admitted:
    """Return a deployment that can take the request, now or when it is the call's turn.

    Raise `APIError` for a call that cannot be served in time, or for which a fallback is available."""
    result = await admit_or_enqueue(request, context, has_backup, context.queue.join)
    return result if isinstance(result, Admitted) else await result.call.wait(result.waiter, result.position)


async def admit_or_enqueue(
    request: GroupRequest, context: AdmissionContext, has_backup: Callable[[], bool], enqueue: Enqueue
) -> Admitted | QueuePosition:
    """Return a deployment that can take the request now, or the call's place in the queue. `enqueue` is the queue's `join`, or its
    `position` to look only. Raise as `wait_for_admission`."""
    settings, clock, queue = context.settings, context.services.clock, context.queue
    policy = settings.queue.of(request.group.alias)
    priority = request.options.metadata.get("priority")
    if type(priority) is not int:
        priority = policy.default_priority
    ahead = queue.waiters_ahead((priority, math.inf), clock.monotonic())
    result = await context.admission.admit(request, ahead.deployments)
    if isinstance(result, Admitted):
        return result
    call = QueuedCall(request, context, has_backup)
    limit = policy.timeout if policy.timeout is not None else settings.longest_wait
    until = min(context.deadline, clock.monotonic() + limit)
    waiter = Waiter(request.group.alias, priority, request.group.eligible_ids(request), until)
    call.pause(waiter, result, ahead)
    position = enqueue(waiter, policy.max_size, clock.monotonic())
    if position is None:
        raise call.refusal(result, ahead, waiter)
    return QueuePosition(call, waiter, position)


class QueuedCall:
    """One call that waits for one model group."""

    def __init__(self, request: GroupRequest, context: AdmissionContext, has_backup: Callable[[], bool]) -> None:
        self._request = request
        self._context = context
        self._has_backup = has_backup

    async def wait(self, waiter: Waiter, position: int) -> Admitted:
        """Return the deployment that takes the call when it is its turn. Raise `APIError`."""
        context = self._context
        clock, queue = context.services.clock, context.queue
        began, served = clock.monotonic(), False
        try:
            while True:
                # Also at first: what was freed before the waiter joined the queue did not wake it.
                ahead = queue.waiters_ahead(waiter.rank, clock.monotonic())
                result: Admitted | NoDeployment | None = None
                if not waiter.needs <= ahead.deployments:
                    result = await context.admission.admit(self._request, ahead.deployments)
                if isinstance(result, Admitted):
                    served = True
                    return result
                await waiter.sleep(self.pause(waiter, result, ahead), clock.sleep)
        finally:
            queue.leave(waiter)
            seconds = clock.monotonic() - began
            context.services.tell(Queued(context.record, waiter.alias, seconds, position, waiter.priority, served))

    def pause(self, waiter: Waiter, result: NoDeployment | None, ahead: WaitersAhead) -> float:
        """Return the seconds until it is worth looking again. Raise `APIError` where waiting does not help."""
        services = self._context.services
        now, left = services.store.now(), waiter.deadline - services.clock.monotonic()
        if result is not None and not result.is_limited:
            left = min(left, _LONGEST_OUTAGE_WAIT)
        own = _ready_moment(result)
        waiter.expect(_earliest(own, _blocking(waiter, ahead)))
        if left <= 0 or _is_hopeless(waiter, result, now, left) or self._has_backup():
            raise self.refusal(result, ahead, waiter)
        return min(left, _poll(own, now, is_shared=services.store.state.where == "shared"))

    def refusal(self, result: NoDeployment | None, ahead: WaitersAhead, waiter: Waiter) -> APIError:
        """Return the error that names every deployment that could not take the call, and when a retry makes sense."""
        now = self._context.services.store.now()
        result = result or NoDeployment((), None, is_limited=True)
        contested = waiter.needs & ahead.deployments
        others = tuple(Skipped(deployment, "others wait for it") for deployment in sorted(contested))
        reasons = NoDeployment(
            (*result.skipped, *others),
            ready=_retry_moment(result, waiter, now, is_contested=bool(contested)),
            is_limited=result.is_limited or (bool(contested) and not result.skipped),
            error=None if contested else result.error,
        )
        return no_deployment_error(waiter.alias, reasons, now)


def _retry_moment(result: NoDeployment, waiter: Waiter, now: float, *, is_contested: bool) -> float | None:
    """Return when a refused call may be sent again, in the store's time. None: time alone does not help."""
    moments = [moment for moment in (result.ready, waiter.ready) if moment is not None and moment > -math.inf]
    if moments:
        return max(now, min(moments))
    return now + _LOCAL_POLL if is_contested or result.frees else None


def _is_hopeless(waiter: Waiter, result: NoDeployment | None, now: float, left: float) -> bool:
    if result is not None and result.is_unavailable:  # for how long is not known
        return True
    return waiter.ready is None or waiter.ready - now >= left


def _ready_moment(result: NoDeployment | None) -> float | None:
    """Return when a deployment may be ready, in the store's time: negative infinity where that may be at any moment."""
    if result is None:
        return None
    return -math.inf if result.frees else result.ready


def _blocking(waiter: Waiter, ahead: WaitersAhead) -> list[float]:
    """Return when the waiters ahead for the same deployments expect to be served."""
    return [item.ready for item in ahead.waiters if item.ready is not None and not item.needs.isdisjoint(waiter.needs)]


def _earliest(own: float | None, others: list[float]) -> float | None:
    return min((*others, own) if own is not None else others, default=None)


def _poll(ready: float | None, now: float, *, is_shared: bool) -> float:
    """Return the seconds until the next look, whether or not a slot is freed before."""
    if ready == -math.inf:
        return _SHARED_POLL if is_shared else _LOCAL_POLL
    wait = _LOCAL_POLL if ready is None else max(_LEAST_TIME, ready - now)
    return min(wait, _LOCAL_POLL) if is_shared else wait
