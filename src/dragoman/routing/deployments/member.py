"""A deployment within its group, with the keys of its state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from dragoman.routing.deployments.deployment import Deployment
from dragoman.state import Outage

__all__ = ["Member"]


class Member(NamedTuple):
    """A deployment of a group, and the keys under which its state is kept."""

    deployment: Deployment
    key: str
    """Empty: a deployment of a single call, about which nothing is remembered."""
    credential: str
    alone: bool
    """There is nowhere else to go. Then only its own known limits keep a call from it: better the provider's own word than none."""

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that must be healthy for it to get calls."""
        return (self.key,) if self.alone else (self.key, self.credential)

    def outage(self, outages: Mapping[str, Outage]) -> Outage | None:
        """Return the outage that keeps calls from it."""
        return next((outages[key] for key in self.keys if key in outages), None)
