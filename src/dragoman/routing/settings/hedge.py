"""When a second deployment is called beside a slow first one: the `hedge` setting and its reader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from dragoman.settings.readers import as_number, at_least, record, wrong
from dragoman.types.cost import NANO_DOLLARS

__all__ = ["HedgePolicy", "hedge_policy"]


_EXPECTED = "`{after: p95 or seconds, max_extra_cost: dollars}`, true or false"


@dataclass(frozen=True, slots=True, kw_only=True)
class HedgePolicy:
    """When a second deployment is asked, and what that may cost."""

    after: float | None = None
    """Seconds; None: the time within which 95 % of the first deployment's calls were answered."""
    max_extra_cost: int | None = None
    """Nano-dollars that the second call may cost at the most; None: whatever it costs."""
    off: bool = False


def hedge_policy(value: Any, path: str) -> HedgePolicy:
    """Raises `ConfigError`."""
    if isinstance(value, HedgePolicy):
        return value
    if isinstance(value, bool):
        return HedgePolicy(off=not value)
    if not isinstance(value, Mapping):
        raise wrong(path, _EXPECTED, value)
    return HedgePolicy(**record(value, path, {"after": _after, "max_extra_cost": _amount}))


def _after(value: Any, path: str) -> float | None:
    if value == "p95":
        return None
    seconds = as_number(value)
    if seconds is None or seconds <= 0:
        raise wrong(path, "`p95`, or a number of seconds above 0", value)
    return float(seconds)


def _amount(value: Any, path: str) -> int:
    return int(Decimal(str(at_least(0)(value, path))) * NANO_DOLLARS)
