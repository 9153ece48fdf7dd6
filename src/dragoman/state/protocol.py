"""What a store promises, verb by verb, and the frozen records that it takes and gives.

Keys are opaque: a store knows neither deployments nor users. What happens before a call and must be agreed on by all processes is
awaited (`acquire`, `claim_probe`); everything else is plain, returns at once, is seen at once in this process, and by the others
within the refresh interval (1 s by default). A plain verb cannot be cancelled: what is settled in a `finally` is settled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol, TypeAlias

from dragoman.state._histogram import Observed

__all__ = [
    "LEASE_SECONDS",
    "Claim",
    "Counter",
    "Counts",
    "LimitRefusal",
    "Limits",
    "Observations",
    "Outage",
    "Outages",
    "Outcome",
    "SharedStore",
    "StateStore",
    "StoreState",
    "StoreUnavailable",
    "View",
]

LEASE_SECONDS = 30.0
"""How long a lease holds its slots unless it is renewed: the longest that slots of a killed process stay taken."""

Outcome: TypeAlias = Literal["success", "failure"]


class StoreUnavailable(Exception):
    """The shared store does not answer. Never seen above a `ResilientStore`."""


class Counter(NamedTuple):
    """What is limited: an amount in any window of so many seconds, or, without seconds, slots that are held at the same time."""

    key: str
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """So much of a counter, which must not exceed its limit. Of slots a lease holds one, whatever the amount."""

    counter: Counter
    limit: int
    amount: int = 1


@dataclass(frozen=True, slots=True)
class LimitRefusal:
    """Why nothing was acquired; of several reasons the one that lasts longest."""

    claim: Claim
    used: int
    retry_after: float | None
    """Seconds until the claim fits if nobody else comes first; None where it never will, being larger than the limit. For slots,
    whose end nobody knows, one second."""
    is_unavailable: bool = False
    """Not the limit refused but the policy, as the shared store does not answer."""


@dataclass(frozen=True, slots=True)
class Outage:
    """Something is out until then. Times are those of the store's `now`."""

    reason: str
    error: str
    """The class of the error."""
    since: float
    until: float
    failures: int = 1


class Counts(NamedTuple):
    successes: int
    failures: int


@dataclass(slots=True)
class View:
    """What this process knows, to choose by: plain dictionaries without I/O. To be read, not kept: they change with time."""

    outages: Mapping[str, Outage] = field(default_factory=dict)
    """Those that last at the time of the call to `view()`."""
    in_flight: Mapping[str, int] = field(default_factory=dict)
    observed: Mapping[str, Observed] = field(default_factory=dict)
    used: Mapping[Counter, int] = field(default_factory=dict)
    """Of the watched counters. What runs out of a window leaves it here up to one second late."""


@dataclass(frozen=True, slots=True)
class StoreState:
    """Whether processes share their knowledge."""

    where: Literal["shared", "local"]
    since: float
    error: str | None = None
    """Why it is local; where it is shared again, why it was not."""


class Limits(Protocol):
    async def acquire(self, lease: str, claims: Sequence[Claim], ttl: float = LEASE_SECONDS) -> LimitRefusal | None:
        """All claims or none, in one atomic step over all processes; each lease once.

        In no window of a counter's length more than its limit is admitted. A window is kept in sixtieths: what was admitted leaves
        it up to a sixtieth of its length late (a minute's: 1 s), never early. A refusal takes nothing."""
        ...

    async def refusal(self, claims: Sequence[Claim]) -> LimitRefusal | None:
        """What `acquire` would say now; nothing is taken."""
        ...

    def settle(self, lease: str, amounts: Mapping[str, int] | None = None) -> None:
        """End a lease that this process acquired: its slots are free, and what it claimed in windows becomes the real amount,
        by the counter's key, where one is given, at the time of the claim. An unknown or settled lease is left alone."""
        ...

    def renew(self, lease: str, ttl: float = LEASE_SECONDS) -> None:
        """Hold a lease's slots for so long from now; one that had run out is counted again, even beyond the limit."""
        ...

    async def used(self, counters: Sequence[Counter]) -> tuple[int, ...]:
        """How much of each is used now, over all processes."""
        ...

    def watch(self, counters: Iterable[Counter], *, by: str = "") -> None:
        """The counters that `by` wants to see in the view, instead of those it watched before."""
        ...


class Outages(Protocol):
    def open_circuit(self, key: str, outage: Outage) -> None:
        """Of two outages of a key the one that ends later holds. The right to probe is given anew."""
        ...

    def close_circuit(self, key: str) -> None:
        """End an outage."""
        ...

    async def claim_probe(self, key: str, ttl: float) -> bool:
        """Whether the caller, alone among all processes, may probe; the others may not until `ttl` has passed, or
        `take_out` or `put_back` has told how the probe ended. With a `ttl` of 0 nothing is claimed: whether it could be."""
        ...

    def count(self, key: str, outcome: Outcome, window: float) -> Counts:
        """Count it, and say what was counted within the last `window` seconds, as far as this process knows."""
        ...

    def counted(self, key: str, window: float) -> Counts:
        """What was counted within the last `window` seconds, as far as this process knows."""
        ...


class Observations(Protocol):
    def began(self, key: str) -> None:
        """One more in flight."""
        ...

    def ended(self, key: str) -> None:
        """One less in flight."""
        ...

    def observe(
        self, key: str, milliseconds: float, first_content_ms: float | None = None, tokens: int | None = None
    ) -> None:
        """How long a call took, how long until its first content, and how many tokens it wrote."""
        ...


class StateStore(Limits, Outages, Observations, Protocol):
    """Everything that processes share."""

    @property
    def state(self) -> StoreState: ...

    def now(self) -> float:
        """The store's clock, in seconds since 1970; that of the shared store once it is known."""
        ...

    def view(self) -> View:
        """What this process knows now."""
        ...

    async def open(self) -> None:
        """Begin to share. It does not fail and does not wait longer than one timeout."""
        ...

    async def refresh(self) -> None:
        """Be heard and hear the others now, instead of within the refresh interval."""
        ...

    async def close(self) -> None:
        """Send what is to be sent, and stop."""
        ...


class SharedStore(StateStore, Protocol):
    """One that lives elsewhere: what must be agreed on raises `StoreUnavailable` while that place does not answer."""

    @property
    def local(self) -> StateStore:
        """What this process knows, to go on by alone."""
        ...

    def listen(self, heard: Callable[[str | None], None]) -> None:
        """Call this with the error whenever the place does not answer, and with None after each refresh: it then knows what
        this process knows."""
        ...
