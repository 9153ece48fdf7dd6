"""A deployment: one model at one provider with one credential, under an alias."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from dragoman.providers import Provider
from dragoman.routing.settings.call_options import CallOptions
from dragoman.state import Counter
from dragoman.types.model_entry import ModelEntry

__all__ = ["Deployment", "Limit"]

_MINUTE = 60.0
_COUNTED: tuple[tuple[str, str, float | None], ...] = (
    ("rpm", "rpm", _MINUTE),
    ("tpm", "tpm", _MINUTE),
    ("itpm", "itpm", _MINUTE),
    ("otpm", "otpm", _MINUTE),
    ("max_parallel_requests", "parallel", None),
)
"""The field of a deployment, the name of its counter, and the seconds of its window."""


class Limit(NamedTuple):
    """One of the limits of a deployment."""

    field: str
    """Of `Deployment`."""
    counter: Counter
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    id: str
    alias: str
    """The name that callers use; several deployments may share it."""
    provider: Provider
    model: str
    """The provider's own name of the model."""
    options: CallOptions = field(default_factory=CallOptions)
    params: Mapping[str, Any] = field(default_factory=dict)
    """Defaults of the request, e.g. `temperature`; the caller's own values win."""
    order: int = 0
    """Lower comes first; equals stay in the order of the list."""
    weight: float | None = None
    rpm: int | None = None
    """Requests in a minute."""
    tpm: int | None = None
    """Tokens in a minute, input and output together."""
    itpm: int | None = None
    """Tokens of input in a minute."""
    otpm: int | None = None
    """Tokens of output in a minute."""
    max_parallel_requests: int | None = None
    tags: tuple[str, ...] = ()
    tag_regex: tuple[str, ...] = ()
    """Regular expressions: a caller whose `User-Agent` header matches one counts as having the deployment's tags."""
    region: str | None = None
    cooldown_time: float | None = None
    """Seconds of its first cooldown, instead of the router's."""
    allowed_fails: int | None = None
    """Failures in a row that are still chance, instead of the router's."""
    allowed_fails_by_error: Mapping[str, int] = field(default_factory=dict)
    """The same by the class of the error."""
    blocked: bool = False
    """Nothing is sent to it."""
    silent_model: str | None = None
    """The model that gets a copy of what is sent to it."""
    wild: bool = False
    """The model's name came from the caller, by a pattern."""
    model_info: Mapping[str, Any] = field(default_factory=dict)
    ignored: Mapping[str, Any] = field(default_factory=dict)
    """Settings that are known and do nothing yet."""
    entry: ModelEntry | None = None
    """What the model can do and what it costs. The router fills it in from its catalogue, under the deployment's own prices
    and facts (`options.prices`, `options.base_model`, `model_info`). None: nothing is known."""
    path: str = field(default="", compare=False, repr=False)
    """Where a configuration says it: `model_list[3].litellm_params`. Empty: it came otherwise."""
    limits: tuple[Limit, ...] = field(init=False, compare=False, repr=False)
    """Those that it has."""

    def __post_init__(self) -> None:
        result = tuple(
            Limit(name, Counter(f"{self.id}:{counter}", seconds), most)
            for name, counter, seconds in _COUNTED
            if (most := getattr(self, name)) is not None
        )
        object.__setattr__(self, "limits", result)

    @property
    def key(self) -> str:
        """Under which its health is kept: of a wildcard's, for each model. Its limits are kept under its `id`."""
        return f"{self.id}:{self.model}" if self.wild else self.id

    @property
    def place(self) -> tuple[str, str, str]:
        """Whom it asks, and with which key."""
        return self.provider.name, self.model, self.credential_key

    @property
    def credential_key(self) -> str:
        """Under which the state of its credential is kept; it tells nothing about the key itself."""
        value = f"{self.options.api_base or ''} {self.options.api_key or ''}"
        return f"credential:{self.provider.name}:{hashlib.sha256(value.encode()).hexdigest()[:12]}"
