"""What is never lost: keys, budgets and the ledger.

The law of this room is the opposite of that of `state`. There, verbs return at once, others are told in the background, and what
is lost costs a little accuracy. Here, a verb that has returned has been committed to durable storage and survives a crash of any
process; a store that cannot promise that raises `RecordsUnavailable` instead of going on from memory. Every verb may be repeated
after a failure whose outcome is unknown: the repetition changes nothing that the first try has changed.

Protocols only, so far: no database is served yet."""

from __future__ import annotations

from dragoman.records.budgets import Budget, BudgetClaim, BudgetRefusal, BudgetStore
from dragoman.records.faults import RecordConflict, RecordsUnavailable
from dragoman.records.keys import KeyRecord, KeyStore
from dragoman.records.ledger import Ledger, LedgerIntent, LedgerRow, LedgerSettlement

__all__ = [
    "Budget",
    "BudgetClaim",
    "BudgetRefusal",
    "BudgetStore",
    "KeyRecord",
    "KeyStore",
    "Ledger",
    "LedgerIntent",
    "LedgerRow",
    "LedgerSettlement",
    "RecordConflict",
    "RecordsUnavailable",
]
