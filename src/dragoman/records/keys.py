"""The keys that callers show to the gateway. Only their hashes are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

__all__ = ["KeyRecord", "KeyStore"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """One key. Times are Unix seconds."""

    id: str
    """Public: shown in lists, the ledger and logs."""
    digest: bytes
    """SHA-256 of the key, which is random and long, so that no salt is needed."""
    name: str = ""
    owner: str = ""
    """The team or user that the key belongs to."""
    models: tuple[str, ...] = ()
    """The aliases that it may call; empty: all."""
    budgets: tuple[str, ...] = ()
    """The ids of the budgets that its calls are charged to."""
    created_at: float
    expires_at: float | None = None
    revoked_at: float | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    version: int = 1
    """Raised by each change."""


class KeyStore(Protocol):
    """The keys of all gateways that share the store."""

    async def create(self, key: KeyRecord) -> None:
        """Add a key.

        Atomic: the key is there with all its fields, or not at all. Durable on return. Idempotent: the same record again does
        nothing. Raise `RecordConflict` if its id or its digest belongs to another record."""
        ...

    async def find(self, digest: bytes) -> KeyRecord | None:
        """Return the key with this digest, revoked and expired ones too: the gate tells them apart.

        Atomic: one committed version, never a mixture. Durable: it reads what has been committed, by any process, before the
        call; a caller that keeps the answer learns of a revocation only when it reads again. Idempotent, as it changes nothing."""
        ...

    async def read(self, key_id: str) -> KeyRecord | None:
        """Return the key with this id. Atomic, durable and idempotent as `find`."""
        ...

    async def page(self, after: str = "", limit: int = 100) -> Sequence[KeyRecord]:
        """Return at most `limit` keys whose ids follow `after`, in the order of their ids.

        Atomic for each record, not for the list: keys that are created meanwhile may be missing. Durable and idempotent as
        `find`."""
        ...

    async def replace(self, key: KeyRecord) -> KeyRecord:
        """Replace the key of this id, and return it with its new version.

        Atomic: compared and written in one step over all processes, so that of two changes of one version the second is refused.
        Durable on return. Idempotent: a repetition whose first try was committed returns that. Raise `RecordConflict` if the store
        holds another version than `key.version`, or no such key."""
        ...

    async def revoke(self, key_id: str, at: float) -> None:
        """End a key.

        Atomic: it cannot be undone by a `replace` of an older version. Durable on return. Idempotent: the first `at` stays. An
        unknown id raises `RecordConflict`."""
        ...
