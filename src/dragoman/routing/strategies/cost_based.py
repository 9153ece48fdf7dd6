"""The cheapest deployment for this very request: its size, what of it a deployment holds in its cache, and the prices of now."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from dragoman.models import price_context, rates_at
from dragoman.routing.deployments.deployment import Deployment
from dragoman.routing.request import GroupRequest
from dragoman.routing.strategies._candidates import Candidates, as_candidates
from dragoman.routing.strategies._strategy import Pick
from dragoman.state import View
from dragoman.types.cost import BUCKETS, dollars
from dragoman.types.model_entry import ModelEntry, Rate

__all__ = ["cost_based"]

_ANSWER = 512
"""Tokens that an answer is taken to have, unless the request allows less."""
_MINUTE = 60.0
_FREE = Rate(0)
_PER = BUCKETS["input"].per


class _Row(NamedTuple):
    """Deployments that cost the same."""

    entry: ModelEntry
    positions: tuple[int, ...]


class _Prices(NamedTuple):
    input: Rate
    cached: Rate
    output: Rate
    request: int
    """Nano-dollars for each call."""
    is_tiered: bool

    def of(self, tokens: int, cached: int, answer: int) -> int:
        """Nano-dollars."""
        paid, read, written, request, is_tiered = self
        if is_tiered:
            spent = (tokens - cached) * _at(paid, tokens) + cached * _at(read, tokens) + answer * _at(written, tokens)
        else:
            spent = (tokens - cached) * paid.base + cached * read.base + answer * written.base
        return spent // _PER + request


class _Shelf:
    """Prices of a group's rows, as they hold in this minute for calls of one kind."""

    def __init__(self, candidates: Candidates) -> None:
        by_entry: dict[int, list[int]] = {}
        entries: dict[int, ModelEntry] = {}
        for position, deployment in enumerate(candidates):
            if deployment.entry is not None and deployment.entry.prices:
                entries[id(deployment.entry)] = deployment.entry
                by_entry.setdefault(id(deployment.entry), []).append(position)
        self.rows = tuple(_Row(entries[key], tuple(positions)) for key, positions in by_entry.items())
        self.row_of = {position: number for number, row in enumerate(self.rows) for position in row.positions}
        self._known: tuple[object, tuple[_Prices | None, ...]] = (None, ())

    def prices(self, now: float, context: Mapping[str, str]) -> tuple[_Prices | None, ...]:
        """Of each row."""
        kind = (now // _MINUTE, context)
        known, prices = self._known
        if known != kind:
            moment = datetime.datetime.fromtimestamp(now, datetime.UTC)
            prices = tuple(_prices_of(row.entry, moment, context) for row in self.rows)
            self._known = (kind, prices)
        return prices


def cost_based(deployments: Sequence[Deployment], view: View, request: GroupRequest) -> Pick:
    """Deployments without a known price come last."""
    candidates = as_candidates(deployments)
    shelf = candidates.kept("cost", _Shelf)
    prices = shelf.prices(request.now(), price_context(None, request.request))
    tokens, answer = request.rough_tokens, min(request.output_tokens or _ANSWER, _ANSWER)
    costs = [math.inf if price is None else price.of(tokens, 0, answer) for price in prices]
    held = _holder(candidates, shelf, prices, request, tokens, answer)
    scores = _table(candidates, shelf, costs, held) if request.explaining else None
    best = min(costs, default=math.inf)
    if held is not None and held[1] <= best:
        return Pick(
            held[0], f"cost-based-routing: about ${dollars(held[1])}, as it holds the beginning in its cache", scores
        )
    if best == math.inf:
        return Pick(int(request.random() * len(candidates)), "cost-based-routing: no price is known", scores)
    positions = [row.positions for row, cost in zip(shelf.rows, costs, strict=True) if cost == best]
    cheapest = positions[0] if len(positions) == 1 else [one for some in positions for one in some]
    position = cheapest[int(request.random() * len(cheapest))]
    return Pick(position, f"cost-based-routing: about ${dollars(int(best))}", scores)


def _holder(
    candidates: Candidates,
    shelf: _Shelf,
    prices: Sequence[_Prices | None],
    request: GroupRequest,
    tokens: int,
    answer: int,
) -> tuple[int, int] | None:
    """Where the beginning of the request is in a cache, and what it costs there."""
    warm = request.cached_prefix
    if warm is None:
        return None
    position = candidates.positions.get(warm.key)
    row = None if position is None else shelf.row_of.get(position)
    price = None if row is None else prices[row]
    if price is None or position is None:
        return None
    return position, price.of(tokens, min(warm.tokens, tokens), answer)


def _table(
    candidates: Candidates, shelf: _Shelf, costs: Sequence[float], held: tuple[int, int] | None
) -> dict[str, float]:
    """Nano-dollars."""
    result = {
        candidates[position].id: cost
        for row, cost in zip(shelf.rows, costs, strict=True)
        if cost < math.inf
        for position in row.positions
    }
    if held is not None:
        result[candidates[held[0]].id] = held[1]
    return result


def _prices_of(entry: ModelEntry, moment: datetime.datetime, context: Mapping[str, str]) -> _Prices | None:
    rates = rates_at(entry, moment, context)
    request = rates.get("request", _FREE).base // BUCKETS["request"].per
    paid = rates.get("input")
    if paid is None:  # known to be free, or sold by something else than tokens
        return _Prices(_FREE, _FREE, _FREE, request, False) if not rates or request else None
    read, written = rates.get("cache_read", paid), rates.get("output", _FREE)
    return _Prices(paid, read, written, request, bool(paid.tiers or read.tiers or written.tiers))


def _at(rate: Rate, tokens: int) -> int:
    price = rate.base
    for threshold, dearer in rate.tiers:
        if tokens > threshold:
            price = dearer
    return price
