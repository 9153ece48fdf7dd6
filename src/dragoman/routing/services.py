"""What all calls of one router share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from dragoman.observe import Event, Listener, tell
from dragoman.routing.clock import Clock
from dragoman.routing.health.health import DeploymentHealth
from dragoman.state import Outage, StateStore
from dragoman.transport import Transport

__all__ = ["RouterServices"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterServices:
    clock: Clock
    transport: Callable[[], Transport]
    """Return the transport of the running event loop."""
    listeners: Sequence[Listener]
    store: StateStore
    health: DeploymentHealth

    def tell(self, event: Event) -> None:
        tell(self.listeners, event)

    def outages(self) -> Mapping[str, Outage]:
        return self.store.view().outages
