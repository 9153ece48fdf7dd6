"""Read LiteLLM's prices (dollars as floats) as rates (integers)."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

from dragoman.litellm.price_names import (
    BY_CONTEXT_SIZE,
    CONDITIONS,
    NO_MEANING,
    PRICE_NAMES,
    PRICES,
    WITHOUT_TOKENS,
    Meaning,
    PriceName,
    meaning_of,
    parse_price_name,
)
from dragoman.settings.suggestions import did_you_mean
from dragoman.types.cost import BUCKETS, NANO_DOLLARS
from dragoman.types.model_entry import Rate

__all__ = ["Conditions", "GivenPrice", "PriceReader", "rate_of"]

Conditions: TypeAlias = tuple[tuple[str, str], ...]
"""What a request or answer must say for a price to apply: `(("service_tier", "flex"),)`."""
_LIKE_A_PRICE = re.compile(r"(?:^|_)(?:cost|costs|price|prices|pricing)(?:_|$)")
_STEMS = tuple(PRICES)
_NO_PRICES = frozenset({"hours_utc", "windows", "weekday_timezone"})
"""What `off_peak_pricing` has beside prices."""
_LARGEST = 9
"""A price has no more zeros than that."""
_CONTEXT_SIZE = "search_context_size"


@dataclass(slots=True)
class GivenPrice:
    """The price of one bucket."""

    path: str
    base: int | None = None
    """Nano-dollars for `BUCKETS[bucket].per`. None: only tiers are given."""
    tiers: dict[int, int] = field(default_factory=dict)

    def over(self, old: Rate | None) -> Rate | None:
        """Return the rate in place of `old`; None if the price below the first tier is unknown."""
        if self.base is not None:
            return Rate(self.base, tuple(sorted(self.tiers.items())))
        return None if old is None else Rate(old.base, tuple(sorted({**dict(old.tiers), **self.tiers}.items())))


class PriceReader:
    """Reads the prices of a mapping, and collects problems and names without effect."""

    def __init__(self, mode: str, path: str = "") -> None:
        self._mode = mode
        self._path = path
        self.given: dict[Conditions, dict[str, GivenPrice]] = {}
        """By what the request must say, then by bucket."""
        self.off_peak: list[tuple[tuple[datetime.time, datetime.time], dict[str, GivenPrice]]] = []
        """Hours of a day (UTC), and the prices in them."""
        self.problems: list[tuple[str, str]] = []
        self.remarks: list[str] = []

    @property
    def said(self) -> bool:
        """Whether there is any price."""
        return bool(self.given or self.off_peak)

    def read(self, mapping: Mapping[str, Any]) -> None:
        named: list[tuple[str, PriceName, Any]] = []
        for name, value in mapping.items():
            parsed = None if value is None else parse_price_name(str(name))
            if parsed is not None:
                named.append((name, parsed, value))
            elif value is not None:
                self._other(str(name), value)
        for name, parsed, value in sorted(named, key=lambda item: _STEMS.index(item[1].stem)):
            if WITHOUT_TOKENS.get(parsed.stem) not in mapping:
                self._price(name, parsed, value)

    def _price(self, name: str, parsed: PriceName, value: Any) -> None:
        meaning, where = meaning_of(parsed.stem, self._mode), self._where(name)
        if meaning is None:
            self._remark(name, value)
        elif isinstance(value, Mapping):
            self._by_context_size(parsed, meaning, value, where)
        else:
            self._set(CONDITIONS[parsed.condition], meaning, parsed.above, value, where)

    def _set(self, when: Mapping[str, str], meaning: Meaning, above: int, value: Any, where: str) -> None:
        rate = self._rate(value, meaning, where)
        if rate is None:
            return
        given = self.given.setdefault(tuple(when.items()), {}).setdefault(meaning.bucket, GivenPrice(where))
        if above:
            given.tiers.setdefault(above, rate)
        elif given.base is None:
            given.base = rate

    def _rate(self, value: Any, meaning: Meaning, where: str) -> int | None:
        try:
            return rate_of(value, meaning)
        except ValueError as error:
            self.problems.append((where, str(error)))
            return None

    def _by_context_size(self, parsed: PriceName, meaning: Meaning, sizes: Mapping[str, Any], where: str) -> None:
        """Dollars for a search, by how much of what it finds the model may read."""
        if parsed.stem != "search_context_cost_per_query":
            self.problems.append((where, "expected dollars as a number, got an object"))
            return
        for key in sizes:
            if key not in BY_CONTEXT_SIZE:
                self.problems.append((f"{where}.{key}", f"unknown size{did_you_mean(key, BY_CONTEXT_SIZE)}"))
        told = [(key, size) for key, size in BY_CONTEXT_SIZE.items() if sizes.get(key) is not None]
        for position, (key, size) in enumerate(told):
            when = {**CONDITIONS[parsed.condition], _CONTEXT_SIZE: size}
            if position == 0:
                self._set(CONDITIONS[parsed.condition], meaning, parsed.above, sizes[key], f"{where}.{key}")
            elif sizes[key] != sizes[told[0][0]]:
                self._set(when, meaning, parsed.above, sizes[key], f"{where}.{key}")

    def _other(self, name: str, value: Any) -> None:
        """A key that is no price with a meaning here."""
        if name == "tiered_pricing":
            self._tiers(value, self._where(name))
        elif name == "off_peak_pricing":
            self._off_peak(value, self._where(name))
        elif name in NO_MEANING:
            self._remark(name, value)
        elif _LIKE_A_PRICE.search(name):
            self.problems.append((self._where(name), f"unknown price{did_you_mean(name, PRICE_NAMES)}"))

    def _tiers(self, value: Any, where: str) -> None:
        """`[{range: [from, to], input_cost_per_token, ...}]`: the price of all tokens, by how many go in."""
        if not isinstance(value, (list, tuple)) or not all(isinstance(tier, Mapping) for tier in value):
            self.problems.append((where, "expected a list of objects with `range` and prices"))
            return
        if any("max_results_range" in tier for tier in value):
            self._remark("tiered_pricing by max_results_range", value)
            return
        starts = [_start(tier) for tier in value]
        if starts[:1] != [0] or sorted(set(starts)) != starts:
            self.problems.append((where, "expected ranges [from, to] in tokens that begin at 0 and rise"))
            return
        self._read_tiers(starts, value, where)

    def _read_tiers(self, starts: list[int], tiers: Iterable[Mapping[str, Any]], where: str) -> None:
        for position, (start, tier) in enumerate(zip(starts, tiers, strict=True)):
            for name in tier.keys() - {"range"}:
                self._tier(name, start, tier[name], f"{where}[{position}].{name}")

    def _tier(self, name: str, start: int, value: Any, where: str) -> None:
        meaning = meaning_of(name, self._mode) if name in PRICES else None
        if meaning is None:
            self.problems.append((where, f"unknown price{did_you_mean(name, PRICES)}"))
        elif value is not None:
            self._set({}, meaning, start, value, where)

    def _off_peak(self, value: Any, where: str) -> None:
        """Read `{hours_utc: "16:30-00:30", input_cost_per_token, ...}`: prices of some hours of every day."""
        windows = [value, *(value.get("windows") or ())] if isinstance(value, Mapping) else []
        if any(window.get("weekdays") for window in windows):
            self._remark("off_peak_pricing of some weekdays", value)
            return
        hours = _hours_of(windows)
        if not hours:
            self.problems.append((where, 'expected an object with `hours_utc` such as "16:30-00:30", and prices'))
            return
        reader = PriceReader(self._mode, where)
        reader.read({name: price for name, price in value.items() if name not in _NO_PRICES})
        self.problems += reader.problems
        self.remarks += reader.remarks
        if reader.given:
            self.off_peak += [(each, reader.given.get((), {})) for each in hours]

    def _remark(self, name: str, value: Any) -> None:
        if value:
            self.remarks.append(self._where(name))

    def _where(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name


def rate_of(value: Any, meaning: Meaning) -> int:
    """Nano-dollars for `BUCKETS[bucket].per` of a price in dollars. Raises `ValueError` where it is none, or too fine.

    A text is read as a number: YAML takes `1e-6`, without a point, for a text. A number is taken at the 15 digits of which
    a float is sure: so 3.0000000000000004e-07 is 3e-07, and 0.111/3600 for a second is 0.111 for an hour."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        raise ValueError(f"expected dollars as a number, got {type(value).__name__}")
    try:
        price = Decimal(str(value))
    except InvalidOperation:
        price = Decimal("nan")
    if not price.is_finite() or price.adjusted() > _LARGEST:
        raise ValueError(f"expected dollars as a number, got {str(value)[:40]!r}")
    if price < 0:
        raise ValueError(f"a price cannot be negative, got {value}")
    per = BUCKETS[meaning.bucket].per
    rate = int((price * NANO_DOLLARS * per / meaning.units).to_integral_value())
    if f"{rate * meaning.units / (NANO_DOLLARS * per):.15g}" != f"{float(price):.15g}":
        raise ValueError(f"{value} is too fine: the smallest step is a nano-dollar for {per:,}")
    return rate


def _hours_of(windows: Iterable[Mapping[str, Any]]) -> list[tuple[datetime.time, datetime.time]]:
    """Return the hours of all windows; none if any of them cannot be read."""
    texts = [window["hours_utc"] for window in windows if "hours_utc" in window]
    spans = [span for text in texts for span in (text if isinstance(text, list) else [text])]
    try:
        return [_hours(span) for span in spans]
    except (ValueError, AttributeError):
        return []


def _hours(span: Any) -> tuple[datetime.time, datetime.time]:
    start, _, end = span.partition("-")
    return datetime.time.fromisoformat(start.strip()), datetime.time.fromisoformat(end.strip())


def _start(tier: Mapping[str, Any]) -> int:
    """The tokens above which a tier holds; -1 where its range is none."""
    bounds = tier.get("range")
    good = isinstance(bounds, (list, tuple)) and len(bounds) == 2 and isinstance(bounds[0], (int, float))
    return int(bounds[0]) if good and bounds else -1
