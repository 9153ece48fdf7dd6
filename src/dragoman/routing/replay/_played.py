"""A router that plays a log: it decides as every router does, and the deployments answer as the log says that they did."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from dragoman import errors
from dragoman.errors import APIError, Timeout, error_for_status
from dragoman.routing.admission.admission import Admission
from dragoman.routing.attempt.request import AttemptRequest
from dragoman.routing.attempt.stream import StreamOutcome
from dragoman.routing.call import Answer, Answerer, Call
from dragoman.routing.deployments.deployment import Deployment
from dragoman.routing.dispatcher import Dispatcher
from dragoman.routing.explain.dry_run import dry_write
from dragoman.routing.health.outage import Fault, fault_of
from dragoman.routing.plan import RoutingPlan
from dragoman.routing.replay._log_file import Log
from dragoman.routing.replay._log_time import Chance
from dragoman.routing.replay._logged import LoggedCall, ReplayedOutcome
from dragoman.routing.replay._shares import Shares
from dragoman.routing.request import GroupRequest
from dragoman.routing.router import CallRouter
from dragoman.routing.selection import Choice, NoDeployment
from dragoman.state import View

__all__ = ["LEFT", "ReplayedCall", "ReplayedDeployments", "ReplayedRouter", "error_of", "target_of"]

_FRESH = 60.0
"""Seconds for which a deployment's last outcome says how the next call would have gone."""
_TRIES = 1000
_IN_VAIN = 3
"""So often a choice that chance never gives is tried for."""
LEFT = frozenset({"Hedged", "CancelledError", "Left", "CallerLeft"})
"""Errors of attempts that were abandoned: they say nothing of the deployment."""


def target_of(deployment: Deployment) -> str:
    return f"{deployment.provider.name}/{deployment.model}"


def error_of(name: str, status: int | None) -> APIError | None:
    """Return the error that a log names, or else the one of its status; None: unknown."""
    kind = getattr(errors, name, None)
    if not (isinstance(kind, type) and issubclass(kind, APIError)) or kind is APIError:
        if status is None or status < 400:
            return None
        kind = error_for_status(status)
    return kind("as the log says", status_code=status)


@dataclass(slots=True, eq=False)
class ReplayedCall:
    """One call of the log that is under way."""

    logged: LoggedCall
    outcomes: list[tuple[str, ReplayedOutcome]]
    """Those that can be played, each with the id that its deployment has now; empty: there is none like it."""
    played: int = 0
    """So many of them."""
    doubts: list[str] = field(default_factory=list)
    """Why its outcome cannot be known."""
    assumed: bool = False
    """It went to a deployment that did not get it in the log, and that is taken to have answered."""
    inferred: bool = False
    """The same, and it is taken to have failed as it did for others at that time."""
    time_known: bool = True

    @property
    def wanted(self) -> str | None:
        """The deployment that got it next."""
        return self.outcomes[self.played][0] if self.played < len(self.outcomes) else None

    def was_answered_by(self, deployment: str, target: str) -> tuple[bool, bool]:
        """Whether the log says so of the deployment, and of its provider and model."""
        where = self.logged.where
        if where is None:
            return False, False
        same = (deployment, where) in self.outcomes and where.target in ("", target)
        return same, same or where.target == target


