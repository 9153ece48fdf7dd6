"""From a call to its dispatch: the plan says what is asked of whom, the services how."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

from dragoman.routing.admission.admission import Admission
from dragoman.routing.admission.queue import WaitQueue
from dragoman.routing.admission.waiting import AdmissionContext
from dragoman.routing.attempt.attempt import attempt
from dragoman.routing.call import Answer, Call, StreamAnswer
from dragoman.routing.plan import CallFallbacks, RoutingPlan
from dragoman.routing.recovery.attempts import CallAttempts, Send
from dragoman.routing.recovery.dispatch import Dispatch
from dragoman.routing.recovery.hedge import Hedger
from dragoman.routing.recovery.mirror import ask_once
from dragoman.routing.recovery.resume import can_resume, resume_on_break
from dragoman.routing.recovery.retry_loop import RetryLoop
from dragoman.routing.services import RouterServices
from dragoman.types.call_record import CallRecord

__all__ = ["Dispatcher", "begin_record"]


def begin_record(call: Call, now: Callable[[], float]) -> CallRecord:
    """Give a call a new record, and an id where it has none. `now` returns Unix seconds."""
    if not call.request_id:
        call.request_id = f"req_{secrets.token_hex(12)}"
    record = call.record = CallRecord(
        request_id=call.request_id,
        operation=call.operation.name,
        model=call.model,
        stream=call.stream,
        started_at=now(),
    )
    return record


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatcher:
    """The innermost `Answerer`, under one plan."""

    plan: RoutingPlan
    services: RouterServices
    queue: WaitQueue
    on_fallback: Callable[[str], None]
    """Called with the alias when one of its calls goes to a fallback."""
    send: Send = attempt
    """Asks one deployment once."""

    async def __call__(self, call: Call) -> Answer | StreamAnswer:
        dispatch = self.begin(call, self.admission(call))
        return resume_on_break(await dispatch.answer(), dispatch)

    async def answer_once(self, call: Call, model: str, seconds: float) -> Answer | StreamAnswer:
        """Make one attempt at another model, without the caller's key, and tell no listener of it. Raise `APIError`."""
        record = begin_record(call, self.services.clock.time)
        attempts = CallAttempts(
            call=call,
            record=record,
            settings=self.plan.settings,
            services=replace(self.services, listeners=()),
            queue=self.queue,
            send=self.send,
        )
        return await ask_once(self.plan.fallback(call, model, ""), attempts, self.admission(call), seconds)

    def begin(self, call: Call, admission: Admission) -> Dispatch:
        """Resolve a call that has its record. Raise `DragomanError` for a model or a fallback that does not exist."""
        plan, services, record = self.plan, self.services, call.record
        assert record is not None
        plan.check_fallbacks(call.options.fallbacks)
        request = plan.resolve(call)
        record.resolve(request.group.alias, request.route)
        options, num_retries = plan.retry_options(request)
        attempts = CallAttempts(
            call=call,
            record=record,
            settings=plan.settings,
            services=services,
            queue=self.queue,
            resumable=can_resume(request, plan.settings),
            send=self.send,
        )
        deadline = services.clock.monotonic() + (options.timeout or plan.settings.timeout)
        context = AdmissionContext(
            record=record,
            settings=plan.settings,
            services=services,
            admission=admission,
            queue=self.queue,
            deadline=deadline,
        )
        hedger = Hedger(attempts=attempts, admission=admission, deadline=deadline)
        return Dispatch(
            request=request,
            options=options,
            attempts=attempts,
            retries=RetryLoop(attempts=attempts, context=context, hedger=hedger, retries_left=num_retries),
            fallbacks=CallFallbacks(plan, call, request.home_provider, services.outages),
            on_fallback=self.on_fallback,
        )

    def admission(self, call: Call) -> Admission:
        return Admission(self.services.store, self.services.health, call.request_id)
