"""New prices after old ones: what was charged before is still known, so that old usage can be rated again."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from dragoman.types.model_entry import ModelEntry, PricePeriod, Rate

__all__ = ["extend_price_history"]

_Usual: TypeAlias = list[tuple[datetime.date, Mapping[str, Rate]]]
"""What a call without conditions costs from a day on; the latest first, today last."""


def extend_price_history(old: ModelEntry, new: ModelEntry, day: datetime.date) -> ModelEntry:
    """`new`, with the prices of `old` for the time before. A price of `new` that does not say since when it holds does so from
    `day` on (UTC). Nothing is known to have changed at `day` where both charge the same."""
    if not old.prices or not new.prices:
        return new
    usual = _usual(_plain(old.prices), _plain(new.prices), day)
    return replace(new, prices=(*usual, *_special(old.prices, new.prices, day)))


def _plain(periods: Sequence[PricePeriod]) -> list[PricePeriod]:
    return [period for period in periods if not period.when]


def _begun(period: PricePeriod, day: datetime.date) -> bool:
    return period.starts is None or period.starts <= day


def _current(periods: Sequence[PricePeriod], day: datetime.date) -> list[PricePeriod]:
    """Those that can count on `day`: the last that holds at all hours, and what comes after it."""
    started = [period for period in periods if _begun(period, day)]
    last = max((place for place, period in enumerate(started) if period.hours is None), default=0)
    return started[last:]


def _usual(old: list[PricePeriod], new: list[PricePeriod], day: datetime.date) -> list[PricePeriod]:
    """The prices that no condition of the request changes. What `old` foretold for the future counts no more."""
    previous = [period for period in old if _begun(period, day)]
    if all(period in new for period in previous):
        return new
    now = _current(new, day)
    if _same(_current(old, day), now):
        now = []
    later = [period for period in new if not _begun(period, day)]
    return [*previous, *(replace(period, starts=_since(period, previous, day)) for period in now), *later]


def _since(period: PricePeriod, previous: Sequence[PricePeriod], day: datetime.date) -> datetime.date:
    """The source's own day, where that is after all that is known."""
    starts = period.starts
    return day if starts is None or any(other.starts and other.starts >= starts for other in previous) else starts


def _same(old: Sequence[PricePeriod], new: Sequence[PricePeriod]) -> bool:
    return [(period.hours, period.rates) for period in old] == [(period.hours, period.rates) for period in new]


def _special(old: Sequence[PricePeriod], new: Sequence[PricePeriod], day: datetime.date) -> list[PricePeriod]:
    """Prices of batches, tiers of service and the like: the first that matches counts, so new ones stand before old ones."""
    conditional = [period for period in new if period.when]
    previous = [period for period in old if period.when and _begun(period, day)]
    if conditional == previous:
        return conditional
    usual = _usual_from(new, day)
    over = _over(previous, conditional, usual)
    front: list[PricePeriod] = []
    for number, period in reversed(list(enumerate(conditional))):
        rates = _whole(period, previous, usual[-1][1])
        if not _begun(period, day):
            front.insert(0, period)
        elif (
            _counting(previous, period.when) != rates
            or any(_together(period, other) for other in front if _begun(other, day))
            or _behind(period, previous, [*(previous[place] for place in over), *conditional[number + 1 :]])
        ):
            front.insert(0, replace(period, starts=_since(period, previous, day), rates=rates))
    return [*front, *(item for place, period in enumerate(previous) for item in (*over.get(place, ()), period))]


def _counting(periods: Sequence[PricePeriod], when: Mapping[str, str]) -> Mapping[str, Rate] | None:
    """The rates of the first period with this condition."""
    return next((period.rates for period in periods if period.when == when), None)


def _behind(period: PricePeriod, previous: Sequence[PricePeriod], alternatives: Sequence[PricePeriod]) -> bool:
    """Whether one of `alternatives`, which may not count before it, does so in the old order."""
    whens = [other.when for other in previous]
    ahead = previous[: whens.index(period.when)] if period.when in whens else previous
    return any(one.when == other.when and _together(period, one) for one in ahead for other in alternatives)


def _over(
    previous: Sequence[PricePeriod], conditional: Sequence[PricePeriod], usual: _Usual
) -> dict[int, list[PricePeriod]]:
    """For conditions that change the price no more: what a call without conditions costs, the latest first. By the place in
    `previous` of the first period that is over."""
    result: dict[int, list[PricePeriod]] = {}
    for place, period in enumerate(previous):
        if any(period.when == other.when for other in (*conditional, *previous[:place])):
            continue
        lines = [period]
        for start, rates in reversed(usual):
            now = {bucket: rates[bucket] for bucket in period.rates if bucket in rates}
            if now != lines[0].rates:
                lines.insert(0, replace(period, starts=start, rates=now))
        result[place] = lines[:-1]
    return result


def _usual_from(new: Sequence[PricePeriod], day: datetime.date) -> _Usual:
    plain = [period for period in _plain(new) if period.hours is None]
    later = [(period.starts, period.rates) for period in plain if period.starts and period.starts > day]
    now = _current(plain, day)
    return [*reversed(later), (day, now[-1].rates if now else {})]


def _together(one: PricePeriod, other: PricePeriod) -> bool:
    """Whether one call can meet the conditions of both: then their order counts."""
    return all(other.when.get(key, value) == value for key, value in one.when.items())


def _whole(period: PricePeriod, previous: Sequence[PricePeriod], usual: Mapping[str, Rate]) -> Mapping[str, Rate]:
    """With a rate for each bucket for which an older price of the same condition would count else."""
    older = [bucket for other in previous if other.when == period.when for bucket in other.rates]
    return {**{bucket: usual[bucket] for bucket in older if bucket in usual}, **period.rates}
