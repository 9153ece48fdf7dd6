"""What a call can cost, before it is made: never less than the lower bound, never more than the upper one."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from dragoman.models.cost_drivers import CostDrivers, read_cost_drivers
from dragoman.models.prices import PriceTable, as_seconds, price_context, price_table
from dragoman.models.tokens import tokens_lower_bound, tokens_upper_bound
from dragoman.types.cost import BUCKETS, CostBounds, CostLine
from dragoman.types.model_entry import ModelEntry

__all__ = ["cost_bounds"]

_WRITES_WHERE_MARKED = re.compile(r"claude", re.IGNORECASE)
"""Models that write to a cache only where the request marks it, wherever they are hosted; others may write of themselves."""
_LIMIT_HOLDS_THOUGHTS = re.compile(r"claude|gemini|gpt|(?:^|[/.-])o[134](?:-|$)", re.IGNORECASE)
"""Models whose thoughts count against the maximum that the caller sets. Others answer within it, after thinking as long as they
like: recorded of Grok, Qwen and DeepSeek-R1 on other hosts than its own."""
_SEARCHES_UNASKED = re.compile(
    r"compound|search-preview|search-api|deep-research|:online|openrouter/auto", re.IGNORECASE
)
"""Models that search, run tools or call other models on their own."""
_TEXT_INPUT = ("input", "cache_read")
_OUTPUT = ("output", "reasoning", "citation", "output_image", "output_video")
_DEARER_TIERS = ("priority", "fast")
"""What a project may be set to where the request leaves the tier to it."""
_A_LONG_CALL = 3600.0
"""Seconds: a call that is made shortly before the prices change may be sold at either."""


@dataclass(frozen=True, slots=True)
class _Most:
    """The most that a call may use. None: unknown."""

    input: int | None
    output: int | None
    notes: tuple[str, ...] = ()
    """Why a bound is unknown, or much higher than the real use."""


def cost_bounds(
    request: Mapping[str, Any],
    entry: ModelEntry | None,
    *,
    provider: str,
    model: str,
    at: datetime.datetime | None = None,
    context: Mapping[str, str] | None = None,
) -> CostBounds:
    """Return the least and the most that `request` (the hub's: a chat, a text completion, embeddings) can cost.

    `context`: the kind of the call (`price_context`); None: as the request says. An unknown bound is None, and `notes` says why.
    """
    drivers = read_cost_drivers(request)
    most = _most(request, drivers, entry, provider, model)
    if entry is None or not entry.prices:
        name = entry.name if entry else ""
        return CostBounds(
            None, None, most.input, most.output, model=name, notes=(*most.notes, "no price of the model is known")
        )
    tables = _tables(entry, as_seconds(at), _contexts(request, context))
    least = tokens_lower_bound(request, provider=provider, model=model, entry=entry) or 0
    bounds = CostBounds(
        lower=_lower(least, drivers, tables),
        upper=None,
        input_tokens=most.input,
        output_tokens=most.output,
        model=tables[0].model,
        source=tables[0].source,
        notes=most.notes,
    )
    if not any(table.own for table in tables):
        return replace(bounds, upper=0)
    return _with_upper(bounds, most, drivers, tables)


def _with_upper(bounds: CostBounds, most: _Most, drivers: CostDrivers, tables: list[PriceTable]) -> CostBounds:
    charges = _charges(bounds.model, most, drivers, tables)
    why = _unbounded(drivers, tables)
    lines = []
    for count, buckets in charges:
        dearest = _dearest(buckets, most.input or 0, tables)
        if dearest is None:
            why.append(f"the model has no rate for {buckets[0]}")
        elif count is not None:
            lines.append(dearest._replace(count=count, amount=-(-count * dearest.rate // dearest.per)))
    if why or len(lines) < len(charges):
        return replace(bounds, notes=(*bounds.notes, *why))
    return replace(bounds, upper=sum(line.amount for line in lines), lines=tuple(lines))


def _charges(
    model: str, most: _Most, drivers: CostDrivers, tables: list[PriceTable]
) -> list[tuple[int | None, tuple[str, ...]]]:
    """Return (count, the buckets that it may be charged as) of all that the call can use."""
    charges: list[tuple[int | None, tuple[str, ...]]] = [(most.input, _input_buckets(model, drivers))]
    if most.output != 0:
        charges.append((most.output, (*_OUTPUT, "output_audio") if drivers.speaks else _OUTPUT))
    if drivers.searches:
        charges.append((drivers.searches, ("web_search",)))
    if any("request" in table.own for table in tables):
        charges.append((1, ("request",)))
    return charges


def _unbounded(drivers: CostDrivers, tables: list[PriceTable]) -> list[str]:
    """Return the reasons why no upper bound can be given."""
    reasons = []
    if any("citation" in table.own for table in tables):
        reasons.append("the model searches as often as it likes, and each search costs")
    if "input_audio" in drivers.media and any("input_audio_second" in table.resolved for table in tables):
        reasons.append("audio is sold by its length, which the request does not tell")
    return reasons


def _most(
    request: Mapping[str, Any], drivers: CostDrivers, entry: ModelEntry | None, provider: str, model: str
) -> _Most:
    """Return the most tokens. A tool that the provider runs makes the model read all again, with the result of the tool."""
    sizes = [size for size in (entry.context_window, entry.max_input_tokens) if size] if entry else []
    window = max(sizes, default=None)
    held, notes = _most_input(
        tokens_upper_bound(request, provider=provider, model=model, entry=entry), drivers, window, model
    )
    if "messages" not in request and "prompt" not in request:
        return _Most(held, 0, notes)
    apart = "messages" in request and not _LIMIT_HOLDS_THOUGHTS.search(model)
    longest, more = _longest(drivers, entry, window, apart)
    if longest is None:
        return _Most(held, None, (*notes, *more))
    return _Most(held, (longest * drivers.answers + drivers.added) * ((drivers.uses or 0) + 1), (*notes, *more))


def _most_input(
    counted: int | None, drivers: CostDrivers, window: int | None, model: str
) -> tuple[int | None, tuple[str, ...]]:
    """Return the most tokens of input; None: unbounded, with the reason."""
    if drivers.uses is None or _SEARCHES_UNASKED.search(model):
        return None, ("the provider may add to the input as much as it likes: it searches, or runs tools of its own",)
    if drivers.uses:
        held = window * (drivers.uses + 1) if window else None
    else:
        held = min((size for size in (counted, window) if size is not None), default=None)
    return held, () if held is not None else ("nothing says how much the request can hold",)


def _longest(
    drivers: CostDrivers, entry: ModelEntry | None, window: int | None, apart: bool
) -> tuple[int | None, tuple[str, ...]]:
    """The most tokens of one answer, and why that is many, or nothing. `apart`: thoughts, if any, are beside the maximum."""
    models_own = (entry.max_output_tokens if entry else None) or window
    thinks = apart and (entry is None or entry.abilities.get("reasoning") is not False)
    if drivers.longest is not None and not thinks:
        return drivers.longest, ()
    if models_own is None:
        unknown = (
            "an answer may be" if drivers.longest is None else "the model may think beyond the maximum of the answer"
        )
        return None, (f"nothing says how long {unknown}",)
    if drivers.longest is None:
        return models_own, ("the request sets no maximum for the answer",)
    return drivers.longest + models_own, ("the model may think beyond the maximum of the answer",)


def _contexts(request: Mapping[str, Any], context: Mapping[str, str] | None) -> list[dict[str, str]]:
    """Return the contexts in which the call may be priced: the requested one, the standard one, and where the tier is open
    the dearer ones."""
    drivers = dict(context) if context is not None else price_context(None, request)
    plain = {key: value for key, value in drivers.items() if key != "service_tier"}
    contexts = [drivers, plain]
    if request.get("service_tier") == "auto":
        contexts += [plain | {"service_tier": tier} for tier in _DEARER_TIERS]
    return contexts


def _tables(entry: ModelEntry, at: float, contexts: list[dict[str, str]]) -> list[PriceTable]:
    tables = [price_table(entry, at, context) for context in contexts]
    if tables[0].until - at < _A_LONG_CALL:
        tables += [price_table(entry, tables[0].until, context) for context in contexts]
    return tables


def _input_buckets(model: str, drivers: CostDrivers) -> tuple[str, ...]:
    buckets = (*_TEXT_INPUT, *sorted(drivers.media))
    if drivers.marked or not _WRITES_WHERE_MARKED.search(model):
        buckets += ("cache_write_5m",)
    return (*buckets, "cache_write_1h") if drivers.marked_for_an_hour else buckets


def _dearest(buckets: Iterable[str], prompt: int, tables: list[PriceTable]) -> CostLine | None:
    """The bucket with the highest rate that a prompt of up to this size may be sold at."""
    result = None
    for bucket in buckets:
        for table in tables:
            if bucket not in table.resolved:
                continue
            base, tiers, per, _ = table.resolved[bucket]
            rate = max(base, *(price for threshold, price in tiers if threshold < prompt), 0)
            if result is None or rate * result.per > result.rate * per:
                result = CostLine(bucket, 0, rate, per, 0)
    return result


def _lower(least: int, drivers: CostDrivers, tables: list[PriceTable]) -> int:
    """The input alone, at the lowest rate at which any of it may be sold; rounded down. Audio may be sold by its length."""
    if "input_audio" in drivers.media and any("input_audio_second" in table.resolved for table in tables):
        least = 0
    rates = [_lowest(table, (*_TEXT_INPUT, *drivers.media)) for table in tables]
    fees = [table.resolved["request"][0] if "request" in table.own else 0 for table in tables]
    return least * min(rates, default=0) // BUCKETS["input"].per + min(fees, default=0) // BUCKETS["request"].per


def _lowest(table: PriceTable, buckets: Iterable[str]) -> int:
    return min(
        (
            min(base, *(price for _, price in tiers), base)
            for base, tiers, _, _ in (table.resolved[bucket] for bucket in buckets if bucket in table.resolved)
        ),
        default=0,
    )
