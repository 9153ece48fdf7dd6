"""What processes share: limits, outages and observations; in memory for one process, in Redis for many."""

from __future__ import annotations

from dragoman.stores._protocol import (
    LEASE_SECONDS,
    Claim,
    Counter,
    Counts,
    Limits,
    Observations,
    Outage,
    Outages,
    Outcome,
    Refusal,
    SharedStore,
    Store,
    StoreState,
    StoreUnavailable,
    View,
)
from dragoman.stores._sketch import Observed, Sketch
from dragoman.stores._trips import address_fault
from dragoman.stores.memory import MemoryStore
from dragoman.stores.redis import RedisStore
from dragoman.stores.resilient import Policy, ResilientStore

__all__ = [
    "LEASE_SECONDS",
    "Claim",
    "Counter",
    "Counts",
    "Limits",
    "MemoryStore",
    "Observations",
    "Observed",
    "Outage",
    "Outages",
    "Outcome",
    "Policy",
    "RedisStore",
    "Refusal",
    "ResilientStore",
    "SharedStore",
    "Sketch",
    "Store",
    "StoreState",
    "StoreUnavailable",
    "View",
    "address_fault",
]
