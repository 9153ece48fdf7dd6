"""What would happen to a call now, found by the steps that a call takes up to its sending. Nothing is sent, claimed or learned."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Iterable
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
from dragoman.routing.admission.queue import Place, place_of
from dragoman.routing.admission.refusal import nobody_can_be_asked
from dragoman.routing.attempt.request import Job
from dragoman.routing.choice.canary import Canaries
from dragoman.routing.choice.group import NoChoice
from dragoman.routing.deployments.deployment import Deployment
from dragoman.routing.explain.candidates import OTHERS_WAIT, Onlook, candidates_of, cost_of
from dragoman.routing.explain.dry_run import Onlooker, Sent, counted_for, refusal_of, sent_by
from dragoman.routing.explain.explanation import Copy, Explanation, HedgePreview, MidStream, Plan, Target, Waiting
from dragoman.routing.recovery import fallbacks
from dragoman.routing.recovery.attempts import Trial
from dragoman.routing.recovery.hedge import Hedger
from dragoman.routing.recovery.mirror import Mirrors
from dragoman.routing.recovery.resume import able_to_go_on, is_wanted
from dragoman.routing.request import Asked
from dragoman.routing.settings.call_options import CallOptions
from dragoman.routing.settings.router_settings import FallbackTarget
from dragoman.routing.strategies import STRATEGIES, Strategy

__all__ = ["Explainer"]

_KINDS: tuple[tuple[str, type[APIError]], ...] = (
    ("general", InternalServerError),
    ("context_window", ContextWindowExceededError),
    ("content_policy", ContentPolicyViolationError),
)


class _Reached(NamedTuple):
    """A deployment that is asked, or would be if the request could be written for it."""

    admitted: Admitted
    asked: Asked
    job: Job
    sent: Sent

    @property
    def deployment(self) -> str:
        return self.admitted.choice.member.deployment.id


_Outcome: TypeAlias = _Reached | Place | DragomanError


class _Step(NamedTuple):
    """A fallback."""

    name: str
    outcome: _Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Explainer:
    """Of one call."""

    asked: Asked
    trial: Trial
    seeker: Onlooker
    options: CallOptions
    """With what counts of fallbacks."""
    retries: int
    mirrors: Mirrors
    canaries: Canaries
    fallback: Callable[[FallbackTarget], Asked]
    """The same call for a fallback. Raises `DragomanError`."""
    stands_ready: Callable[[Iterable[FallbackTarget], Collection[str]], bool]
    """(fallbacks, those that were asked): whether one of them is well."""

    async def explain(self) -> Explanation:
        asked, call, alias = self.asked, self.asked.call, self.asked.group.alias
        outcome, onlook = await self._first()
        first, fallback = _error_in(outcome), ""
        if first is not None:
            async for step in self._walk(first, alike=False):
                if _error_in(step.outcome) is None:
                    outcome, fallback = step.outcome, step.name
                    break
        chosen = outcome.deployment if isinstance(outcome, _Reached) and not fallback else None
        plans = tuple([plan async for plan in self._plans()])
        common = Explanation(
            model=call.model,
            operation=call.operation,
            stream=call.stream,
            alias=alias,
            route=asked.route,
            strategy=_name_of(asked.group.strategy),
            chosen=None,
            why="nobody can be asked now",
            fallback=fallback,
            candidates=await candidates_of(asked, self.trial, onlook, chosen),
            canaries=self.canaries.foreseen(asked),
            mid_stream=self._mid_stream(outcome, plans) if call.stream else None,
            plans=plans,
            timeout=self._seconds,
            notes=(first.message,) if first is not None and fallback else (),
        )
        if isinstance(outcome, _Reached):
            return await self._asking(common, outcome)
        if isinstance(outcome, Place):
            return replace(common, why="it would wait for its turn", queue=self._waiting(outcome))
        found = onlook.found
        return replace(common, ready=found.ready if isinstance(found, NoChoice) else None, refusal=refusal_of(outcome))

    async def _asking(self, common: Explanation, reached: _Reached) -> Explanation:
        """With what would be sent, and what would be asked beside and after it."""
        admitted, asked, job, sent = reached
        choice, call = admitted.choice, asked.call
        counted = await counted_for(job)
        told = replace(
            common,
            chosen=reached.deployment,
            why=choice.why,
            tokens=counted.tokens,
            tokens_by=counted.by,
            tokens_exact=counted.exact,
            dropped_params=(*sent.dropped, *asked.left_out),
            passes_through=sent.passes_through,
            cost=cost_of(choice.member.deployment, job, self.trial),
            notes=(*common.notes, sent.note) if sent.note else common.notes,
        )
        if sent.error is not None:
            return replace(told, refusal=refusal_of(sent.error))
        hedger = Hedger(trial=self.trial, seeker=self.seeker, deadline=self._deadline())
        hedge = await hedger.foreseen(admitted, asked)
        copies = self.mirrors.foreseen(call, common.alias, reached.deployment)
        return replace(
            told,
            hedge=None if hedge is None else HedgePreview(*hedge),
            mirrors=tuple(Copy(model, share) for model, share in copies),
        )

    async def available(self) -> Deployment:
        """Who would be asked. Raises `APIError` where nobody can be."""
        found = await self.seeker.find(self.asked)
        if isinstance(found, NoChoice):
            raise nobody_can_be_asked(self.asked.group.alias, found, self.trial.store.now())
        return found.choice.member.deployment

    @property
    def _seconds(self) -> float:
        return self.options.timeout or self.trial.settings.timeout

    def _deadline(self) -> float:
        return self.trial.clock.monotonic() + self._seconds

    async def _first(self) -> tuple[_Outcome, Onlook]:
        """What becomes of the call in the model group that is asked first."""
        asked, alias = self.asked, self.asked.group.alias
        mock = fallbacks.mock_failure(self.options, asked.call.model)
        if mock is not None:
            return mock, Onlook(None, {})
        found = tuple(fallbacks.targets(self.trial.settings, alias, self.options, None, asked.call.model))
        return await self._reach(asked, lambda: self.stands_ready(found, (alias,)))

    async def _reach(self, asked: Asked, has_backup: Callable[[], bool]) -> tuple[_Outcome, Onlook]:
        """As a run asks a group, but that each request is only written: who cannot get it is passed over."""
        trial, seeker = self.trial, self.seeker
        try:
            first = await place_of(asked, trial, seeker, self._deadline(), has_backup, trial.line.position)
        except APIError as error:
            return error, Onlook(seeker.found, dict.fromkeys(seeker.tried, OTHERS_WAIT))
        passed = dict.fromkeys(seeker.tried, OTHERS_WAIT)
        if isinstance(first, Place):
            return first, Onlook(seeker.found, passed)
        retries, reached = self.retries, self._written(first, asked)
        while isinstance(problem := reached.sent.error, APIError) and problem.retry_elsewhere:
            asks = not isinstance(problem, UnsupportedAbilityError)
            if asks and retries <= 0:
                break
            retries -= asks
            passed[reached.deployment] = problem.message
            found = await seeker.find(asked, tuple(passed))
            if isinstance(found, NoChoice):
                break
            reached = self._written(found, asked)
        return reached, Onlook(reached.admitted, passed)

    def _written(self, admitted: Admitted, asked: Asked) -> _Reached:
        job = self.trial.job(admitted.choice.member.deployment, asked, self._seconds)
        return _Reached(admitted, asked, job, sent_by(job))

    async def _walk(self, error: DragomanError, *, alike: bool) -> AsyncIterator[_Step]:
        """The fallbacks as the router walks them; `alike`: where each of them fails in the same way."""
        if not isinstance(error, APIError):
            return
        settings, alias, called = self.trial.settings, self.asked.group.alias, self.asked.call.model
        pending = deque(fallbacks.targets(settings, alias, self.options, error, called))
        seen, own = {alias}, replace(self.asked.call.options, fallbacks=None)
        while pending and len(seen) <= settings.max_fallbacks:
            target = pending.popleft()
            name = fallbacks.target_name(target)
            if name in seen:
                continue
            seen.add(name)
            others = (*pending, *fallbacks.targets(settings, name, own, None))
            step = _Step(name, await self._at(target, functools.partial(self.stands_ready, others, seen)))
            yield step
            following = error if alike else _error_in(step.outcome)
            if isinstance(following, APIError):
                pending.extend(fallbacks.targets(settings, name, own, following))

    async def _at(self, target: FallbackTarget, has_backup: Callable[[], bool]) -> _Outcome:
        try:
            asked = self.fallback(target)
        except DragomanError as error:
            return error
        return (await self._reach(asked, has_backup))[0]

    async def _plans(self) -> AsyncIterator[Plan]:
        for name, kind in _KINDS:
            error = kind(f"as if: {name}")
            targets = tuple([_target(step) async for step in self._walk(error, alike=True)])
            yield Plan(name, kind.__name__, self._attempts(error), targets)

    def _attempts(self, error: APIError) -> int:
        others = len(self.asked.group.able(self.asked)) > 1
        if not (error.retry_here or (error.retry_elsewhere and others)):
            return 1
        policy = self.trial.settings.retry_policy_of(self.asked.group.alias)
        return 1 + next((made for made in range(self.retries) if not policy.allows(error, made + 1)), self.retries)

    def _waiting(self, place: Place) -> Waiting:
        waiter, clock = place.waiter, self.trial.clock
        until = clock.time() + waiter.deadline - clock.monotonic()
        ready = waiter.ready if waiter.ready is not None and waiter.ready > 0 else None
        return Waiting(waiter.alias, place.position, waiter.priority, until, ready)

    def _mid_stream(self, outcome: _Outcome, plans: tuple[Plan, ...]) -> MidStream:
        asked = self.asked
        if not is_wanted(asked, self.trial.settings):
            return MidStream(continues=False, why="mid_stream_fallback is error")
        if not self.trial.continues:
            return MidStream(continues=False, why="two models cannot write one answer to such a request")
        first = (outcome.deployment,) if isinstance(outcome, _Reached) else ()
        groups = [asked.group.regular] if self.retries > 0 else []
        for target in plans[0].fallbacks:
            try:
                groups.append(self.fallback(target.alias).group.regular)
            except DragomanError:
                continue
        able = tuple(item.id for group in groups for item in able_to_go_on(group, first))
        why = "as long as the answer is nothing but text" if able else "no other model is known to go on with an answer"
        return MidStream(continues=bool(able), why=why, deployments=able)


def _error_in(outcome: _Outcome) -> DragomanError | None:
    if isinstance(outcome, _Reached):
        return outcome.sent.error
    return outcome if isinstance(outcome, DragomanError) else None


def _target(step: _Step) -> Target:
    outcome, error = step.outcome, _error_in(step.outcome)
    if error is not None:
        return Target(step.name, None, error.message)
    if isinstance(outcome, Place):
        return Target(step.name, None, f"it would wait for its turn, at position {outcome.position}")
    assert isinstance(outcome, _Reached)
    return Target(step.name, outcome.deployment, outcome.admitted.choice.why)


def _name_of(strategy: Strategy) -> str:
    """As the configuration says it."""
    function = getattr(strategy, "func", strategy)
    named = next((name for name, known in STRATEGIES.items() if known is function), None)
    return named or str(getattr(function, "__name__", type(function).__name__))
