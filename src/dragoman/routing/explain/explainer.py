"""What would happen to a call now, found by the steps that a call takes up to its sending. Nothing is sent, claimed or learned."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

from dragoman.errors import (
    APIError,
    ContentPolicyViolationError,
    ContextWindowExceededError,
    DragomanError,
    InternalServerError,
    UnsupportedAbilityError,
)
from dragoman.routing.admission.admission import Admitted
from dragoman.routing.admission.refusal import no_deployment_error
from dragoman.routing.admission.waiting import QueuePosition, admit_or_enqueue
from dragoman.routing.attempt.request import AttemptRequest
from dragoman.routing.choice.canary import Canaries
from dragoman.routing.deployments.deployment import Deployment
from dragoman.routing.explain.candidates import WAITERS_AHEAD, GroupPreview, candidates_of, cost_of
from dragoman.routing.explain.dry_run import DryWrite, ReadOnlyAdmission, dry_write, input_tokens_of, refusal_preview
from dragoman.routing.explain.explanation import (
    Explanation,
    FallbackPlanPreview,
    FallbackPreview,
    MirrorPreview,
    QueuePreview,
    ResumptionPreview,
)
from dragoman.routing.recovery import fallbacks
from dragoman.routing.recovery.attempts import CallAttempts
from dragoman.routing.recovery.dispatch import Dispatch
from dragoman.routing.recovery.mirror import Mirrors
from dragoman.routing.recovery.resume import is_wanted, resuming_deployments
from dragoman.routing.request import GroupRequest
from dragoman.routing.selection import NoDeployment
from dragoman.routing.settings.call_options import CallOptions
from dragoman.routing.settings.fallbacks import FallbackTarget, target_name
from dragoman.routing.strategies import STRATEGIES, Strategy

__all__ = ["Explainer"]

_KINDS: tuple[tuple[str, type[APIError]], ...] = (
    ("general", InternalServerError),
    ("context_window", ContextWindowExceededError),
    ("content_policy", ContentPolicyViolationError),
)


class _Reachable(NamedTuple):
    """A deployment that gets the request, or would if the request could be written for it."""

    admitted: Admitted
    asked: GroupRequest
    job: AttemptRequest
    sent: DryWrite

    @property
    def deployment(self) -> str:
        return self.admitted.choice.member.deployment.id


_Outcome: TypeAlias = _Reachable | QueuePosition | DragomanError


class _Step(NamedTuple):
    """A fallback."""

    name: str
    outcome: _Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Explainer:
    """Of one call."""

    dispatch: Dispatch
    admission: ReadOnlyAdmission
    mirrors: Mirrors
    canaries: Canaries

    @property
    def request(self) -> GroupRequest:
        return self.dispatch.request

    @property
    def attempts(self) -> CallAttempts:
        return self.dispatch.attempts

    @property
    def options(self) -> CallOptions:
        return self.dispatch.options

    @property
    def retries(self) -> int:
        return self.dispatch.retries.retries_left

    async def explain(self) -> Explanation:
        """Return what would happen to the call now."""
        request, call, alias = self.request, self.request.call, self.request.group.alias
        outcome, preview = await self._first()
        first, fallback = _error_in(outcome), ""
        if first is not None:
            outcome, fallback = await self._first_fallback(first) or (outcome, "")
        chosen = outcome.deployment if isinstance(outcome, _Reachable) and not fallback else None
        plans = tuple([plan async for plan in self._plans()])
        common = Explanation(
            model=call.model,
            operation=call.operation.name,
            stream=call.stream,
            alias=alias,
            route=request.route,
            strategy=_name_of(request.group.strategy),
            chosen=None,
            why="nobody can be asked now",
            fallback=fallback,
            candidates=await candidates_of(request, self.attempts, preview, chosen),
            canaries=self.canaries.preview(request),
            mid_stream=self._resumption_preview(outcome, plans) if call.stream else None,
            plans=plans,
            timeout=self._seconds,
            notes=(first.message,) if first is not None and fallback else (),
        )
        if isinstance(outcome, _Reachable):
            return await self._with_attempt(common, outcome)
        if isinstance(outcome, QueuePosition):
            return replace(common, why="it would wait for its turn", queue=self._queue_preview(outcome))
        result = preview.found
        return replace(
            common, ready=result.ready if isinstance(result, NoDeployment) else None, refusal=refusal_preview(outcome)
        )

    async def _first_fallback(self, error: DragomanError) -> tuple[_Outcome, str] | None:
        """Return the outcome of the first fallback that does not fail too, with its name."""
        async for step in self._walk_fallbacks(error, alike=False):
            if _error_in(step.outcome) is None:
                return step.outcome, step.name
        return None

    async def _with_attempt(self, common: Explanation, reached: _Reachable) -> Explanation:
        """Add what would be sent, and the hedge and the mirrors."""
        admitted, request, job, sent = reached
        choice, call = admitted.choice, request.call
        counted = await input_tokens_of(job)
        fields = replace(
            common,
            chosen=reached.deployment,
            why=choice.why,
            tokens=counted.tokens,
            tokens_by=counted.by,
            tokens_exact=counted.exact,
            dropped_params=(*sent.dropped, *request.left_out),
            passes_through=sent.passes_through,
            cost=cost_of(choice.member.deployment, job, self.attempts),
            notes=(*common.notes, sent.note) if sent.note else common.notes,
        )
        if sent.error is not None:
            return replace(fields, refusal=refusal_preview(sent.error))
        hedge = await self.dispatch.retries.hedger.preview(admitted, request)
        copies = self.mirrors.preview(call, common.alias, reached.deployment)
        return replace(
            fields,
            hedge=hedge,
            mirrors=tuple(MirrorPreview(model, share) for model, share in copies),
        )

    async def available(self) -> Deployment:
        """Return the deployment that would get the call. Raise `APIError` where none can take it."""
        result = await self.admission.admit(self.request)
        if isinstance(result, NoDeployment):
            raise no_deployment_error(self.request.group.alias, result, self.attempts.services.store.now())
        return result.choice.member.deployment

    @property
    def _seconds(self) -> float:
        return self.options.timeout or self.attempts.settings.timeout

    async def _first(self) -> tuple[_Outcome, GroupPreview]:
        """Return what becomes of the call in the first model group."""
        request, alias = self.request, self.request.group.alias
        mock = fallbacks.mock_failure(self.options, request.call.model)
        if mock is not None:
            return mock, GroupPreview(None, {})
        result = tuple(fallbacks.targets(self.attempts.settings, alias, self.options, None, request.call.model))
        return await self._try_group(request, lambda: self.dispatch.fallbacks.is_available(result, (alias,)))

    async def _try_group(self, request: GroupRequest, has_backup: Callable[[], bool]) -> tuple[_Outcome, GroupPreview]:
        """Walk a group as the retry loop does, but only write each request: deployments that cannot get it are skipped."""
        seeker, context = self.admission, self.dispatch.retries.context
        try:
            first = await admit_or_enqueue(request, context, has_backup, context.queue.position)
        except APIError as error:
            return error, GroupPreview(seeker.found, dict.fromkeys(seeker.tried, WAITERS_AHEAD))
        skipped = dict.fromkeys(seeker.tried, WAITERS_AHEAD)
        if isinstance(first, QueuePosition):
            return first, GroupPreview(seeker.found, skipped)
        retries, reached = self.retries, await self._dry_attempt(first, request)
        while isinstance(problem := reached.sent.error, APIError) and problem.retry_elsewhere:
            asks = not isinstance(problem, UnsupportedAbilityError)
            if asks and retries <= 0:
                break
            retries -= asks
            skipped[reached.deployment] = problem.message
            result = await seeker.admit(request, tuple(skipped))
            if isinstance(result, NoDeployment):
                break
            reached = await self._dry_attempt(result, request)
        return reached, GroupPreview(reached.admitted, skipped)

    async def _dry_attempt(self, admitted: Admitted, request: GroupRequest) -> _Reachable:
        job = self.attempts.request(admitted.choice.member.deployment, request, self._seconds)
        return _Reachable(admitted, request, job, await dry_write(job))

    async def _walk_fallbacks(self, error: DragomanError, *, alike: bool) -> AsyncIterator[_Step]:
        """The fallbacks as the router walks them; `alike`: where each of them fails in the same way."""
        if not isinstance(error, APIError):
            return
        settings, alias, called = self.attempts.settings, self.request.group.alias, self.request.call.model
        pending = deque(fallbacks.targets(settings, alias, self.options, error, called))
        visited, own = {alias}, replace(self.request.call.options, fallbacks=None)
        while pending and len(visited) <= settings.max_fallbacks:
            target = pending.popleft()
            name = target_name(target)
            if name in visited:
                continue
            visited.add(name)
            alternatives = (*pending, *fallbacks.targets(settings, name, own, None))
            step = _Step(
                name,
                await self._try_fallback(
                    target, functools.partial(self.dispatch.fallbacks.is_available, alternatives, visited)
                ),
            )
            yield step
            following = error if alike else _error_in(step.outcome)
            if isinstance(following, APIError):
                pending.extend(fallbacks.targets(settings, name, own, following))

    async def _try_fallback(self, target: FallbackTarget, has_backup: Callable[[], bool]) -> _Outcome:
        try:
            request = self.dispatch.fallbacks.request(target)
        except DragomanError as error:
            return error
        return (await self._try_group(request, has_backup))[0]

    async def _plans(self) -> AsyncIterator[FallbackPlanPreview]:
        for name, kind in _KINDS:
            error = kind(f"as if: {name}")
            targets = tuple([_target(step) async for step in self._walk_fallbacks(error, alike=True)])
            yield FallbackPlanPreview(name, kind.__name__, self._attempts(error), targets)

    def _attempts(self, error: APIError) -> int:
        alternatives = len(self.request.group.eligible_ids(self.request)) > 1
        if not (error.retry_here or (error.retry_elsewhere and alternatives)):
            return 1
        policy = self.attempts.settings.retry_policy_of(self.request.group.alias)
        return 1 + next(
            (attempt for attempt in range(self.retries) if not policy.allows(error, attempt + 1)), self.retries
        )

    def _queue_preview(self, place: QueuePosition) -> QueuePreview:
        waiter, clock = place.waiter, self.attempts.services.clock
        until = clock.time() + waiter.deadline - clock.monotonic()
        ready = waiter.ready if waiter.ready is not None and waiter.ready > 0 else None
        return QueuePreview(waiter.alias, place.position, waiter.priority, until, ready)

    def _resumption_preview(self, outcome: _Outcome, plans: tuple[FallbackPlanPreview, ...]) -> ResumptionPreview:
        request = self.request
        if not is_wanted(request, self.attempts.settings):
            return ResumptionPreview(continues=False, why="mid_stream_fallback is error")
        if not self.attempts.resumable:
            return ResumptionPreview(continues=False, why="two models cannot write one answer to such a request")
        first = (outcome.deployment,) if isinstance(outcome, _Reachable) else ()
        groups = [request.group.without_canaries] if self.retries > 0 else []
        for target in plans[0].fallbacks:
            try:
                groups.append(self.dispatch.fallbacks.request(target.alias).group.without_canaries)
            except DragomanError:
                continue
        eligible = tuple(item.id for group in groups for item in resuming_deployments(group, first))
        why = (
            "as long as the answer is nothing but text"
            if eligible
            else "no other model is known to go on with an answer"
        )
        return ResumptionPreview(continues=bool(eligible), why=why, deployments=eligible)


def _error_in(outcome: _Outcome) -> DragomanError | None:
    if isinstance(outcome, _Reachable):
        return outcome.sent.error
    return outcome if isinstance(outcome, DragomanError) else None


def _target(step: _Step) -> FallbackPreview:
    outcome, error = step.outcome, _error_in(step.outcome)
    if error is not None:
        return FallbackPreview(step.name, None, error.message)
    if isinstance(outcome, QueuePosition):
        return FallbackPreview(step.name, None, f"it would wait for its turn, at position {outcome.position}")
    assert isinstance(outcome, _Reachable)
    return FallbackPreview(step.name, outcome.deployment, outcome.admitted.choice.why)


def _name_of(strategy: Strategy) -> str:
    """As the configuration says it."""
    function = getattr(strategy, "func", strategy)
    named = next((name for name, known in STRATEGIES.items() if known is function), None)
    return named or str(getattr(function, "__name__", type(function).__name__))
