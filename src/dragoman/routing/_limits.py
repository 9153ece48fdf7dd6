"""The limits of a deployment: requests and tokens in a minute, and calls at the same time."""

from __future__ import annotations

from dragoman.routing._asked import Asked
from dragoman.routing._health import Member
from dragoman.stores import Claim, Counter
from dragoman.types.usage import Usage

__all__ = ["claims_of", "spent"]

_MINUTE = 60.0


def claims_of(member: Member, asked: Asked) -> tuple[Claim, ...]:
    """What one call takes of them before it is made; the tokens by estimate, made right when it is over."""
    deployment = member.deployment
    claims: list[Claim] = []
    if deployment.rpm is not None:
        claims.append(Claim(Counter(f"{member.key}:rpm", _MINUTE), deployment.rpm))
    if deployment.tpm is not None:
        amount = min(
            asked.estimated_tokens, deployment.tpm
        )  # one that alone is over the limit may go when nothing else does
        claims.append(Claim(Counter(f"{member.key}:tpm", _MINUTE), deployment.tpm, amount))
    if deployment.max_parallel_requests is not None:
        claims.append(Claim(Counter(f"{member.key}:parallel"), deployment.max_parallel_requests))
    return tuple(claims)


def spent(member: Member, usage: Usage | None) -> dict[str, int]:
    """What a call really took, for the settlement of its lease."""
    return {} if usage is None else {f"{member.key}:tpm": usage.get("total_tokens") or 0}