class ReplayedDeployments:
    """What the deployments of one router do. `deployments` are those that there are now."""

    def __init__(self, log: Log, deployments: Iterable[Deployment]) -> None:
        self._log = log
        self._by_id = {item.id: item for item in deployments}
        self._by_target: dict[str, list[str]] = {}
        for item in self._by_id.values():
            self._by_target.setdefault(target_of(item), []).append(item.id)
        self._ids: dict[tuple[str, str], str] = {}
        self._last: dict[str, tuple[float, ReplayedOutcome]] = {}
        self.plays: dict[str, ReplayedCall] = {}
        """By the id of the request."""

    def begin(self, request_id: str, logged: LoggedCall) -> ReplayedCall:
        result = [(self._current_id(item), item) for item in logged.outcomes if item.error not in LEFT]
        for name, outcome in result:
            if name:
                self._last[name] = (logged.at, outcome)
        play = self.plays[request_id] = ReplayedCall(logged, result)
        return play

    def end(self, request_id: str) -> None:
        del self.plays[request_id]

    def _current_id(self, outcome: ReplayedOutcome) -> str:
        """The id that its deployment has now: its own, or that of the only other one with the same model; empty: none."""
        key = outcome.deployment, outcome.target
        if key not in self._ids:
            self._ids[key] = self._match(*key)
        return self._ids[key]

    def _match(self, deployment: str, target: str) -> str:
        targets = {target} if target else self._log.targets.get(deployment, set())
        own = self._by_id.get(deployment)
        if own is not None and (own.wild or "*" in own.model or not targets or target_of(own) in targets):
            return deployment
        same = [name for item in targets for name in self._by_target.get(item, ())]
        return same[0] if len(same) == 1 else ""

    async def send(self, job: AttemptRequest, ending: StreamOutcome) -> Answer:
        """In place of `attempt`."""
        play, deployment = self.plays[job.request_id], job.deployment
        outcome = await self._outcome(play, job)
        took = outcome.milliseconds
        if took is None:
            play.time_known, took = False, play.logged.milliseconds or 0.0
        seconds = took / 1000
        await asyncio.sleep(min(seconds, job.seconds_left))
        if seconds > job.seconds_left:
            raise Timeout(f"no answer within {job.seconds_left:g} s")
        error = error_of(outcome.error, outcome.status) if outcome.error else None
        if error is not None:
            raise error
        usage = play.logged.usage
        return Answer(
            provider=deployment.provider.name,
            model=deployment.model,
            response={},
            usage=usage,
            cost=job.cost(usage, play.logged.at),
        )

    async def _outcome(self, play: ReplayedCall, job: AttemptRequest) -> ReplayedOutcome:
        deployment = job.deployment
        if play.wanted == deployment.id:
            outcome = play.outcomes[play.played][1]
            play.played += 1
            return self._timed(play, outcome, deployment)
        own = [outcome for name, outcome in play.outcomes if name == deployment.id]
        if own:
            if own[-1].error:
                play.doubts.append("a deployment is asked more often, or at another time, than the log tells of")
            return self._timed(play, own[-1], deployment)
        return await self._other_outcome(play, job)

    def _timed(self, play: ReplayedCall, outcome: ReplayedOutcome, deployment: Deployment) -> ReplayedOutcome:
        """A call with one attempt took as long as that did, and of a stream's attempt the log may know its beginning alone."""
        if len(play.logged.outcomes) == 1:
            return outcome._replace(milliseconds=play.logged.milliseconds)
        if outcome.error or not play.logged.stream:
            return outcome
        sample = self._log.times.at(target_of(deployment), deployment.id)
        return outcome._replace(milliseconds=None if sample is None else sample.mean)

    def _recent_failure(self, deployment: str, now: float) -> ReplayedOutcome | None:
        """Return the last outcome of a deployment, where it is recent and a failure by the deployment's own fault."""
        at, last = self._last.get(deployment, (0.0, None))
        is_failure = last is not None and last.error and not _is_the_requests_own(last)
        return last if is_failure and 0 <= now - at <= _FRESH else None

    async def _other_outcome(self, play: ReplayedCall, job: AttemptRequest) -> ReplayedOutcome:
        """Return the outcome of a deployment that did not get this call in the log."""
        logged, deployment = play.logged, job.deployment
        target = target_of(deployment)
        refused = _refusal(play)
        if refused is not None and refused.target == target:
            return refused
        if refused is not None:
            play.doubts.append("a deployment refused its request, and whether another model takes it is not known")
        if logged.said is not None and (refusal := (await dry_write(job)).refusal) is not None:
            return ReplayedOutcome(deployment.id, target, refusal.error, refusal.status, 0.0)
        sample = self._log.times.at(target, deployment.id)
        took = None if sample is None else sample.mean
        last = self._recent_failure(deployment.id, logged.at)
        if last is not None:
            play.inferred = True
            return last
        play.assumed = True
        return ReplayedOutcome(deployment.id, target, milliseconds=took)


