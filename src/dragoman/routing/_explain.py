"""What would happen to a call now, found by the steps that a call takes up to its sending. Nothing is sent, claimed or learned."""

from __future__ import annotations

import datetime
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from dragoman.errors import (
    APIError,
    ContentPolicyViolationError,
    ContextWindowExceededError,
    DragomanError,
    InternalServerError,
)
from dragoman.models import cost_bounds
from dragoman.routing import _fallbacks
from dragoman.routing._asked import Asked
from dragoman.routing._call import CallOptions
from dragoman.routing._checks import PassedOver
from dragoman.routing._deployment import Deployment
from dragoman.routing._dry_run import counted_for, refusal_of, sent_by
from dragoman.routing._explanation import (
    Candidate,
    CostPreview,
    Explanation,
    LimitUse,
    Plan,
    Target,
    preview_of,
)
from dragoman.routing._group import Choice, NoChoice
from dragoman.routing._health import Member
from dragoman.routing._job import Job
from dragoman.routing._limits import claims_of
from dragoman.routing._retry import nobody_can_be_asked
from dragoman.routing._settings import FallbackTarget
from dragoman.routing._trial import Trial
from dragoman.routing.strategies import STRATEGIES, Strategy
from dragoman.stores import Claim, Counter

__all__ = ["Explainer", "Found"]

_KINDS: tuple[tuple[str, type[APIError]], ...] = (
    ("general", InternalServerError),
    ("context_window", ContextWindowExceededError),
    ("content_policy", ContentPolicyViolationError),
)
_LATER = "order: those of order {} are asked first"


