"""What a call cost: its usage at the rates of its model, line by line, in nano-dollars."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal
from math import isfinite
from typing import Any

from dragoman.models.prices import PriceTable, PriceTables, as_seconds, context_of
from dragoman.types.cost import NANO_DOLLARS, Cost, CostLine
from dragoman.types.model_entry import ModelEntry
from dragoman.types.usage import bucket_counts

__all__ = ["cost_of", "reported_cost"]

_TABLES = PriceTables()
_INPUT = (
    "input", "cache_read", "cache_write_5m", "cache_write_1h",
    "input_audio", "cache_read_audio", "input_image", "cache_read_image", "input_video",
)  # fmt: skip
_made = tuple.__new__
_TICKS = 10
"""xAI's ticks in a nano-dollar: 10,000,000,000 make a dollar."""
_TOO_MUCH = 1e9
"""No call costs a billion dollars."""


def cost_of(
    usage: Mapping[str, Any] | None,
    entry: ModelEntry | None,
    *,
    at: datetime.datetime | float | None = None,
    context: Mapping[str, str] | None = None,
    counts: Mapping[str, int] | None = None,
) -> Cost:
    """Return the cost of a call that used `usage`, at the rates of `entry` (None: unpriced).

    `at`: when it was made (a number: Unix seconds; None: now), so that an old call keeps its old price. `context`: the kind of
    call (`price_context`; None: as the usage says). `counts`: further buckets that no usage contains: characters, images, pages.
    """
    reported = reported_cost(usage) if usage is not None else None
    if entry is None or not entry.prices:
        return Cost(None, model=entry.name if entry else "", reported=reported)
    used = _counts(usage, counts)
    if used is None:
        return Cost(None, model=entry.name, reported=reported)
    kind = context_of(usage or {}) if context is None else tuple(sorted(context.items()))
    return _rated(used, _TABLES.find(entry, as_seconds(at), kind), reported)


def _counts(usage: Mapping[str, Any] | None, counts: Mapping[str, int] | None) -> dict[str, int] | None:
    """Return what was used, by bucket; None: it is not known."""
    used = bucket_counts(usage) if usage is not None else {}
    if counts:
        used |= {bucket: count for bucket, count in counts.items() if count > 0}
    if used or (usage and ("prompt_tokens" in usage or "completion_tokens" in usage)):
        return used
    return None


def _rated(used: dict[str, int], table: PriceTable, reported: int | None = None) -> Cost:
    """The counts at the rates of the table. The total is the exact sum, rounded half up once; the lines are cut from it, each
    the rounded sum up to it less the one before, so that they sum to it."""
    if not table.own:
        return Cost(0, model=table.model, source=table.source, reported=reported)
    resolved, denominator = table.resolved, table.denominator
    doubled = 2 * denominator
    if "request" in resolved:
        used.setdefault("request", 1)
    if "input_audio_second" in used:
        _hear_once(used, table)
    prompt = -1
    lines: list[CostLine] = []
    unpriced: list[str] = []
    exact = total = 0
    for bucket, count in used.items():
        result = resolved.get(bucket)
        if result is None:
            unpriced.append(bucket)
            continue
        rate, tiers, per, factor = result
        if tiers:
            if prompt < 0:
                prompt = sum([used.get(item, 0) for item in _INPUT])
            rate = _tier_rate(rate, tiers, prompt)
        exact += count * rate * factor
        so_far = (exact + denominator) // doubled
        lines.append(_made(CostLine, (bucket, count, rate, per, so_far - total)))
        total = so_far
    known = None if unpriced and not lines else total
    return _made(Cost, (known, tuple(lines), tuple(unpriced), table.model, table.source, reported))


def _tier_rate(base: int, tiers: tuple[tuple[int, int], ...], prompt: int) -> int:
    """The rate of the highest threshold that the whole prompt exceeds."""
    rate = base
    for threshold, price in tiers:
        if prompt > threshold:
            rate = price
    return rate


def reported_cost(usage: Mapping[str, Any]) -> int | None:
    """Return the cost that the provider itself reports, in nano-dollars; None: it reports none.

    `cost` (OpenRouter, Vercel, Perplexity) is in dollars; where OpenRouter called with the caller's own key (`is_byok`), it is
    its fee alone, and what the upstream took is told beside it. `cost_in_usd_ticks` is xAI's.
    """
    cost = usage.get("cost")
    if cost is not None:
        details = usage.get("cost_details")
        if isinstance(cost, Mapping):
            cost = cost.get("total_cost")
        amount = _nanos(cost)
        if amount is not None and usage.get("is_byok") is True and isinstance(details, Mapping):
            amount += _nanos(details.get("upstream_inference_cost")) or 0
        return amount
    ticks = usage.get("cost_in_usd_ticks")
    if type(ticks) is int and ticks >= 0:
        return (2 * ticks + _TICKS) // (2 * _TICKS)
    return None


def _nanos(amount: Any) -> int | None:
    """Dollars as nano-dollars, rounded half up. A float is taken for the decimal that it was written as."""
    if type(amount) not in (int, float) or not isfinite(amount) or not 0 <= amount < _TOO_MUCH:
        return None
    scaled = Decimal(repr(amount)) * NANO_DOLLARS
    return int(scaled + Decimal("0.5"))


def _hear_once(used: dict[str, int], table: PriceTable) -> None:
    """Where audio is sold by its length, its tokens are not sold again, and the other way round."""
    by_length = "input_audio_second" in table.resolved
    if by_length and "input_audio" not in table.own:
        used.pop("input_audio", None)
    elif not by_length and "input_audio" in used:
        del used["input_audio_second"]
