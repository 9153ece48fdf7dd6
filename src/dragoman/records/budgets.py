"""How much money may be spent. Amounts are integer nano-dollars (1 US dollar = 1,000,000,000), times Unix seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Budget", "BudgetClaim", "BudgetRefusal", "BudgetStore"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """One budget, and where it stands."""

    id: str
    limit: int
    """Nano-dollars in each period."""
    period: float | None = None
    """Seconds; None: for ever."""
    period_started_at: float = 0.0
    spent: int = 0
    """Nano-dollars settled in this period."""
    held: int = 0
    """Nano-dollars reserved by calls that have not ended."""


@dataclass(frozen=True, slots=True)
class BudgetClaim:
    """The most that a call may cost, reserved in one budget."""

    budget: str
    amount: int
    """Nano-dollars, not negative."""


@dataclass(frozen=True, slots=True)
class BudgetRefusal:
    """Why nothing was reserved: the first budget, in the order of the claims, that has too little left."""

    budget: Budget
    claim: BudgetClaim
    resets_at: float | None
    """When its period ends; None: never."""


class BudgetStore(Protocol):
    """Budgets, and the holds that calls have on them, over all processes. Spending is never forgotten, and never estimated."""

    async def put(self, budget: Budget) -> None:
        """Create a budget, or change its limit and period; `spent` and `held` of a known one stay.

        Atomic: holds are compared with the old limit or the new one. Durable on return. Idempotent."""
        ...

    async def reserve(self, hold: str, claims: Sequence[BudgetClaim], expires_at: float) -> BudgetRefusal | None:
        """Reserve all claims, or none and return the refusal.

        Atomic over all budgets and processes: `spent + held` of no budget exceeds its limit by a reservation, however many come at
        once. Durable on return: a crash of the process leaves the hold until `expires_at`. Idempotent: a known hold with the same
        claims is reserved once. Raise `RecordConflict` for a known hold with other claims, or an unknown budget."""
        ...

    async def settle(self, hold: str, amount: int) -> None:
        """End a hold: each of its budgets has spent `amount` nano-dollars, in the period in which it was reserved.

        Atomic: no process sees the money in neither `held` nor `spent`, or in both. Durable on return. Idempotent: the same amount
        again does nothing. What was spent counts even if it is more than was reserved, or if the hold has expired. Raise
        `RecordConflict` for an unknown hold, or one settled with another amount."""
        ...

    async def release(self, hold: str) -> None:
        """End a hold of which nothing was spent.

        Atomic and durable as `settle`. Idempotent: an unknown, released or expired hold is left alone. Raise `RecordConflict` if it
        was settled with an amount."""
        ...

    async def extend(self, hold: str, expires_at: float) -> None:
        """Keep a hold for longer, as a stream goes on.

        Atomic: an expired hold is held again in the same step, even beyond the limit. Durable on return. Idempotent; never
        shortened. A settled or released hold is left alone."""
        ...

    async def read(self, budgets: Sequence[str]) -> Mapping[str, Budget]:
        """Return where these budgets stand now; unknown ids are missing.

        Atomic: all as of one moment. Durable: only what has been committed. Idempotent, as it changes nothing but the beginning of
        a new period."""
        ...
