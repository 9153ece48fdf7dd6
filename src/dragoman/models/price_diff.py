"""How two states of the catalogue differ: row by row, field by field, price by price."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dragoman.models.rows import row_of
from dragoman.types.model_entry import ModelEntry

__all__ = ["differences"]

_NOT_FACTS = ("provider", "model", "price_provenance", "facts_provenance")
"""A new version of a source is no difference, where it says the same."""
_SHOWN = ("prices", "context_window", "max_input_tokens", "max_output_tokens")
"""Of a row that came or went."""


def differences(old: Mapping[str, ModelEntry], new: Mapping[str, ModelEntry]) -> Iterator[str]:
    """One line for each thing that is another: `+` came, `-` went, `~` changed. The keys are names, `provider/model`."""
    for name in sorted({*old, *new}):
        if name not in new:
            yield f"- {name}{_brief(old[name])}"
        elif name not in old:
            yield f"+ {name}{_brief(new[name])}"
        elif old[name] != new[name]:
            yield from (f"~ {name}  {change}" for change in _changes(row_of(old[name]), row_of(new[name])))


def _brief(entry: ModelEntry) -> str:
    lines = _flat({key: value for key, value in row_of(entry).items() if key in _SHOWN})
    return "".join(f"\n    {path}: {_text(value)}" for path, value in lines.items())


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    previous, after = _flat(old), _flat(new)
    for path in dict.fromkeys((*previous, *after)):
        if previous.get(path) != after.get(path):
            yield f"{path}: {_text(previous.get(path))} -> {_text(after.get(path))}"


def _text(value: Any) -> str:
    return "nothing" if value is None else str(value)


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a row, and its prices one by one: `prices from 2025-01-01 input above 200000`."""
    result: dict[str, Any] = {}
    for key, value in row.items():
        if key == "prices":
            for period in value:
                result |= _flat_period(period, result)
        elif key not in _NOT_FACTS:
            result[key] = ", ".join(value) if isinstance(value, list) else value
    return result


def _flat_period(period: Mapping[str, Any], taken: Mapping[str, Any]) -> dict[str, Any]:
    title = _title(period)
    # Two periods may have the same title: both are told.
    title = next(other for other in _numbered(title) if not any(path.startswith(f"{other} ") for path in taken))
    lines: dict[str, Any] = {} if period["rates"] else {f"{title} all": "free"}
    for bucket, rate in period["rates"].items():
        if isinstance(rate, Mapping):
            lines[f"{title} {bucket}"] = rate["base"]
            lines |= {f"{title} {bucket} above {start}": price for start, price in rate["above"].items()}
        else:
            lines[f"{title} {bucket}"] = rate
    return lines


def _title(period: Mapping[str, Any]) -> str:
    words = [f"from {period['starts']}"] if "starts" in period else []
    words += ["-".join(period["hours"])] if "hours" in period else []
    words += [f"{name}={value}" for name, value in period.get("when", {}).items()]
    return " ".join(["prices", *words])


def _numbered(title: str) -> Iterator[str]:
    yield title
    number = 2
    while True:
        yield f"{title} ({number})"
        number += 1
