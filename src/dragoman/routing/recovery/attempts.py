"""Attempts: one request to one deployment, and what is recorded, reported and learned from it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from dragoman.dialects.codec import Payload, ReplyStyle
from dragoman.errors import APIError, DragomanError
from dragoman.observe import AttemptEnded, CallFailed, CallSucceeded
from dragoman.routing.admission.admission import Admitted
from dragoman.routing.admission.limits import Renewal, actual_usage
from dragoman.routing.admission.queue import WaitQueue
from dragoman.routing.attempt.attempt import attempt
from dragoman.routing.attempt.invalid_answer import invalid_answer
from dragoman.routing.attempt.request import AttemptRequest
from dragoman.routing.attempt.stream import StreamOutcome
from dragoman.routing.call import Answer, Call, StreamAnswer
from dragoman.routing.deployments.deployment import Deployment
from dragoman.routing.health.outage import Fault, TimeLimits, fault_of, timed_out_early
from dragoman.routing.recovery.partial_answer import PartialAnswer
from dragoman.routing.request import GroupRequest, affects_health
from dragoman.routing.services import RouterServices
from dragoman.routing.settings.options import merge_options, without_home_credentials
from dragoman.routing.settings.router_settings import RouterSettings
from dragoman.types.call_record import Attempt, CallRecord
from dragoman.types.operations import Operation
from dragoman.types.usage import TokenUsage

__all__ = ["CallAttempts", "PendingAttempt", "Send"]

Send: TypeAlias = Callable[[AttemptRequest, StreamOutcome], Awaitable[Answer | StreamAnswer]]
"""Asks one deployment once. Raises `APIError`."""

_LEAST_TIME = 0.001


@dataclass(slots=True, eq=False)
class PendingAttempt:
    """One attempt under way."""

    admitted: Admitted
    request: GroupRequest
    started: float
    """Monotonic seconds."""
    on_abandoned: Callable[[PendingAttempt, Attempt, TokenUsage | None], None] | None = None
    """Called when it ended after it was abandoned."""
    outcome: StreamOutcome = field(default_factory=StreamOutcome)
    limits: TimeLimits = ()
    answer: Answer | StreamAnswer | None = None
    abandoned_because: str = ""
    """Why its answer is not wanted any more; it becomes the error of the attempt."""

    @property
    def deployment(self) -> Deployment:
        return self.admitted.choice.member.deployment

    def abandon(self, reason: str) -> None:
        self.abandoned_because = reason


@dataclass(slots=True, kw_only=True)
class CallAttempts:
    """All attempts of one call go through here, whatever asks for them."""

    call: Call
    record: CallRecord
    settings: RouterSettings
    services: RouterServices
    queue: WaitQueue
    resumable: bool = False
    """A stream that breaks off may be resumed elsewhere: whoever reads it tells how the call ended."""
    send: Send = attempt
    _renewals: dict[str, Renewal] = field(default_factory=dict)
    """By lease, of the attempts under way."""
    _partial: PartialAnswer | None = None
    """What deployments wrote whose streams broke off."""

    def resume_after(self, partial: PartialAnswer | None) -> PartialAnswer | None:
        """Let the next answer go on where `partial` ends; return what it went on from before."""
        previous, self._partial = self._partial, partial
        return previous

    async def ask(self, admitted: Admitted, request: GroupRequest, seconds_left: float) -> Answer | StreamAnswer:
        """Return the answer of one deployment. Its slot is free again when the answer, or its stream, has ended.

        Raise `APIError`."""
        pending = self.start(admitted, request)
        await self.run(pending, seconds_left)
        return self.accept(pending)

    def start(
        self,
        admitted: Admitted,
        request: GroupRequest,
        on_abandoned: Callable[[PendingAttempt, Attempt, TokenUsage | None], None] | None = None,
    ) -> PendingAttempt:
        """Count the deployment as in flight. What was started must be run."""
        store, member = self.services.store, admitted.choice.member
        if admitted.lease:
            self._renewals[admitted.lease] = Renewal(store, admitted.lease)
        if member.key:
            store.began(member.key)
        return PendingAttempt(admitted, request, self.services.clock.monotonic(), on_abandoned)

    async def run(self, pending: PendingAttempt, seconds_left: float) -> None:
        """Await the answer; it must be accepted or discarded then. Raise `APIError`, or what else went wrong, once recorded."""
        deployment = pending.deployment
        try:
            pending.limits = self._limits(deployment, pending.request, seconds_left)
            pending.answer = await self.send(self.request(deployment, pending.request, seconds_left), pending.outcome)
            if self.call.write is not None:
                _write(pending.answer, self.call.write)
        except BaseException as error:
            self._fail(pending, error)
            raise
        if pending.abandoned_because:  # it came although it was cancelled
            await self.discard(pending)

    def accept(self, pending: PendingAttempt) -> Answer | StreamAnswer:
        """Make what has arrived the answer of the call."""
        answer, admitted, request = pending.answer, pending.admitted, pending.request
        assert answer is not None
        member, record = admitted.choice.member, self.record
        seconds = self._record(pending, None).milliseconds / 1000
        if affects_health(request):
            self.services.health.record_success(member, admitted.probing)
        if request.affinity is not None and member.key:
            request.affinity.answered(request, member.deployment)
        answer.record = record
        dropped = answer.dropped + self.call.dropped if self.call.dropped else answer.dropped
        record.begin_answer(answer.provider, answer.model, dropped, answer.headers)
        if isinstance(answer, StreamAnswer):
            answer.own_pricing, answer.own_usage = answer.pricing, pending.outcome.own
            if self._partial is not None:
                self._partial.join(answer, pending.outcome)
            pending.outcome.attach(answer, self._end_of_stream(answer, pending, seconds))
        else:
            self._release(admitted, answer.usage, seconds)
            self._succeed(answer)
        return answer

    async def discard(self, pending: PendingAttempt) -> None:
        """Close what has arrived; `abandoned_because` says why."""
        answer, pending.answer = pending.answer, None
        self._fail(pending, asyncio.CancelledError(), None if answer is None else answer.usage)
        if isinstance(answer, StreamAnswer):
            await answer.aclose()

    def fail(self, error: BaseException) -> None:
        """Record and tell that no answer has begun."""
        self.record.fail(type(error).__name__)
        self._tell_failed()

    def break_off(self, answer: StreamAnswer, error: BaseException) -> None:
        """Record and tell that a stream ended badly after its first content."""
        left = isinstance(error, GeneratorExit)
        made = None if fault_of(error) is Fault.REQUEST else self.record.answering
        self.record.settle(answer.usage, answer.cost)
        self.record.fail("Left" if left else type(error).__name__, made.deployment if made else "")
        self._tell_failed()

    def revoke_success(self, error: APIError) -> Attempt:
        """Record that the attempt whose stream had begun well has failed after all, and return it."""
        attempts = self.record.attempts
        position = next(at for at in reversed(range(len(attempts))) if attempts[at].error is None)
        failed = replace(attempts[position], error=type(error).__name__, status=error.status_code)
        self.record.replace_attempt(position, failed)
        return failed

    def request(self, deployment: Deployment, request: GroupRequest, seconds_left: float) -> AttemptRequest:
        """Build the request to a deployment."""
        options, left_out = request.options, request.left_out
        if deployment.provider.name != request.home_provider:
            options, left_out = without_home_credentials(options)
        left, own_limit = max(seconds_left, _LEAST_TIME), deployment.options.timeout
        call = self.call
        return AttemptRequest(
            operation=call.operation,
            deployment=deployment,
            hub_request=_with_params(call.operation, request.request, deployment),
            stream=call.stream,
            options=merge_options(options, deployment.options),
            settings=self.settings,
            clock=self.services.clock,
            transport=self.services.transport,
            seconds_left=min(left, own_limit) if own_limit is not None else left,
            request_id=call.request_id,
            reply_style=call.reply_style or ReplyStyle(model=call.model),
            source=call.source if request.request is call.request and not self.resumable else None,
            left_out=left_out,
        )

    def _fail(self, pending: PendingAttempt, error: BaseException, usage: TokenUsage | None = None) -> None:
        self._release(pending.admitted, usage, error=error)
        if isinstance(error, DragomanError):
            _name_deployment(error, pending.deployment)
        own_fault = self._learn(pending, error)
        made = self._record(pending, error, own_fault=own_fault)
        if pending.on_abandoned is not None and pending.abandoned_because and not isinstance(error, APIError):
            pending.on_abandoned(pending, made, usage)

    def _learn(self, pending: PendingAttempt, error: BaseException) -> bool:
        """Tell the health of the failure; return whether it is the deployment's own fault."""
        health, admitted = self.services.health, pending.admitted
        seconds = self.services.clock.monotonic() - pending.started
        if not affects_health(pending.request) or timed_out_early(error, seconds, pending.limits):
            health.release_probes(admitted.probing)
            return False
        health.record_failure(admitted.choice.member, error, admitted.probing)
        return fault_of(error) is not Fault.REQUEST

    def _limits(self, deployment: Deployment, request: GroupRequest, seconds_left: float) -> TimeLimits:
        """Return how long the attempt may take now, and how long it may take usually."""
        usual = deployment.options.timeout or self.settings.timeout
        limits = [(min(seconds_left, usual), usual)]
        if self.call.stream:
            usual = deployment.options.stream_timeout or self.settings.stream_timeout
            limits.append((min(request.options.stream_timeout or usual, seconds_left), usual))
        return limits

    def _release(
        self,
        admitted: Admitted,
        usage: TokenUsage | None,
        seconds: float | None = None,
        first_content: float | None = None,
        error: BaseException | None = None,
    ) -> None:
        """End the flight and settle its limits; `seconds` where they say how fast the deployment is."""
        member, store = admitted.choice.member, self.services.store
        if not member.key:
            return
        store.ended(member.key)
        if admitted.lease:
            if (renewal := self._renewals.pop(admitted.lease, None)) is not None:
                renewal.stop()
            store.settle(admitted.lease, actual_usage(member, usage, error))
        self.queue.released(member.deployment.id)
        if seconds is not None:
            tokens = usage.get("completion_tokens") if usage else None
            first = None if first_content is None else first_content * 1000
            store.observe(member.key, seconds * 1000, first, tokens)

    def _end_of_stream(
        self, answer: StreamAnswer, pending: PendingAttempt, first_content: float
    ) -> Callable[[BaseException | None], None]:
        admitted = pending.admitted

        def end(error: BaseException | None) -> None:
            if error is None:
                seconds = self.services.clock.monotonic() - pending.started
                self._release(admitted, answer.own_usage, seconds, first_content)
                self._succeed(answer)
                return
            self._release(admitted, answer.own_usage)
            if isinstance(error, DragomanError):
                _name_deployment(error, pending.deployment)
                error.attempts = tuple(self.record.attempts)
                pending.admitted = admitted._replace(probing=())
                self._learn(pending, error)
            if not (self.resumable and isinstance(error, APIError)):
                self.break_off(answer, error)

        return end

    def _record(self, pending: PendingAttempt, error: BaseException | None, *, own_fault: bool = False) -> Attempt:
        """Record and tell that the attempt has ended, or its stream has begun."""
        clock, choice, deployment = self.services.clock, pending.admitted.choice, pending.deployment
        seconds = clock.monotonic() - pending.started
        made = Attempt(
            deployment=deployment.id,
            provider=deployment.provider.name,
            model=deployment.model,
            milliseconds=seconds * 1000,
            error=None if error is None else _error_name(pending, error),
            status=error.status_code if isinstance(error, DragomanError) else None,
            alias=deployment.alias,
            why=choice.why,
            passed_over=choice.skipped,
            started_at=clock.time() - seconds,
            code=str(error.code or "") if isinstance(error, DragomanError) else "",
            own_fault=own_fault,
        )
        self.record.add_attempt(made)
        if self.services.listeners:
            self.services.tell(AttemptEnded(self.record, made))
        return made

    def _succeed(self, answer: Answer | StreamAnswer) -> None:
        self.record.settle(answer.usage, answer.cost)
        if self.services.listeners:
            self.services.tell(CallSucceeded(self.record))

    def _tell_failed(self) -> None:
        if self.services.listeners:
            self.services.tell(CallFailed(self.record))


