"""Who called what, and what it cost: one row for each request to a provider that may cost money, hedges and mirrors too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from dragoman.types.usage import TokenUsage

__all__ = ["Ledger", "LedgerIntent", "LedgerRow", "LedgerSettlement"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerIntent:
    """What is known before a provider is called. Times are Unix seconds."""

    id: str
    """Of the row: unique over all processes, and in the order of time."""
    request_id: str
    """The call's; several rows may belong to one call."""
    key_id: str
    """The key that the caller showed; empty without one."""
    operation: str
    model: str
    """As the caller named it."""
    deployment: str
    hold: str = ""
    """The hold on the caller's budgets; empty without one."""
    started_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSettlement:
    """What is known afterwards."""

    ended_at: float
    usage: TokenUsage | None = None
    cost: int | None = None
    """Nano-dollars; None: not known, which is not nothing."""
    error: str = ""
    """The class of the error; empty: it succeeded."""


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """An intent, and its settlement once there is one."""

    intent: LedgerIntent
    settlement: LedgerSettlement | None = None
    """None: the request is under way, or its process has died."""


class Ledger(Protocol):
    """Rows are added and settled, never changed after that and never removed."""

    async def intend(self, intent: LedgerIntent) -> None:
        """Add a row before the provider is called, so that no request that costs money is without one.

        Atomic: the row is there whole, or not at all. Durable on return. Idempotent: the same intent again does nothing. Raise
        `RecordConflict` if the id belongs to another intent."""
        ...

    async def settle(self, row_id: str, settlement: LedgerSettlement) -> None:
        """Complete a row.

        Atomic: the first settlement of a row is its only one, whichever process writes it. Durable on return. Idempotent: the same
        settlement again does nothing. Raise `RecordConflict` for an unknown row, or one that was settled otherwise."""
        ...

    async def rows(self, row_ids: Sequence[str]) -> Sequence[LedgerRow]:
        """Return the rows with these ids, in their order; unknown ids are left out.

        Atomic for each row. Durable: only what has been committed, and all that was before the call. Idempotent, as it changes
        nothing."""
        ...

    async def page(self, after: str = "", limit: int = 100) -> Sequence[LedgerRow]:
        """Return at most `limit` rows whose ids follow `after`, in the order of their ids. Atomic, durable and idempotent as
        `rows`."""
        ...

    async def unsettled(self, started_before: float, limit: int = 100) -> Sequence[LedgerRow]:
        """Return rows that began before this time and have no settlement, the oldest first: what a dead process left behind.
        Atomic, durable and idempotent as `rows`."""
        ...
