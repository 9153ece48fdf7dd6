"""What a store of state promises, verb by verb, and the frozen records that it takes and returns.

The law of this room: what is here may be lost, and the other processes are told in the background; see `records` for what may not
be lost. Keys are opaque: a store knows neither deployments nor users. What happens before a call and must be agreed on by all
processes is awaited (`acquire`, `claim_probe`). Everything else is a plain method, returns at once, is seen at once in this
process, and by the others within the refresh interval (1 s by default). A plain verb cannot be cancelled: what is settled in a
`finally` is settled."""

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
    """What is limited: an amount in any window of `seconds`, or, without seconds, slots that are held at the same time."""

    key: str
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """An amount of a counter, which must not exceed its limit. Of slots a lease holds one, whatever the amount."""

    counter: Counter
    limit: int
    amount: int = 1


@dataclass(frozen=True, slots=True)
class LimitRefusal:
    """Why nothing was acquired: of several reasons the one that lasts longest."""

    claim: Claim
    used: int
    retry_after: float | None
    """Seconds until the claim fits if no other comes first; None: never, as it is larger than the limit. For slots, whose end
    is not known, one second."""
    is_unavailable: bool = False
    """Whether the policy refused and not the limit, as the shared store does not answer."""


@dataclass(frozen=True, slots=True)
class Outage:
    """A key is out until a time. Times are those of the store's `now`."""

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
    """What this process knows, to choose by: plain dictionaries without I/O. Read them at once and keep none: they change."""

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
    """Why the state is local; once it is shared again, why it was not."""


class Limits(Protocol):
    async def acquire(self, lease: str, claims: Sequence[Claim], ttl: float = LEASE_SECONDS) -> LimitRefusal | None:
        """All claims or none, in one atomic step over all processes; each lease once.

        In no window of a counter's length more than its limit is admitted. A window is kept in sixtieths: what was admitted leaves
        it up to a sixtieth of its length late (a minute's: 1 s), never early. A refusal takes nothing."""
        ...

    async def refusal(self, claims: Sequence[Claim]) -> LimitRefusal | None:
        """Return what `acquire` would return now. Nothing is taken."""
        ...

    def settle(self, lease: str, amounts: Mapping[str, int] | None = None) -> None:
        """End a lease that this process acquired: its slots are free, and what it claimed in windows becomes the real amount,
        by the counter's key, where one is given, at the time of the claim. An unknown or settled lease is left alone."""
        ...

    def renew(self, lease: str, ttl: float = LEASE_SECONDS) -> None:
        """Hold a lease's slots for so long from now; one that had run out is counted again, even beyond the limit."""
        ...

    async def used(self, counters: Sequence[Counter]) -> tuple[int, ...]:
        """Return how much of each is used now, over all processes."""
        ...

    def watch(self, counters: Iterable[Counter], *, by: str = "") -> None:
        """Show these counters in the view for `by`, instead of those that it watched before."""
        ...


class Outages(Protocol):
    def open_circuit(self, key: str, outage: Outage) -> None:
        """Begin an outage. Of two outages of a key the later end counts. The right to probe is granted anew."""
        ...

    def close_circuit(self, key: str) -> None:
        """End an outage."""
        ...

    async def claim_probe(self, key: str, ttl: float) -> bool:
        """Whether the caller, alone among all processes, may probe; the others may not until `ttl` has passed, or
        `open_circuit` or `close_circuit` has told how the probe ended. With a `ttl` of 0 nothing is claimed: whether it could
        be."""
        ...

    def count(self, key: str, outcome: Outcome, window: float) -> Counts:
        """Count an outcome, and return what was counted within the last `window` seconds, as far as this process knows."""
        ...

    def counted(self, key: str, window: float) -> Counts:
        """Return what was counted within the last `window` seconds, as far as this process knows."""
        ...


class Observations(Protocol):
    def began(self, key: str) -> None:
        """Count one more in flight."""
        ...

    def ended(self, key: str) -> None:
        """Count one less in flight."""
        ...

    def observe(
        self, key: str, milliseconds: float, first_content_ms: float | None = None, tokens: int | None = None
    ) -> None:
        """Record how long a call took, how long until its first content, and how many tokens it wrote."""
        ...


class StateStore(Limits, Outages, Observations, Protocol):
    """All the state that processes share."""

    @property
    def state(self) -> StoreState: ...

    def now(self) -> float:
        """Return the store's time, in seconds since 1970: that of the shared store once it is known."""
        ...

    def view(self) -> View:
        """Return what this process knows now."""
        ...

    async def open(self) -> None:
        """Begin to share. Never raises, and waits no longer than one timeout."""
        ...

    async def refresh(self) -> None:
        """Exchange state with the others now, instead of within the refresh interval."""
        ...

    async def close(self) -> None:
        """Send what is still to be sent, and stop."""
        ...


class SharedStore(StateStore, Protocol):
    """A store in another place: what must be agreed on raises `StoreUnavailable` while that place does not answer."""

    @property
    def local(self) -> StateStore:
        """What this process knows, with which it can go on alone."""
        ...

    def listen(self, on_contact: Callable[[str | None], None]) -> None:
        """Call `on_contact` with the error whenever the place does not answer, and with None after each refresh, when it knows what
        this process knows."""
        ...
