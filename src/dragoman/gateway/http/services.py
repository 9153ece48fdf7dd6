"""What the endpoints of one gateway share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dragoman.gateway.health_report import HealthReport
from dragoman.gateway.http.body import BodyBudget, BodyLimits
from dragoman.gateway.http.cors import Cors
from dragoman.gateway.logs.redactor import Redactor
from dragoman.governance import Gate
from dragoman.routing import CallRouter

__all__ = ["GatewayServices"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayServices:
    """Made once for each gateway, and handed to every endpoint."""

    router: CallRouter
    gate: Gate
    limits: BodyLimits
    bodies: BodyBudget
    redactor: Redactor
    cors: Cors
    health: HealthReport
    keep_alive_seconds: float
    include_cost: bool = False
    """Whether the usage at the end of a stream says what it cost."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Other names of models that may be listed."""
    started: int = 0
    """Unix seconds at which the gateway was started: the date of models without a known one."""
    written_lists: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    """Pages that list many models, as they were written last, with the version of the catalogue that they show."""
