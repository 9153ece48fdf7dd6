"""A deployment: one model at one provider with one credential, under an alias."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dragoman.providers import Provider
from dragoman.routing._call import CallOptions
from dragoman.types.model_entry import ModelEntry

__all__ = ["Deployment"]


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
    """Lower is asked first; equals stay in the order of the list."""
    model_info: Mapping[str, Any] = field(default_factory=dict)
    later: Mapping[str, Any] = field(default_factory=dict)
    """Settings that are known and do not work yet (`rpm`, `weight`, ...)."""
    entry: ModelEntry | None = None
    """What the model can do and what it costs. The router fills it in from its catalogue, under the deployment's own prices
    and facts (`options.prices`, `options.base_model`, `model_info`). None: nothing is known."""
