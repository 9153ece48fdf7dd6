"""Which optional checks restrict the choice of a deployment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dragoman.settings.readers import boolean, texts
from dragoman.settings.setting import setting

__all__ = ["CheckPolicy"]


def _regions(value: Any, path: str) -> tuple[frozenset[str], ...]:
    regions = texts(value, path)
    return (frozenset(regions),) if regions else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckPolicy:
    """The checks that a configuration turns on. The others are made wherever they can matter."""

    # Off by default: a window may be wider for a customer than the catalogue says, and the provider's own refusal leads to
    # the same fallbacks.
    window: bool = setting(
        False,
        boolean,
        "keep requests away from models whose window is too small, see [checks](routing.md#checks)",
        name="enable_pre_call_checks",
    )
    tags: bool = setting(
        False, boolean, "choose by the `tags` of the call and of the deployments", name="enable_tag_filtering"
    )
    match_any: bool = setting(
        True,
        boolean,
        "one common tag is enough; false: a deployment must have all tags of the call",
        name="tag_filtering_match_any",
    )
    regions: tuple[frozenset[str], ...] = setting(
        (),
        _regions,
        "`eu`, `us-east-1`, ...: the regions of all calls; a call can only narrow them, see [checks](routing.md#checks)",
        name="allowed_model_region",
        kind="text or list",
    )
    """A deployment is in one region of each set."""
    drop_params: bool = False
