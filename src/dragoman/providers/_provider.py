"""The record of a provider: its dialect, address, credential and small exceptions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dragoman.credentials import Credential
from dragoman.dialects.dialect import Endpoint

__all__ = ["Endpoint", "Provider"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One provider. Data only: to add one, write one down (see docs/add-a-provider.md)."""

    name: str
    """As in the user's model string, `name/model`."""
    base_url: str
    """May hold `{NAME}`, filled in from the environment."""
    endpoints: Mapping[str, Endpoint]
    """By the name of the operation, for all that it offers (see `speaks`)."""
    credential: Credential
    base_url_env: tuple[str, ...] = ()
    """Environment variables that replace `base_url`, first found wins."""
    version: str = ""
    """A path such as `/v1` that is put in where an address has no path of its own."""
    aliases: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent with every request."""
    vendor: str = ""
    """Whose signatures and provider-run tools it understands; its own name where left empty."""
    accent: Any = None
    """How its version of the dialect deviates (a record of the dialect's own type)."""
    faithful: bool = False
    """Whether it speaks its dialect so exactly that bodies may pass through untouched."""
    function: Callable[..., Any] | None = None
    """A provider that is a function of the user's (see `dragoman.CustomLLM`) instead of an address."""
