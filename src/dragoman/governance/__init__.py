"""Who may call, and who pays: the gate that a gateway asks, and the ticket that it gives for a call."""

from dragoman.governance.gate import FreeTicket, Gate, RouteAccess
from dragoman.governance.ticket import Background, Reservation, Ticket

__all__ = ["Background", "FreeTicket", "Gate", "Reservation", "RouteAccess", "Ticket"]