def _refusal(play: ReplayedCall) -> ReplayedOutcome | None:
    return next((item for _, item in play.outcomes if item.error and _is_the_requests_own(item)), None)


def _is_the_requests_own(outcome: ReplayedOutcome) -> bool:
    error = error_of(outcome.error, outcome.status)
    return error is None or fault_of(error) is Fault.REQUEST


class _LoggedAdmission(Admission):
    """Where chance decides, a call goes where it went, as long as the shares allow it: else each replay would tell of moves that
    were nothing but other dice."""

    def __init__(self, router: ReplayedRouter, call: Call) -> None:
        super().__init__(router.store, router.health, call.request_id)
        self._router = router
        self._play = router.stage.plays[call.request_id]

    def choose(self, request: GroupRequest, view: View, excluded: Collection[str]) -> Choice | NoDeployment:
        chance, shares = self._router.chance, self._router.shares
        previous = chance.asked
        drawn = request.group.choose(request, view, excluded)
        logged = self._play.wanted
        if isinstance(drawn, NoDeployment) or chance.asked == previous or logged is None:
            return drawn
        alias, name = request.group.alias, drawn.member.deployment.id
        shares.count(alias, logged=logged, drawn=name)
        wanted = shares.wanted(alias, logged)
        if wanted == name or wanted in excluded:
            return drawn
        return self._redraw(request, view, excluded, wanted) or drawn

    def _redraw(self, request: GroupRequest, view: View, excluded: Collection[str], wanted: str) -> Choice | None:
        in_vain, key = self._router.in_vain, (request.group.alias, wanted)
        if in_vain[key] >= _IN_VAIN or all(item.deployment.id != wanted for item in request.group.members):
            return None
        same_canary = bool(excluded) or not self._router.settings.canary
        for _ in range(_TRIES):
            again = request if same_canary else request.redirected(request.group, request.request)
            result = request.group.choose(again, view, excluded)
            if isinstance(result, Choice) and result.member.deployment.id == wanted:
                request.share_memo(again)
                return result
        in_vain[key] += 1
        return None


class ReplayedRouter(CallRouter):
    """It sends nothing: `stage` says how attempts end."""

    stage: ReplayedDeployments
    shares: Shares
    chance: Chance

    def __init__(self, *deployments: Any, **options: Any) -> None:
        super().__init__(*deployments, **options)
        self.in_vain: Counter[tuple[str, str]] = Counter()
        """By alias and deployment: how often chance did not give it."""

    def perform(self, log: Log, chance: Chance, shares: Shares) -> None:
        """Say what is played."""
        self.stage, self.chance, self.shares = ReplayedDeployments(log, self.deployments), chance, shares

    def _with_layers(self, dispatcher: Dispatcher) -> Answerer:
        """Copy nothing: what mirrors would do is not replayed."""
        return self._rates.around(dispatcher)

    def _new_dispatcher(self, plan: RoutingPlan) -> Dispatcher:
        dispatcher = super()._new_dispatcher(plan)
        return _ReplayedDispatcher(
            plan=plan,
            services=dispatcher.services,
            queue=dispatcher.queue,
            on_fallback=dispatcher.on_fallback,
            send=self._send,
            router=self,
        )

    async def _send(self, request: AttemptRequest, outcome: StreamOutcome) -> Answer:
        return await self.stage.send(request, outcome)


@dataclass(frozen=True, slots=True, kw_only=True)
class _ReplayedDispatcher(Dispatcher):
    router: ReplayedRouter

    def admission(self, call: Call) -> Admission:
        return _LoggedAdmission(self.router, call)
