"""How many calls wait while all deployments are at their limits: the `queue` setting and its reader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from dragoman.settings.readers import Reader, object_of, record, seconds, whole
from dragoman.settings.setting import setting

__all__ = ["QueuePolicy", "priority_reader", "queue_policy"]


priority_reader: Reader = whole(-1_000_000, 1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePolicy:
    max_size: int = 100
    """How many calls of a model group may wait; 0: none."""
    timeout: float | None = None
    """Seconds that a call waits at most. None: `longest_wait`."""
    default_priority: int = setting(
        0, priority_reader, "the priority of calls without `priority`; lower is served first", kind="whole number"
    )
    models: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By alias: what replaces the fields above."""

    def of(self, alias: str) -> QueuePolicy:
        own = self.models.get(alias)
        return self if own is None else replace(self, models={}, **own)


_OWN: Mapping[str, Reader] = MappingProxyType(
    {"max_size": whole(0, 1_000_000), "timeout": seconds, "default_priority": priority_reader}
)


def queue_policy(value: Any, path: str) -> QueuePolicy:
    """`{max_size, timeout, default_priority, models: {alias: {the same}}}`. Raises `ConfigError`."""

    def models(said: Any, where: str) -> dict[str, dict[str, Any]]:
        return {alias: record(own, f"{where}.{alias}", _OWN) for alias, own in object_of(said, where).items()}

    return value if isinstance(value, QueuePolicy) else QueuePolicy(**record(value, path, {**_OWN, "models": models}))
