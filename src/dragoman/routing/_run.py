"""One call on its way over deployments, retries and fallbacks, within one budget of attempts and one deadline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from dragoman.dialects._dialect import CallerContext
from dragoman.errors import APIError, DragomanError, UnsupportedAbilityError
from dragoman.observe import Answered, Failed, Listener, Tried, tell
from dragoman.routing._attempt import attempt
from dragoman.routing._call import Answer, Attempt, Call, CallOptions, StreamAnswer
from dragoman.routing._clock import Clock
from dragoman.routing._deployment import Deployment
from dragoman.routing._job import Job
from dragoman.routing._options import away_from_home, merge_options
from dragoman.routing._settings import RouterSettings
from dragoman.routing._stream import Ending
from dragoman.transport import Transport

__all__ = ["Group", "Run"]

_FIRST_WAIT = 0.5
_LONGEST_BACKOFF = 8.0
_LEAST_TIME = 0.001
_MAX_TOKENS = ("max_tokens", "max_completion_tokens")


@dataclass(frozen=True, slots=True)
class Group:
    """The deployments that answer to one name, in the order in which they are asked, and what is asked of them."""

    deployments: Sequence[Deployment]
    request: Any
    options: CallOptions
    home: str
    """The provider whom the options' key, address and private parameters are meant for."""
    left_out: tuple[str, ...] = ()


class _Failures(NamedTuple):
    """Of one deployment, in this call."""

    times: int
    ready: float
    """When it may be asked again."""
    retry_here: bool


@dataclass(slots=True, kw_only=True)
class Run:
    call: Call
    settings: RouterSettings
    clock: Clock
    transport: Callable[[], Transport]
    listeners: Sequence[Listener]
    deadline: float
    retries_left: int
    attempts: list[Attempt] = field(default_factory=list)
    impatient: bool = False
    """A fallback stands ready: no long wait for a deployment that has just failed."""

    async def ask(self, group: Group) -> Answer | StreamAnswer:
        """Ask the deployments of one group in turn. Raises the last `APIError`."""
        failed: dict[str, _Failures] = {}
        deployment = group.deployments[0]
        while True:
            try:
                return await self._attempt(deployment, group)
            except APIError as error:
                failures = failed[deployment.id].times + 1 if deployment.id in failed else 1
                ready = self.clock.monotonic() + self._wait(error, failures)
                failed[deployment.id] = _Failures(failures, ready, error.retry_here)
                following = self._next(group, failed, error)
                if following is None:
                    raise
                self.retries_left -= _was_asked(error)
            deployment = following
            if deployment.id in failed:
                await self.clock.sleep(max(0.0, failed[deployment.id].ready - self.clock.monotonic()))

    def seconds_left(self) -> float:
        return self.deadline - self.clock.monotonic()

    def _wait(self, error: APIError, failures: int) -> float:
        """Seconds before the same deployment may be asked again: as it asked, or exponential backoff with full jitter."""
        backoff = min(_FIRST_WAIT * 2.0 ** (failures - 1), _LONGEST_BACKOFF) * self.clock.random()
        return max(backoff, error.retry_after or 0.0, self.settings.retry_after)

    def _next(self, group: Group, failed: dict[str, _Failures], error: APIError) -> Deployment | None:
        """Another deployment at once, or else the one that may be asked again first, if that is soon enough."""
        spent = self.retries_left <= 0
        if (spent and _was_asked(error)) or self.seconds_left() <= _LEAST_TIME:
            return None
        if not (error.retry_here or error.retry_elsewhere):
            return None
        if error.retry_elsewhere:
            untried = next((item for item in group.deployments if item.id not in failed), None)
            if untried is not None:
                return untried
        if spent:
            return None
        again = [item for item in group.deployments if item.id in failed and failed[item.id].retry_here]
        if not again:
            return None
        soonest = min(again, key=lambda item: failed[item.id].ready)
        wait = failed[soonest.id].ready - self.clock.monotonic()
        longest = _LONGEST_BACKOFF if self.impatient else self.settings.longest_wait
        return soonest if wait <= min(longest, self.seconds_left()) else None

    async def _attempt(self, deployment: Deployment, group: Group) -> Answer | StreamAnswer:
        job, ending = self._job(deployment, group), Ending()
        started = self.clock.monotonic()
        try:
            answer = await attempt(job, ending)
        except BaseException as error:
            if isinstance(error, DragomanError):
                _name(error, deployment)
            self._note(deployment, started, error)
            raise
        self._note(deployment, started, None)
        answer.attempts = tuple(self.attempts)
        if isinstance(answer, StreamAnswer):
            ending.belongs_to(answer, self._end_of_stream(answer, deployment))
        else:
            self._tell_answered(answer)
        return answer

    def _job(self, deployment: Deployment, group: Group) -> Job:
        options, left_out = group.options, group.left_out
        if deployment.provider.name != group.home:
            options, left_out = away_from_home(options)
        options = merge_options(options, deployment.options)
        left = max(self.seconds_left(), _LEAST_TIME)
        own_limit = deployment.options.timeout
        call = self.call
        return Job(
            operation=call.operation,
            deployment=deployment,
            request=_merged(call.operation, group.request, deployment),
            stream=call.stream,
            options=options,
            settings=self.settings,
            clock=self.clock,
            transport=self.transport,
            seconds_left=min(left, own_limit) if own_limit is not None else left,
            request_id=call.request_id,
            caller=call.caller or CallerContext(model=call.model),
            source=call.source if group.request is call.request else None,
            left_out=left_out,
        )

    def _note(self, deployment: Deployment, started: float, error: BaseException | None) -> None:
        milliseconds = (self.clock.monotonic() - started) * 1000
        name = None if error is None else type(error).__name__
        self.attempts.append(
            Attempt(
                deployment=deployment.id,
                provider=deployment.provider.name,
                model=deployment.model,
                milliseconds=milliseconds,
                error=name,
                status=error.status_code if isinstance(error, DragomanError) else None,
            )
        )
        if self.listeners:
            tell(
                self.listeners,
                Tried(
                    self.call.request_id, deployment.id, deployment.provider.name, deployment.model, milliseconds, name
                ),
            )

    def _end_of_stream(self, answer: StreamAnswer, deployment: Deployment) -> Callable[[BaseException | None], None]:
        def ended(error: BaseException | None) -> None:
            if error is None:
                self._tell_answered(answer)
                return
            if isinstance(error, DragomanError):
                _name(error, deployment)
                error.attempts = answer.attempts
            self._tell_broken_off(answer, error)

        return ended

    def _tell_answered(self, answer: Answer | StreamAnswer) -> None:
        if self.listeners:
            request_id, attempts = self.call.request_id, len(answer.attempts)
            tell(
                self.listeners,
                Answered(request_id, answer.provider, answer.model, attempts, answer.usage, answer.cost),
            )

    def _tell_broken_off(self, answer: StreamAnswer, error: BaseException) -> None:
        if self.listeners:
            name = "Left" if isinstance(error, GeneratorExit) else type(error).__name__
            request_id, attempts = self.call.request_id, len(answer.attempts)
            tell(
                self.listeners,
                Failed(request_id, attempts, name, answer.provider, answer.model, answer.usage, answer.cost),
            )


def _was_asked(error: APIError) -> bool:
    """Whether the attempt reached the provider, or may have: only such a one counts."""
    return not isinstance(error, UnsupportedAbilityError)


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
