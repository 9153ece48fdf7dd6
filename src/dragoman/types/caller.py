"""Who makes a call, as the gate has authenticated it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ANONYMOUS", "Caller"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """One caller of the gateway. Nothing in it is a secret, and nothing in it comes from the request's body."""

    key_id: str = ""
    """Identifies the key that was presented: never the key itself. Empty: none was needed."""
    key_alias: str = ""
    """The name that the operator gave the key."""
    team: str = ""
    user: str = ""


ANONYMOUS = Caller()
"""A caller that needs no key."""
