"""Which deployments cannot take a call: one plain function for each reason, asked in the order of the table.

A check says why not, for a person, or None. Only those that can matter for a group are asked: `relevant` decides it once,
when the group is made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from dragoman.routing._asked import Asked
from dragoman.routing._deployment import Deployment

__all__ = ["CHECKS", "Check", "PassedOver"]


class PassedOver(NamedTuple):
    """A deployment that was not asked, and why."""

    deployment: str
    reason: str


class Check(NamedTuple):
    name: str
    refuses: Callable[[Deployment, Asked], str | None]
    relevant: Callable[[Sequence[Deployment]], bool]


CHECKS: tuple[Check, ...] = ()
"""Those beyond health and limits, which are always asked (`_choice.py`)."""
