"""The deployments of a model group as an explanation shows them."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
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
    """None: nobody was looked for."""
    left: Mapping[str, str]
    """By id, those that are left to others, or cannot get the request: why."""

    @property
    def dropped(self) -> dict[str, str]:
        if self.found is None:
            return {}
        skipped = self.found.skipped if isinstance(self.found, NoDeployment) else self.found.choice.skipped
        return {**dict(skipped), **self.left}


async def candidates_of(
    request: GroupRequest, attempts: CallAttempts, onlook: GroupPreview, chosen: str | None
) -> tuple[Candidate, ...]:
    """All of the group that is asked; `chosen` where it is one of them."""
    members = request.group.members
    claims = [claim for member in members for claim in claims_of(member, request)]
    counters = [claim.counter for claim in claims]
    used = dict(zip(counters, await attempts.services.store.used(counters), strict=True)) if counters else {}
    result = onlook.found
    scores = (result.choice.scores if isinstance(result, Admitted) else None) or {}
    dropped = onlook.dropped if result is not None else {member.deployment.id: _TESTING for member in members}
    order = next((member.deployment.order for member in members if member.deployment.id == chosen), None)
    previews: dict[tuple[str, str, int], CostPreview | None] = {}
    rows: list[Candidate] = []
    for member in members:
        item = member.deployment
        reason = dropped.get(item.id)
        if reason is None and order is not None and item.order > order:
            reason = _LATER.format(order)
        kind = (item.provider.name, item.model, id(item.entry))
        if kind not in previews:
            previews[kind] = cost_of(item, attempts.request(item, request, 1.0), attempts)
        outage = member.outage(attempts.services.store.view().outages)
        rows.append(
            Candidate(
                deployment=item.id,
                provider=item.provider.name,
                model=item.model,
                order=item.order,
                chosen=item.id == chosen,
                score=scores.get(item.id),
                dropped=reason,
                until=None if outage is None else outage.until,
                probe=bool(outage is None and attempts.services.health.half_open(member)),
                limits=tuple(_uses(member, request, used)),
                cost=previews[kind],
            )
        )
    return tuple(rows)


def cost_of(deployment: Deployment, job: AttemptRequest, attempts: CallAttempts) -> CostPreview | None:
    if job.operation == "count_tokens":
        return None
    at = datetime.datetime.fromtimestamp(attempts.services.clock.time(), datetime.UTC)
    provider = deployment.provider.name
    return preview_of(cost_bounds(job.hub_request, deployment.entry, provider=provider, model=deployment.model, at=at))


def _uses(member: Member, request: GroupRequest, used: Mapping[Counter, int]) -> Iterator[LimitUse]:
    for claim in claims_of(member, request):
        yield LimitUse(_limit_name(claim), used[claim.counter], claim.amount, claim.limit)


def _limit_name(claim: Claim) -> str:
    return claim.counter.key.rpartition(":")[2]
