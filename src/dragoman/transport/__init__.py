"""The only place that opens a socket to a provider; foreign network errors become ours here."""

from __future__ import annotations

from dragoman.transport._limits import Timeouts
from dragoman.transport._reply import Reply
from dragoman.transport._transport import Transport

__all__ = ["Reply", "Timeouts", "Transport"]