class Found(NamedTuple):
    """Who would be asked."""

    choice: Choice | NoChoice
    refused: tuple[PassedOver, ...]
    """By their limits."""
    used: Mapping[Counter, int]
    scores: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explainer:
    """Of one call."""

    asked: Asked
    trial: Trial
    options: CallOptions
    """With what counts of fallbacks."""
    retries: int
    route: str | None
    fallback: Callable[[FallbackTarget], Asked]
    """The same call for a fallback. Raises `DragomanError`."""

    async def explain(self) -> Explanation:
        asked, call = self.asked, self.asked.call
        found = await self.find(asked)
        common = Explanation(
            model=call.model,
            operation=call.operation,
            stream=call.stream,
            alias=asked.group.alias,
            route=self.route,
            strategy=_name_of(asked.group.strategy),
            chosen=None,
            why="",
            candidates=self._candidates(found),
            plans=tuple([plan async for plan in self._plans()]),
            timeout=self.options.timeout or self.trial.settings.timeout,
        )
        choice = found.choice
        if isinstance(choice, NoChoice):
            error = nobody_can_be_asked(asked.group.alias, choice, self.trial.store.now())
            return replace(common, ready=choice.ready, refusal=refusal_of(error), why="nobody can be asked now")
        deployment = choice.member.deployment
        job = self.trial.job(deployment, asked, common.timeout)
        counted, sent = await counted_for(job), sent_by(job)
        return replace(
            common,
            chosen=deployment.id,
            why=choice.why,
            tokens=counted.tokens,
            tokens_by=counted.by,
            tokens_exact=counted.exact,
            dropped_params=(*sent.dropped, *asked.left_out),
            passes_through=sent.passes_through,
            refusal=sent.refusal,
            cost=self._cost(deployment, job),
            notes=(sent.note,) if sent.note else (),
        )

    async def available(self) -> Deployment:
        """Who would be asked. Raises `APIError` where nobody can be."""
        choice = (await self.find(self.asked)).choice
        if isinstance(choice, NoChoice):
            raise nobody_can_be_asked(self.asked.group.alias, choice, self.trial.store.now())
        return choice.member.deployment

    async def find(self, asked: Asked) -> Found:
        """As `Seeker.find`, but that nothing is claimed: what a call would claim is compared with what is used."""
        claims = {member.deployment.id: claims_of(member, asked) for member in asked.group.members}
        counters = [claim.counter for each in claims.values() for claim in each]
        used = dict(zip(counters, await self.trial.store.used(counters), strict=True)) if counters else {}
        refused: dict[str, PassedOver] = {}
        draws = _Draws(asked.chance)
        asked.chance = draws
        while True:
            draws.begin()
            choice = asked.group.choose(asked, self.trial.store.view(), tuple(refused))
            if isinstance(choice, NoChoice):
                limited = choice.is_limited or (bool(refused) and choice.ready is None)
                passed = (*choice.passed_over, *refused.values())
                return Found(choice._replace(passed_over=passed, is_limited=limited), passed, used, {})
            name = choice.member.deployment.id
            full = next((claim for claim in claims[name] if used[claim.counter] + claim.amount > claim.limit), None)
            if full is None:
                return Found(choice, tuple(refused.values()), used, self._scores(asked, draws, tuple(refused)))
            reason = f"{full.counter.key} is at its limit: {used[full.counter]} of {full.limit}"
            refused[name] = PassedOver(name, reason)

    def _scores(self, asked: Asked, draws: _Draws, refused: tuple[str, ...]) -> Mapping[str, float]:
        """By the same choice again, as the scores of all are only worked out for who wants to see them."""
        draws.again()
        asked.explaining = True
        choice = asked.group.choose(asked, self.trial.store.view(), refused)
        asked.explaining = False
        return choice.scores or {} if isinstance(choice, Choice) else {}

    def _candidates(self, found: Found) -> tuple[Candidate, ...]:
        choice = found.choice
        dropped = dict((*choice.passed_over, *found.refused))
        chosen = choice.member.deployment if isinstance(choice, Choice) else None
        outages = self.trial.store.view().outages
        previews: dict[tuple[str, str, int], CostPreview | None] = {}
        rows: list[Candidate] = []
        for member in self.asked.group.members:
            item = member.deployment
            reason = dropped.get(item.id)
            if reason is None and chosen is not None and item.order > chosen.order:
                reason = _LATER.format(chosen.order)
            outage = member.outage(outages)
            kind = (item.provider.name, item.model, id(item.entry))
            if kind not in previews:
                previews[kind] = self._cost(item, self.trial.job(item, self.asked, 1.0))
            rows.append(
                Candidate(
                    deployment=item.id,
                    provider=item.provider.name,
                    model=item.model,
                    order=item.order,
                    chosen=chosen is not None and item.id == chosen.id,
                    score=found.scores.get(item.id),
                    dropped=reason,
                    until=None if outage is None else outage.until,
                    probe=bool(outage is None and self.trial.health.half_open(member)),
                    limits=tuple(_uses(member, self.asked, found.used)),
                    cost=previews[kind],
                )
            )
        return tuple(rows)

    def _cost(self, deployment: Deployment, job: Job) -> CostPreview | None:
        if job.operation == "count_tokens":
            return None
        at = datetime.datetime.fromtimestamp(self.trial.clock.time(), datetime.UTC)
        provider = deployment.provider.name
        return preview_of(cost_bounds(job.request, deployment.entry, provider=provider, model=deployment.model, at=at))

    async def _plans(self) -> AsyncIterator[Plan]:
        for name, kind in _KINDS:
            error = kind(f"as if: {name}")
            targets = tuple([target async for target in self._targets(error)])
            yield Plan(name, kind.__name__, self._attempts(error), targets)

    def _attempts(self, error: APIError) -> int:
        others = len(self.asked.group.members) > 1
        if not (error.retry_here or (error.retry_elsewhere and others)):
            return 1
        policy = self.trial.settings.retry_policy_of(self.asked.group.alias)
        return 1 + next((made for made in range(self.retries) if not policy.allows(error, made + 1)), self.retries)

    async def _targets(self, error: APIError) -> AsyncIterator[Target]:
        """As the router walks them where each of them fails in the same way."""
        settings, alias = self.trial.settings, self.asked.group.alias
        pending = deque(_fallbacks.targets(settings, alias, self.options, error, self.asked.call.model))
        seen = {alias}
        own = replace(self.asked.call.options, fallbacks=None)
        while pending and len(seen) <= settings.max_fallbacks:
            target = pending.popleft()
            name = _fallbacks.target_name(target)
            if name in seen:
                continue
            seen.add(name)
            yield await self._target(name, target)
            pending.extend(_fallbacks.targets(settings, name, own, error))

    async def _target(self, name: str, target: FallbackTarget) -> Target:
        try:
            asked = self.fallback(target)
        except DragomanError as error:
            return Target(name, None, error.message)
        choice = (await self.find(asked)).choice
        if isinstance(choice, NoChoice):
            return Target(name, None, nobody_can_be_asked(name, choice, self.trial.store.now()).message)
        return Target(name, choice.member.deployment.id, choice.why)


class _Draws:
    """Chance that can say once more what it has said."""

    def __init__(self, chance: Callable[[], float]) -> None:
        self._chance = chance
        self._said: list[float] = []
        self._next = 0

    def __call__(self) -> float:
        if self._next == len(self._said):
            self._said.append(self._chance())
        self._next += 1
        return self._said[self._next - 1]

    def begin(self) -> None:
        self._said.clear()
        self._next = 0

    def again(self) -> None:
        self._next = 0


def _uses(member: Member, asked: Asked, used: Mapping[Counter, int]) -> Iterator[LimitUse]:
    for claim in claims_of(member, asked):
        yield LimitUse(_limit_name(claim), used[claim.counter], claim.amount, claim.limit)


def _limit_name(claim: Claim) -> str:
    return claim.counter.key.rpartition(":")[2]


def _name_of(strategy: Strategy) -> str:
    """As the configuration says it."""
    function = getattr(strategy, "func", strategy)
    named = next((name for name, known in STRATEGIES.items() if known is function), None)
    return named or str(getattr(function, "__name__", type(function).__name__))
