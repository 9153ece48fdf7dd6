"""The only room that opens a socket to a provider. The errors of the network become Dragoman's own here."""

from __future__ import annotations

from dragoman.transport._reply import Reply
from dragoman.transport._timeouts import Timeouts
from dragoman.transport._transport import Transport

__all__ = ["Reply", "Timeouts", "Transport"]
