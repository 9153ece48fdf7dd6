"""The deployments of a model group as an explanation shows them."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from dragoman.models import cost_bounds
from dragoman.routing.admission.admission import Admitted
from dragoman.routing.admission.limits import claims_of
from dragoman.routing.attempt.request import AttemptRequest
from dragoman.routing.deployments.deployment import Deployment
from dragoman.routing.deployments.member import Member
from dragoman.routing.explain.explanation import Candidate, CostPreview, LimitUse, preview_of
from dragoman.routing.recovery.attempts import CallAttempts
from dragoman.routing.request import GroupRequest
from dragoman.routing.selection import NoDeployment
from dragoman.state import Claim, Counter

__all__ = ["WAITERS_AHEAD", "GroupPreview", "candidates_of", "cost_of"]

_LATER = "order: those of order {} are asked first"
_TESTING = "the call tests its fallbacks"
WAITERS_AHEAD = "others wait for it"


class GroupPreview(NamedTuple):
    """What was found in the group."""

    found: Admitted | NoDeployment | None
    """None: no deployment was looked for."""
    left: Mapping[str, str]
    """By id, the deployments that are left to other calls, or cannot get the request: why."""

    @property
    def scores(self) -> Mapping[str, float]:
        return (self.found.choice.scores if isinstance(self.found, Admitted) else None) or {}

    def reasons(self, members: Sequence[Member], chosen: str | None) -> dict[str, str]:
        """Return, by id, why deployments would not get the call."""
        if self.found is None:
            return {member.deployment.id: _TESTING for member in members}
        skipped = self.found.skipped if isinstance(self.found, NoDeployment) else self.found.choice.skipped
        order = next((member.deployment.order for member in members if member.deployment.id == chosen), None)
        later = [member.deployment.id for member in members if order is not None and member.deployment.order > order]
        return {**dict.fromkeys(later, _LATER.format(order)), **dict(skipped), **self.left}


async def candidates_of(
    request: GroupRequest, attempts: CallAttempts, preview: GroupPreview, chosen: str | None
) -> tuple[Candidate, ...]:
    """Return a row for each deployment of the requested group; `chosen`: the id of the chosen one, where it is among them."""
    members = request.group.members
    counters = [claim.counter for member in members for claim in claims_of(member, request)]
    used = dict(zip(counters, await attempts.services.store.used(counters), strict=True)) if counters else {}
    view = _GroupView(request, attempts, chosen, preview.scores, preview.reasons(members, chosen), used)
    return tuple(view.row(member) for member in members)


@dataclass(slots=True)
class _GroupView:
    """What the rows of one group are made of."""

    request: GroupRequest
    attempts: CallAttempts
    chosen: str | None
    scores: Mapping[str, float]
    reasons: Mapping[str, str]
    """By id: why a deployment would not get the call."""
    used: Mapping[Counter, int]
    _costs: dict[tuple[str, str, int], CostPreview | None] = field(default_factory=dict)
    """Deployments of one model cost the same."""

    def row(self, member: Member) -> Candidate:
        item, services = member.deployment, self.attempts.services
        outage = member.outage(services.store.view().outages)
        return Candidate(
            deployment=item.id,
            provider=item.provider.name,
            model=item.model,
            order=item.order,
            chosen=item.id == self.chosen,
            score=self.scores.get(item.id),
            dropped=self.reasons.get(item.id),
            until=None if outage is None else outage.until,
            probe=bool(outage is None and services.health.half_open(member)),
            limits=tuple(_uses(member, self.request, self.used)),
            cost=self._cost(item),
        )

    def _cost(self, deployment: Deployment) -> CostPreview | None:
        key = (deployment.provider.name, deployment.model, id(deployment.entry))
        if key not in self._costs:
            job = self.attempts.request(deployment, self.request, 1.0)
            self._costs[key] = cost_of(deployment, job, self.attempts)
        return self._costs[key]


def cost_of(deployment: Deployment, job: AttemptRequest, attempts: CallAttempts) -> CostPreview | None:
    if not job.operation.billed:
        return None
    at = datetime.datetime.fromtimestamp(attempts.services.clock.time(), datetime.UTC)
    provider = deployment.provider.name
    return preview_of(cost_bounds(job.hub_request, deployment.entry, provider=provider, model=deployment.model, at=at))


def _uses(member: Member, request: GroupRequest, used: Mapping[Counter, int]) -> Iterator[LimitUse]:
    for claim in claims_of(member, request):
        yield LimitUse(_limit_name(claim), used[claim.counter], claim.amount, claim.limit)


def _limit_name(claim: Claim) -> str:
    return claim.counter.key.rpartition(":")[2]
