"""What is known of one call: written by the router while the call goes on, read by everything that tells of it afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from dragoman.types.cost import Cost
from dragoman.types.usage import TokenUsage

__all__ = ["Attempt", "CallRecord", "answering_attempt"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One request to one deployment."""

    deployment: str
    provider: str
    model: str
    milliseconds: float
    error: str | None = None
    """The class of the error; None: it succeeded."""
    status: int | None = None
    alias: str = ""
    """The model group that the deployment belongs to: the caller's, or a fallback's."""
    why: str = ""
    """Why this deployment was chosen."""
    passed_over: tuple[tuple[str, str], ...] = ()
    """(deployment, reason) of those that could not take the call."""
    started_at: float = 0.0
    """Unix seconds."""
    code: str = ""
    """The code of the error: `connection_refused`, the provider's own, ..."""
    own_fault: bool = False
    """It failed by a fault of the deployment, or of its credential."""


def answering_attempt(attempts: Sequence[Attempt]) -> Attempt | None:
    """Return the attempt that answered: not always the last, as a hedged one is abandoned after another has answered."""
    if attempts and attempts[-1].error is None:
        return attempts[-1]
    return next((attempt for attempt in reversed(attempts) if attempt.error is None), None)


@dataclass(slots=True, kw_only=True, eq=False)
class CallRecord:
    """One call from its beginning to its end. The router alone writes it, through its methods; headers, log lines, events and
    reports are written from it."""

    request_id: str
    operation: str
    """`chat`, `embedding`, `text_completion` or `count_tokens`."""
    model: str
    """The model as the caller named it."""
    stream: bool = False
    started_at: float = 0.0
    """Unix seconds."""
    alias: str = ""
    """The requested model group; empty if there is none of that name."""
    route: str | None = None
    """The conditional route that led there, by its place in the configuration."""
    fallback: str = ""
    """The model group that was tried last instead of `alias`."""
    attempts: list[Attempt] = field(default_factory=list)
    provider: str = ""
    """The provider of the answer that has begun; empty while none has."""
    answered_model: str = ""
    """The provider's own name of the model that answered."""
    usage: TokenUsage | None = None
    """What the answer used, as far as it is known."""
    cost: Cost | None = None
    """None: no usage is known. `Cost.total` is None where the prices are unknown."""
    error: str = ""
    """The class of the error that ended the call; `Left`: the caller left a stream. Empty: it has succeeded, or goes on."""
    deployment_at_fault: str = ""
    """The deployment whose stream broke off by its own fault."""

    @property
    def answering(self) -> Attempt | None:
        """The attempt that answered."""
        return answering_attempt(self.attempts)

    @property
    def deployment(self) -> str:
        """The deployment that answered; without an answer the last one that was tried; empty before any attempt."""
        made = self.answering or (self.attempts[-1] if self.attempts else None)
        return "" if made is None else made.deployment

    def resolve(self, alias: str, route: str | None) -> None:
        self.alias, self.route = alias, route

    def fall_back(self, model: str) -> None:
        self.fallback = model

    def add_attempt(self, attempt: Attempt) -> None:
        self.attempts.append(attempt)

    def replace_attempt(self, position: int, attempt: Attempt) -> None:
        self.attempts[position] = attempt

    def begin_answer(self, provider: str, model: str) -> None:
        self.provider, self.answered_model = provider, model

    def settle(self, usage: TokenUsage | None, cost: Cost | None) -> None:
        self.usage, self.cost = usage, cost

    def fail(self, error: str, deployment_at_fault: str = "") -> None:
        self.error, self.deployment_at_fault = error, deployment_at_fault
