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
    """Return a deployment that can be asked, now or when it is the call's turn.

    Raise `APIError` for a call that cannot be served in time, or for which a fallback is available."""
    found = await admit_or_enqueue(request, context, has_backup, context.queue.join)
    return found if isinstance(found, Admitted) else await found.call.wait(found.waiter, found.position)


async def admit_or_enqueue(
    request: GroupRequest, context: AdmissionContext, has_backup: Callable[[], bool], enqueue: Enqueue
) -> Admitted | QueuePosition:
    """Return a deployment that can be asked now, or the call's place in the queue. `enqueue` is the queue's `join`, or its
    `position` to look only. Raise as `wait_for_admission`."""
    settings, clock, queue = context.settings, context.services.clock, context.queue
    policy = settings.queue.of(request.group.alias)
    given = request.options.metadata.get("priority")
    priority = given if type(given) is int else policy.default_priority
    ahead = queue.waiters_ahead((priority, math.inf), clock.monotonic())
    found = await context.admission.admit(request, ahead.deployments)
    if isinstance(found, Admitted):
        return found
    call = QueuedCall(request, context, has_backup)
    limit = policy.timeout if policy.timeout is not None else settings.longest_wait
    until = min(context.deadline, clock.monotonic() + limit)
    waiter = Waiter(request.group.alias, priority, request.group.eligible_ids(request), until)
    call.pause(waiter, found, ahead)
    position = enqueue(waiter, policy.max_size, clock.monotonic())
    if position is None:
        raise call.refusal(found, ahead, waiter)
    return QueuePosition(call, waiter, position)


class QueuedCall:
    """One call that waits for one model group."""

    def __init__(self, request: GroupRequest, context: AdmissionContext, has_backup: Callable[[], bool]) -> None:
        self._request = request
        self._context = context
        self._has_backup = has_backup

    async def wait(self, waiter: Waiter, position: int) -> Admitted:
        context = self._context
        clock, queue = context.services.clock, context.queue
        began, served = clock.monotonic(), False
        try:
            while True:
                # Also at first: what was freed before the waiter joined the queue did not wake it.
                ahead = queue.waiters_ahead(waiter.rank, clock.monotonic())
                found: Admitted | NoDeployment | None = None
                if not waiter.needs <= ahead.deployments:
                    found = await context.admission.admit(self._request, ahead.deployments)
                if isinstance(found, Admitted):
                    served = True
                    return found
                await waiter.sleep(self.pause(waiter, found, ahead), clock.sleep)
        finally:
            queue.leave(waiter)
            seconds = clock.monotonic() - began
            context.services.tell(Queued(context.record, waiter.alias, seconds, position, waiter.priority, served))

    def pause(self, waiter: Waiter, found: NoDeployment | None, ahead: WaitersAhead) -> float:
        """Return the seconds until it is worth looking again. Raise `APIError` where waiting does not help."""
        services = self._context.services
        now, left = services.store.now(), waiter.deadline - services.clock.monotonic()
        if found is not None and not found.is_limited:
            left = min(left, _LONGEST_OUTAGE_WAIT)
        own = _ready_moment(found)
        waiter.expect(_earliest(own, _blocking(waiter, ahead)))
        if left <= 0 or _is_hopeless(waiter, found, now, left) or self._has_backup():
            raise self.refusal(found, ahead, waiter)
        return min(left, _poll(own, now, is_shared=services.store.state.where == "shared"))

    def refusal(self, found: NoDeployment | None, ahead: WaitersAhead, waiter: Waiter) -> APIError:
        """Return the error that names every deployment that could not be asked, and when a retry makes sense."""
        now = self._context.services.store.now()
        found = found or NoDeployment((), None, is_limited=True)
        taken = waiter.needs & ahead.deployments
        others = tuple(Skipped(deployment, "others wait for it") for deployment in sorted(taken))
        moments = [moment for moment in (found.ready, waiter.ready) if moment is not None and moment > -math.inf]
        ready = max(now, min(moments)) if moments else now + _LOCAL_POLL if taken or found.frees else None
        limited = found.is_limited or (bool(taken) and not found.skipped)
        nobody = NoDeployment((*found.skipped, *others), ready, limited, None if taken else found.error)
        return no_deployment_error(waiter.alias, nobody, now)


def _is_hopeless(waiter: Waiter, found: NoDeployment | None, now: float, left: float) -> bool:
    if found is not None and found.is_unavailable:  # nobody knows for how long
        return True
    return waiter.ready is None or waiter.ready - now >= left


def _ready_moment(found: NoDeployment | None) -> float | None:
    """Return when a deployment may be ready, in the store's time: negative infinity where that may be at any moment."""
    if found is None:
        return None
    return -math.inf if found.frees else found.ready


def _blocking(waiter: Waiter, ahead: WaitersAhead) -> list[float]:
    """Return when the waiters ahead for the same deployments expect to be served."""
    return [it.ready for it in ahead.waiters if it.ready is not None and not it.needs.isdisjoint(waiter.needs)]


def _earliest(own: float | None, others: list[float]) -> float | None:
    return min((*others, own) if own is not None else others, default=None)


def _poll(ready: float | None, now: float, *, is_shared: bool) -> float:
    """Return the seconds until the next look, whoever frees a slot."""
    if ready == -math.inf:
        return _SHARED_POLL if is_shared else _LOCAL_POLL
    wait = _LOCAL_POLL if ready is None else max(_LEAST_TIME, ready - now)
    return min(wait, _LOCAL_POLL) if is_shared else wait
