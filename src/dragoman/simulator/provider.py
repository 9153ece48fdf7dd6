"""What every simulated provider has to do, and the call that it gets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from dragoman.simulator.exchange import Answer, SimulatedError, SimulatedRequest, SimulatedUsage, stable_number
from dragoman.simulator.faults import Faults

__all__ = ["IncomingCall", "SimulatedProvider", "count_usage"]


@dataclass(frozen=True)
class IncomingCall:
    """One request, after the path was understood. `model` is without its faults, `number` depends on nothing but the request."""

    operation: str
    model: str
    body: Any
    query: Mapping[str, str]
    headers: Mapping[str, str]
    faults: Faults
    seed: int
    number: int
    cached: set[str]
    """Prompts that were seen before, for the cache buckets of the usage."""


class SimulatedProvider(Protocol):
    name: str

    def check_key(self, headers: Mapping[str, str], query: Mapping[str, str]) -> None: ...

    def answer(self, incoming: IncomingCall) -> Answer: ...

    def fault(self, name: str, retry_after: str, incoming_model: str, key: str) -> SimulatedError: ...

    def bad_json(self) -> SimulatedError: ...

    def is_stream(self, operation: str, body: Any) -> bool: ...


def count_usage(
    request: SimulatedRequest, cached: set[str], limit: int, too_long: Callable[[int], SimulatedError]
) -> SimulatedUsage:
    """Return the usage with implicit caching: a prompt of 1024 tokens or more is read from the cache from the second time on."""
    used = request.prompt_tokens()
    if used > limit:
        raise too_long(used)
    if used < 1024:
        return SimulatedUsage(used)
    turns = request.turns[:-1] or request.turns
    prefix = str(stable_number(request.dialect, request.model, request.system, [turn.text for turn in turns]))
    if prefix in cached:
        kept = (used - 1) // 128 * 128
        return SimulatedUsage(used - kept, kept)
    cached.add(prefix)
    return SimulatedUsage(used)
