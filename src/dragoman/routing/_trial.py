"""Asking one deployment once, and what is learned, noted and told of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from dragoman.dialects._dialect import CallerContext
from dragoman.errors import DragomanError
from dragoman.observe import Answered, Failed, Listener, Tried, tell
from dragoman.routing._asked import Asked
from dragoman.routing._attempt import attempt
from dragoman.routing._call import Answer, Attempt, Call, StreamAnswer
from dragoman.routing._clock import Clock
from dragoman.routing._deployment import Deployment
from dragoman.routing._health import Health
from dragoman.routing._job import Job
from dragoman.routing._limits import Renewal, spent
from dragoman.routing._options import away_from_home, merge_options
from dragoman.routing._outage import TimeLimits, cut_short
from dragoman.routing._seek import Admitted, teaches
from dragoman.routing._settings import RouterSettings
from dragoman.routing._stream import Ending
from dragoman.stores import Store
from dragoman.transport import Transport
from dragoman.types.usage import Usage

__all__ = ["Trial"]

_LEAST_TIME = 0.001
_MAX_TOKENS = ("max_tokens", "max_completion_tokens")


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

    async def ask(self, admitted: Admitted, asked: Asked, seconds_left: float) -> Answer | StreamAnswer:
        """Raises `APIError`. The deployment's slot is free again when the answer, or its stream, has ended."""
        member, ending, started = admitted.choice.member, Ending(), self.clock.monotonic()
        limits = self._limits(member.deployment, asked, seconds_left)
        if admitted.lease:
            self.renewals[admitted.lease] = Renewal(self.store, admitted.lease)
        if member.key:
            self.store.began(member.key)
        try:
            answer = await attempt(self.job(member.deployment, asked, seconds_left), ending)
        except BaseException as error:
            self._failed(admitted, asked, started, error, limits)
            raise
        seconds = self._note(admitted, started, None)
        if teaches(asked):
            self.health.succeeded(member, admitted.probing)
        if asked.affinity is not None and member.key:
            asked.affinity.answered(asked, member.deployment)
        answer.attempts, answer.fallback = tuple(self.attempts), self.fallback
        if isinstance(answer, StreamAnswer):
            ending.belongs_to(answer, self._end_of_stream(answer, admitted, asked, started, seconds, limits))
        else:
            self._over(admitted, answer.usage, seconds)
            self._tell_answered(answer)
        return answer

    def _failed(
        self, admitted: Admitted, asked: Asked, started: float, error: BaseException, limits: TimeLimits
    ) -> None:
        member = admitted.choice.member
        self._over(admitted, None, error=error)
        if isinstance(error, DragomanError):
            _name(error, member.deployment)
        self._learn(admitted, asked, started, error, limits)
        self._note(admitted, started, error)

    def _learn(
        self, admitted: Admitted, asked: Asked, started: float, error: BaseException, limits: TimeLimits
    ) -> None:
        if not teaches(asked) or cut_short(error, self.clock.monotonic() - started, limits):
            self.health.give_back(admitted.probing)
        else:
            self.health.failed(admitted.choice.member, error, admitted.probing)

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
        if seconds is not None:
            tokens = usage.get("completion_tokens") if usage else None
            first = None if first_content is None else first_content * 1000
            self.store.observe(member.key, seconds * 1000, first, tokens)

    def _end_of_stream(
        self,
        answer: StreamAnswer,
        admitted: Admitted,
        asked: Asked,
        started: float,
        first_content: float,
        limits: TimeLimits,
    ) -> Callable[[BaseException | None], None]:
        member = admitted.choice.member

        def ended(error: BaseException | None) -> None:
            if error is None:
                self._over(admitted, answer.usage, self.clock.monotonic() - started, first_content)
                self._tell_answered(answer)
                return
            self._over(admitted, answer.usage)
            if isinstance(error, DragomanError):
                _name(error, member.deployment)
                error.attempts = answer.attempts
                self._learn(admitted._replace(probing=()), asked, started, error, limits)
            self._tell_broken_off(answer, error)

        return ended

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
            source=call.source if asked.request is call.request else None,
            left_out=left_out,
        )

    def _note(self, admitted: Admitted, started: float, error: BaseException | None) -> float:
        """The attempt has ended, or its stream has begun. Gives the seconds that it took."""
        seconds = self.clock.monotonic() - started
        choice = admitted.choice
        deployment = choice.member.deployment
        made = Attempt(
            deployment=deployment.id,
            provider=deployment.provider.name,
            model=deployment.model,
            milliseconds=seconds * 1000,
            error=None if error is None else type(error).__name__,
            status=error.status_code if isinstance(error, DragomanError) else None,
            alias=deployment.alias,
            why=choice.why,
            passed_over=choice.passed_over,
        )
        self.attempts.append(made)
        if self.listeners:
            told = (made.deployment, made.provider, made.model, made.milliseconds, made.error)
            more = (made.alias, made.status, made.why, made.passed_over)
            tell(self.listeners, Tried(self.call.request_id, *told, *more))
        return seconds

    def _tell_answered(self, answer: Answer | StreamAnswer) -> None:
        if self.listeners:
            who = (answer.provider, answer.model, len(answer.attempts), answer.usage, answer.cost)
            where = (answer.attempts[-1].deployment, self.alias, answer.fallback)
            tell(self.listeners, Answered(self.call.request_id, *who, *where))

    def _tell_broken_off(self, answer: StreamAnswer, error: BaseException) -> None:
        if self.listeners:
            name = "Left" if isinstance(error, GeneratorExit) else type(error).__name__
            request_id, attempts = self.call.request_id, len(answer.attempts)
            tell(
                self.listeners,
                Failed(
                    request_id, attempts, name, answer.provider, answer.model, answer.usage, answer.cost, self.alias
                ),
            )


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
