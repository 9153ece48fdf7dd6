"""Asking one deployment once, and what is learned, noted and told of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from dragoman.dialects._dialect import CallerContext
from dragoman.errors import APIError, DragomanError
from dragoman.observe import Answered, Failed, Listener, Tried, tell
from dragoman.routing.admission.admission import Admitted
from dragoman.routing.admission.limits import Renewal, spent
from dragoman.routing.admission.queue import Line
from dragoman.routing.attempt.attempt import attempt
from dragoman.routing.attempt.request import Job
from dragoman.routing.attempt.stream import Ending
from dragoman.routing.call import Answer, Attempt, Call, StreamAnswer, the_answering
from dragoman.routing.clock import Clock
from dragoman.routing.deployments.deployment import Deployment
from dragoman.routing.health.health import Health
from dragoman.routing.health.outage import Fault, TimeLimits, cut_short, fault_of
from dragoman.routing.recovery.hedge import HEDGED, tell_hedged
from dragoman.routing.recovery.partial_answer import Half
from dragoman.routing.request import Asked, teaches
from dragoman.routing.settings.options import away_from_home, merge_options
from dragoman.routing.settings.router_settings import RouterSettings
from dragoman.stores import Store
from dragoman.transport import Transport
from dragoman.types.usage import Usage

__all__ = ["Asking", "Attempting", "Trial"]

Attempting: TypeAlias = Callable[[Job, Ending], Awaitable[Answer | StreamAnswer]]
"""Asks one deployment once. Raises `APIError`."""

_LEAST_TIME = 0.001
_MAX_TOKENS = ("max_tokens", "max_completion_tokens")


@dataclass(slots=True, eq=False)
class Asking:
    """One deployment that is being asked."""

    admitted: Admitted
    asked: Asked
    started: float
    """Monotonic seconds."""
    ending: Ending = field(default_factory=Ending)
    limits: TimeLimits = ()
    answer: Answer | StreamAnswer | None = None
    """What has arrived."""
    own_fault: bool = False
    """It failed by a fault of its own."""
    left: str = ""
    """Why nobody wants its answer any more; it is the error of the attempt."""


@dataclass(slots=True, kw_only=True)
class Trial:
    """Of one call: every attempt of it goes through here, whatever asks for it."""

    call: Call
    settings: RouterSettings
    clock: Clock
    transport: Callable[[], Transport]
    listeners: Sequence[Listener]
    store: Store
    health: Health
    alias: str = ""
    """The model group that is asked for."""
    fallback: str = ""
    """The one that is asked in its place."""
    attempts: list[Attempt] = field(default_factory=list)
    renewals: dict[str, Renewal] = field(default_factory=dict)
    """By lease, of what is under way."""
    continues: bool = False
    """Whoever reads the stream may go on elsewhere where it breaks off, or else tells that it has."""
    earlier: Half | None = None
    """What has been written by deployments that broke off."""
    line: Line = field(default_factory=Line)
    """Those who wait for a deployment."""
    send: Attempting = attempt
    """How a deployment is asked once."""

    async def ask(self, admitted: Admitted, asked: Asked, seconds_left: float) -> Answer | StreamAnswer:
        """Raises `APIError`. The deployment's slot is free again when the answer, or its stream, has ended."""
        asking = self.start(admitted, asked)
        await self.arrive(asking, seconds_left)
        return self.take(asking)

    def start(self, admitted: Admitted, asked: Asked) -> Asking:
        """It is in flight from now on. What is started must arrive."""
        if admitted.lease:
            self.renewals[admitted.lease] = Renewal(self.store, admitted.lease)
        if admitted.choice.member.key:
            self.store.began(admitted.choice.member.key)
        return Asking(admitted, asked, self.clock.monotonic())

    async def arrive(self, asking: Asking, seconds_left: float) -> None:
        """Raises `APIError`, or what else went wrong, which is noted. What has arrived is taken or dropped."""
        deployment = asking.admitted.choice.member.deployment
        try:
            asking.limits = self._limits(deployment, asking.asked, seconds_left)
            asking.answer = await self.send(self.job(deployment, asking.asked, seconds_left), asking.ending)
        except BaseException as error:
            self._failed(asking, error)
            raise
        if asking.left:  # it came although it was cancelled
            await self.drop(asking)

    def take(self, asking: Asking) -> Answer | StreamAnswer:
        """What has arrived is the call's answer."""
        answer, admitted, asked = asking.answer, asking.admitted, asking.asked
        assert answer is not None
        member = admitted.choice.member
        seconds = self._note(asking, None)
        if teaches(asked):
            self.health.succeeded(member, admitted.probing)
        if asked.affinity is not None and member.key:
            asked.affinity.answered(asked, member.deployment)
        answer.attempts, answer.fallback = tuple(self.attempts), self.fallback
        if isinstance(answer, StreamAnswer):
            answer.own_pricing, answer.own_usage = answer.pricing, asking.ending.own
            if self.earlier is not None:
                self.earlier.join(answer, asking.ending)
            asking.ending.belongs_to(answer, self._end_of_stream(answer, asking, seconds))
        else:
            self._over(admitted, answer.usage, seconds)
            self._tell_answered(answer)
        return answer

    async def drop(self, asking: Asking) -> None:
        """What has arrived is not wanted any more: `asking.left` says why."""
        answer, asking.answer = asking.answer, None
        self._failed(asking, asyncio.CancelledError(), None if answer is None else answer.usage)
        if isinstance(answer, StreamAnswer):
            await answer.aclose()

    def _failed(self, asking: Asking, error: BaseException, usage: Usage | None = None) -> None:
        member = asking.admitted.choice.member
        self._over(asking.admitted, usage, error=error)
        if isinstance(error, DragomanError):
            _name(error, member.deployment)
        self._learn(asking, error)
        seconds = self._note(asking, error)
        if asking.left == HEDGED and not isinstance(error, APIError):
            tell_hedged(self, asking, seconds, usage)

    def _learn(self, asking: Asking, error: BaseException) -> None:
        took = self.clock.monotonic() - asking.started
        if not teaches(asking.asked) or cut_short(error, took, asking.limits):
            self.health.give_back(asking.admitted.probing)
        else:
            asking.own_fault = fault_of(error) is not Fault.NOBODY
            self.health.failed(asking.admitted.choice.member, error, asking.admitted.probing)

    def _limits(self, deployment: Deployment, asked: Asked, seconds_left: float) -> TimeLimits:
        """How long it is given in this attempt, and how long otherwise."""
        usual = deployment.options.timeout or self.settings.timeout
        limits = [(min(seconds_left, usual), usual)]
        if self.call.stream:
            usual = deployment.options.stream_timeout or self.settings.stream_timeout
            limits.append((min(asked.options.stream_timeout or usual, seconds_left), usual))
        return limits

    def _over(
        self,
        admitted: Admitted,
        usage: Usage | None,
        seconds: float | None = None,
        first_content: float | None = None,
        error: BaseException | None = None,
    ) -> None:
        """It is no longer in flight, and took so much of its limits; `seconds` where it says how fast the deployment is."""
        member = admitted.choice.member
        if not member.key:
            return
        self.store.ended(member.key)
        if admitted.lease:
            if (renewal := self.renewals.pop(admitted.lease, None)) is not None:
                renewal.stop()
            self.store.settle(admitted.lease, spent(member, usage, error))
        self.line.released(member.deployment.id)
        if seconds is not None:
            tokens = usage.get("completion_tokens") if usage else None
            first = None if first_content is None else first_content * 1000
            self.store.observe(member.key, seconds * 1000, first, tokens)

    def _end_of_stream(
        self, answer: StreamAnswer, asking: Asking, first_content: float
    ) -> Callable[[BaseException | None], None]:
        admitted = asking.admitted

        def ended(error: BaseException | None) -> None:
            if error is None:
                self._over(admitted, answer.own_usage, self.clock.monotonic() - asking.started, first_content)
                self._tell_answered(answer)
                return
            self._over(admitted, answer.own_usage)
            if isinstance(error, DragomanError):
                _name(error, admitted.choice.member.deployment)
                error.attempts = answer.attempts
                asking.admitted = admitted._replace(probing=())
                self._learn(asking, error)
            if not (self.continues and isinstance(error, APIError)):
                self.tell_broken_off(answer, error)

        return ended

    def broke_off(self, answer: StreamAnswer, error: APIError) -> None:
        """Somebody goes on: the attempt that had begun well has failed after all."""
        last = next(at for at in reversed(range(len(self.attempts))) if self.attempts[at].error is None)
        self.attempts[last] = replace(self.attempts[last], error=type(error).__name__, status=error.status_code)
        answer.attempts = tuple(self.attempts)

    def job(self, deployment: Deployment, asked: Asked, seconds_left: float) -> Job:
        """What a deployment is asked."""
        options, left_out = asked.options, asked.left_out
        if deployment.provider.name != asked.home:
            options, left_out = away_from_home(options)
        options = merge_options(options, deployment.options)
        left = max(seconds_left, _LEAST_TIME)
        own_limit = deployment.options.timeout
        call = self.call
        return Job(
            operation=call.operation,
            deployment=deployment,
            request=_merged(call.operation, asked.request, deployment),
            stream=call.stream,
            options=options,
            settings=self.settings,
            clock=self.clock,
            transport=self.transport,
            seconds_left=min(left, own_limit) if own_limit is not None else left,
            request_id=call.request_id,
            caller=call.caller or CallerContext(model=call.model),
            source=call.source if asked.request is call.request and not self.continues else None,
            left_out=left_out,
        )

    def _note(self, asking: Asking, error: BaseException | None) -> float:
        """The attempt has ended, or its stream has begun. Gives the seconds that it took."""
        seconds = self.clock.monotonic() - asking.started
        choice = asking.admitted.choice
        deployment = choice.member.deployment
        made = Attempt(
            deployment=deployment.id,
            provider=deployment.provider.name,
            model=deployment.model,
            milliseconds=seconds * 1000,
            error=None if error is None else _error_name(asking, error),
            status=error.status_code if isinstance(error, DragomanError) else None,
            alias=deployment.alias,
            why=choice.why,
            passed_over=choice.passed_over,
        )
        self.attempts.append(made)
        if self.listeners:
            told = (made.deployment, made.provider, made.model, made.milliseconds, made.error)
            more = (made.alias, made.status, made.why, made.passed_over)
            code = str(error.code or "") if isinstance(error, DragomanError) else ""
            tell(self.listeners, Tried(self.call.request_id, *told, *more, asking.own_fault, code))
        return seconds

    def _tell_answered(self, answer: Answer | StreamAnswer) -> None:
        if self.listeners:
            who = (answer.provider, answer.model, len(answer.attempts), answer.usage, answer.cost)
            made = the_answering(answer.attempts)
            where = ("" if made is None else made.deployment, self.alias, answer.fallback)
            tell(self.listeners, Answered(self.call.request_id, *who, *where, *_what(self.call)))

    def tell_failed(self, error: BaseException) -> None:
        """No answer has begun."""
        if self.listeners:
            called, operation, stream = _what(self.call)
            what = Failed(
                self.call.request_id,
                len(self.attempts),
                type(error).__name__,
                alias=self.alias,
                called=called,
                operation=operation,
                stream=stream,
            )
            tell(self.listeners, what)

    def tell_broken_off(self, answer: StreamAnswer, error: BaseException) -> None:
        if self.listeners:
            name = "Left" if isinstance(error, GeneratorExit) else type(error).__name__
            made = None if fault_of(error) is Fault.NOBODY else the_answering(answer.attempts)
            who = (
                answer.provider,
                answer.model,
                answer.usage,
                answer.cost,
                self.alias,
                made.deployment if made else "",
            )
            tell(self.listeners, Failed(self.call.request_id, len(answer.attempts), name, *who, *_what(self.call)))


def _what(call: Call) -> tuple[str, str, bool]:
    return call.model, call.operation, call.stream


def _error_name(asking: Asking, error: BaseException) -> str:
    return asking.left if asking.left and not isinstance(error, DragomanError) else type(error).__name__


def _merged(operation: str, request: Any, deployment: Deployment) -> Any:
    """The deployment's parameters under the caller's own."""
    params = deployment.params
    if not params or operation == "count_tokens":
        return request
    if any(name in request for name in _MAX_TOKENS):
        params = {name: value for name, value in params.items() if name not in _MAX_TOKENS}
    return {**params, **request}


def _name(error: DragomanError, deployment: Deployment) -> None:
    """Say in the error which deployment failed, once."""
    error.provider = error.provider or deployment.provider.name
    error.model = error.model or deployment.model
    alias = deployment.alias
    label = alias if alias.startswith(f"{deployment.provider.name}/") else f"{alias} ({deployment.provider.name})"
    if not error.message.startswith(label):
        error.message = f"{label}: {error.message}"
        error.args = (error.message,)
