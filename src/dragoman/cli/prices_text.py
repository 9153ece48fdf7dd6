"""A row of the catalogue for a terminal."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping

from dragoman.models.prices import rates_at
from dragoman.types.cost import BUCKETS, dollars
from dragoman.types.model_entry import ModelEntry, PricePeriod, Provenance, Rate

__all__ = ["entry_text", "in_force"]


def entry_text(entry: ModelEntry, at: datetime.datetime) -> str:
    """The row with its windows, its abilities, and the prices of every period. `at`: whose day's price is marked."""
    lines = [f"{entry.name}  ({entry.mode})", *_facts(entry)]
    if not entry.prices:
        return "\n".join([*lines, _field("prices", "unpriced: nobody knows what it costs")])
    lines.append(_field("prices", f"US dollars, {_says(entry.price_provenance)}"))
    for period in entry.prices:
        mark = f", in force on {at.date().isoformat()}" if in_force(period, entry, at) else ""
        lines += ["", f"  {_title(period)}{mark}", *_rates(period.rates)]
    return "\n".join(lines)


def in_force(period: PricePeriod, entry: ModelEntry, at: datetime.datetime) -> bool:
    """Whether it is this period's rates that a usual call is charged at."""
    return not period.when and rates_at(entry, at, None) == dict(period.rates)


def _field(name: str, text: str) -> str:
    return f"  {name:<10}  {text}"


def _facts(entry: ModelEntry) -> Iterator[str]:
    if entry.matched_by:
        yield _field("found by", entry.matched_by)
    if entry.aliases:
        yield _field("also named", ", ".join(entry.aliases))
    yield _field("window", _window(entry))
    if entry.reads or entry.writes:
        yield _field("reads", f"{_listed(entry.reads)}; writes {_listed(entry.writes)}")
    for name, able in (("can", True), ("cannot", False)):
        yield from (_field(name, _listed(found)) for found in [_abilities(entry, able)] if found)
    if life := _life(entry):
        yield _field("life", life)
    yield _field("facts", _says(entry.facts_provenance))


def _life(entry: ModelEntry) -> str:
    end = "deprecated" if entry.deprecated else ""
    if entry.deprecation_date:
        end = f"shutdown {entry.deprecation_date}"
    return ", ".join(filter(None, (f"released {entry.released}" if entry.released else "", end)))


def _abilities(entry: ModelEntry, able: bool) -> list[str]:
    return [ability for ability, known in entry.abilities.items() if known is able]


def _listed(words: tuple[str, ...] | list[str]) -> str:
    return ", ".join(words) or "unknown"


def _window(entry: ModelEntry) -> str:
    sizes = (
        (entry.context_window, "tokens"),
        (entry.max_input_tokens, "of input at most"),
        (entry.max_output_tokens, "of output at most"),
    )
    return ", ".join(f"{size:,} {of}" for size, of in sizes if size is not None) or "unknown"


def _says(provenance: Provenance | None) -> str:
    if provenance is None:
        return "source unknown"
    return f"{provenance}, as of {provenance.as_of}" if provenance.as_of else str(provenance)


def _title(period: PricePeriod) -> str:
    words = [f"where {name} = {value}" for name, value in period.when.items()]
    if period.starts:
        words.append(f"from {period.starts.isoformat()}")
    if period.hours:
        start, end = period.hours
        words.append(f"{start:%H:%M} to {end:%H:%M} UTC")
    return ", ".join(words) or "always"


def _rates(rates: Mapping[str, Rate]) -> Iterator[str]:
    if not rates:
        yield "    free"
    for bucket, rate in rates.items():
        yield f"    {bucket:<22} {dollars(rate.base):>12}  for {BUCKETS[bucket].per:,}"
        for above, price in rate.tiers:
            yield f"    {'':<22} {dollars(price):>12}  where the input exceeds {above:,} tokens"
