"""A dry run of a call up to its sending: a deployment is admitted without claiming anything, and the request is written and
discarded."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

from dragoman.errors import APIError, DragomanError
from dragoman.models import TokenTally, acount_tokens_locally
from dragoman.routing.admission.admission import Admission, Admitted
from dragoman.routing.admission.limits import claims_of
from dragoman.routing.attempt.attempt import by_stand_in, not_offered, stand_in_of
from dragoman.routing.attempt.prepare import prepare
from dragoman.routing.attempt.request import AttemptRequest
from dragoman.routing.explain.explanation import Refusal
from dragoman.routing.request import GroupRequest
from dragoman.routing.selection import Choice, NoDeployment
from dragoman.state import LimitRefusal as Refused
from dragoman.state import View

__all__ = ["DryWrite", "ReadOnlyAdmission", "dry_write", "input_tokens_of", "refusal_preview"]


class ReadOnlyAdmission(Admission):
    """Admits the deployment that a call would get, and claims nothing."""

    found: Admitted | NoDeployment
    """What was found last."""
    tried: Collection[str]
    """Whom it did not look at."""
    _draws: _Draws | None = None

    async def admit(self, request: GroupRequest, excluded: Collection[str] = ()) -> Admitted | NoDeployment:
        self.found, self.tried = await super().admit(request, excluded), excluded
        return self.found

    async def may_probe(self, keys: tuple[str, ...]) -> bool:
        return all([await self._store.claim_probe(key, 0.0) for key in keys])

    async def lease(self, choice: Choice, request: GroupRequest, probing: tuple[str, ...]) -> Admitted | Refused:
        claims = claims_of(choice.member, request)
        return (await self._store.refusal(claims) if claims else None) or Admitted(choice, "", probing)

    def release(self, admitted: Admitted) -> None:
        """There is nothing to give back."""

    def choose(self, request: GroupRequest, view: View, excluded: Collection[str]) -> Choice | NoDeployment:
        """Choose once with the scores of all deployments, which no other call needs, and then as a call does, by the same random
        numbers."""
        draws = self._draws = self._draws or _Draws(request.random)
        draws.begin()
        shown = super().choose(request.with_random(draws, explaining=True), view, excluded)
        draws.again()
        choice = super().choose(request.with_random(draws, explaining=False), view, excluded)
        if isinstance(choice, Choice) and isinstance(shown, Choice):
            return choice._replace(scores=shown.scores)
        return choice


class _Draws:
    """Random numbers that can be drawn once more."""

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
        """Forget the numbers drawn so far; those drawn from now on until `again` are drawn once more."""
        del self._said[: self._next]
        self._next = 0

    def again(self) -> None:
        self._next = 0


class DryWrite(NamedTuple):
    """What would be sent, as far as an explanation may show it."""

    dropped: tuple[str, ...] = ()
    passes_through: bool = False
    error: DragomanError | None = None
    """Why it cannot be written."""
    note: str = ""

    @property
    def refusal(self) -> Refusal | None:
        return None if self.error is None else refusal_preview(self.error)


def refusal_preview(error: DragomanError) -> Refusal:
    after = error.retry_after if isinstance(error, APIError) else None
    return Refusal(type(error).__name__, error.status_code, error.message, error.param, error.code, after)


async def input_tokens_of(job: AttemptRequest) -> TokenTally:
    """Return the input tokens, how they were counted, and whether the count is exact."""
    chat = job.operation.chat_of(job.hub_request)
    entry = job.deployment.entry
    request = {name: chat.get(name) for name in ("tool_choice", "response_format")}
    return await acount_tokens_locally(
        chat.get("messages"),
        chat.get("tools"),
        job.operation.texts(job.hub_request),
        entry.model if entry else job.deployment.model,
        **request,
    )


async def dry_write(job: AttemptRequest) -> DryWrite:
    """Write and sign a request, and throw it away. A signature that has to be waited for is left out."""
    provider = job.deployment.provider
    if job.options.is_mock or provider.function is not None:
        return DryWrite(note="a function of this process answers, and nothing is sent")
    drops: tuple[str, ...] = ()
    try:
        if (stand_in := stand_in_of(job)) is not None:
            job, drops = by_stand_in(job, stand_in)
        endpoint = provider.endpoints.get(job.operation.name)
        if endpoint is None:
            return _not_offered(job)
        prepared = prepare(job, endpoint)
        if not provider.credential.waits:
            await provider.credential.sign(prepared.http, job.options.api_key, provider=provider.name)
    except DragomanError as error:
        return DryWrite(error=error)
    return DryWrite((*drops, *prepared.dropped), prepared.native)


def _not_offered(job: AttemptRequest) -> DryWrite:
    provider = job.deployment.provider.name
    if job.operation.estimated:
        return DryWrite(note=f"{provider} counts no tokens: they are counted here")
    return DryWrite(error=not_offered(job))
