"""What processes share: limits, outages and observations; in memory for one process, in Redis for many."""

from __future__ import annotations

from dragoman.state._histogram import LatencyHistogram, Observed
from dragoman.state._redis_connection import address_fault
from dragoman.state.memory import MemoryStore
from dragoman.state.protocol import (
    LEASE_SECONDS,
    Claim,
    Counter,
    Counts,
    LimitRefusal,
    Limits,
    Observations,
    Outage,
    Outages,
    Outcome,
    SharedStore,
    StateStore,
    StoreState,
    StoreUnavailable,
    View,
)
from dragoman.state.redis import RedisStore
from dragoman.state.resilient import Policy, ResilientStore

__all__ = [
    "LEASE_SECONDS",
    "Claim",
    "Counter",
    "Counts",
    "LatencyHistogram",
    "LimitRefusal",
    "Limits",
    "MemoryStore",
    "Observations",
    "Observed",
    "Outage",
    "Outages",
    "Outcome",
    "Policy",
    "RedisStore",
    "ResilientStore",
    "SharedStore",
    "StateStore",
    "StoreState",
    "StoreUnavailable",
    "View",
    "address_fault",
]