def _error_name(pending: PendingAttempt, error: BaseException) -> str:
    abandoned = pending.abandoned_because
    return abandoned if abandoned and not isinstance(error, DragomanError) else type(error).__name__


def _with_params(operation: Operation, request: Any, deployment: Deployment) -> Any:
    """Return the request with the deployment's parameters under the caller's own."""
    params = deployment.params
    if not params or not operation.takes_params:
        return request
    limits = operation.output_limits
    if any(name in request for name in limits):
        params = {name: value for name, value in params.items() if name not in limits}
    return {**params, **request}


def _write(answer: Answer | StreamAnswer, write: Callable[[Any], Payload]) -> None:
    if isinstance(answer, Answer) and answer.native is None:
        try:
            answer.written = write(answer.response)
        except Exception as error:
            raise invalid_answer(error) from None


def _name_deployment(error: DragomanError, deployment: Deployment) -> None:
    """Say in the error which deployment failed, once."""
    error.provider = error.provider or deployment.provider.name
    error.model = error.model or deployment.model
    alias = deployment.alias
    label = alias if alias.startswith(f"{deployment.provider.name}/") else f"{alias} ({deployment.provider.name})"
    if not error.message.startswith(label):
        error.message = f"{label}: {error.message}"
        error.args = (error.message,)
