"""What is known of one call: written by the router while the call goes on, read by everything that tells of it afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    dropped: tuple[str, ...] = ()
    """What was left out of the request, as the provider cannot express it or it has no effect."""
    provider_headers: Mapping[str, str] = field(default_factory=dict)
    """The provider's own, of the answer that has begun; names in lower case."""
    usage: TokenUsage | None = None
    """What the answer used, as far as it is known."""
    cost: Cost | None = None
    """None: no usage is known. `Cost.total` is None where the prices are unknown."""
    is_settled: bool = False
    """Whether usage and cost are final: the answer, or its stream, has ended."""
    error: str = ""
    """The class of the error that ended the call; `Left`: the caller left a stream. Empty: it has succeeded, or goes on."""
    deployment_at_fault: str = ""
    """The deployment whose stream broke off by its own fault."""

    @property
    def answering(self) -> Attempt | None:
        """The attempt that answered."""
        attempts = self.attempts
        return attempts[-1] if attempts and attempts[-1].error is None else answering_attempt(attempts)

    @property
    def deployment(self) -> str:
        """The deployment that answered; without an answer the last one that was tried; empty before any attempt."""
        made = self.answering or (self.attempts[-1] if self.attempts else None)
        return "" if made is None else made.deployment

    @property
    def answering_deployment(self) -> str:
        """The deployment that answered; empty while none has."""
        attempt = self.answering
        return "" if attempt is None else attempt.deployment

    @property
    def last_provider(self) -> str:
        """The provider that answered, or else the one that was asked last."""
        return self.provider or (self.attempts[-1].provider if self.attempts else "")

    @property
    def last_model(self) -> str:
        """The provider's own name of the model that answered, or else of the one that was asked last."""
        return self.answered_model or (self.attempts[-1].model if self.attempts else "")

    def resolve(self, alias: str, route: str | None) -> None:
        self.alias, self.route = alias, route

    def fall_back(self, model: str) -> None:
        self.fallback = model

    def add_attempt(self, attempt: Attempt) -> None:
        self.attempts.append(attempt)

    def replace_attempt(self, position: int, attempt: Attempt) -> None:
        self.attempts[position] = attempt

    def begin_answer(self, provider: str, model: str, dropped: tuple[str, ...], headers: Mapping[str, str]) -> None:
        self.provider, self.answered_model = provider, model
        self.dropped, self.provider_headers = dropped, headers

    def settle(self, usage: TokenUsage | None, cost: Cost | None) -> None:
        self.usage, self.cost, self.is_settled = usage, cost, True

    def fail(self, error: str, deployment_at_fault: str = "") -> None:
        self.error, self.deployment_at_fault = error, deployment_at_fault
