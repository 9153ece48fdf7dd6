"""A user's own price file: rows as `_rows.py` writes them, one a line, laid over the shipped ones.

What a row does not say stays as it is in the catalogue, so that a line with a name and prices is enough.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson

from dragoman.errors import ConfigError
from dragoman.models._catalogue import Catalogue
from dragoman.models.rows import entry_of
from dragoman.types.model_entry import ModelEntry, Provenance

__all__ = ["read_price_file"]

_FIELDS = {"can": "abilities", "cannot": "abilities"}
"""Fields of a row whose name in the entry is another."""


def read_price_file(data: bytes, name: str, base: Catalogue | None = None) -> tuple[ModelEntry, ...]:
    """Return the rows of a file. `name` stands in errors; `base` holds what the rows leave out (None: nothing does).

    Raises one `ConfigError` with a line `name:line: what is wrong` for each wrong row; then no row may be used."""
    entries: list[ModelEntry] = []
    problems: list[str] = []
    lines: dict[tuple[str, str], int] = {}
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").splitlines(), 1):
        text = line.strip()
        if not text or text.startswith(b"#"):
            continue
        try:
            entry = _entry(text, name, base)
        except ConfigError as error:
            problems.append(f"{name}:{number}: {error.message}")
            continue
        first = lines.setdefault((entry.provider, entry.model.lower()), number)
        if first != number:
            problems.append(f"{name}:{number}: {entry.name} is there twice (first in line {first})")
        entries.append(entry)
    if problems:
        raise ConfigError("\n".join(problems))
    return tuple(entries)


def _entry(line: bytes, name: str, base: Catalogue | None) -> ModelEntry:
    try:
        row = orjson.loads(line)
    except ValueError as error:
        raise ConfigError(f"not JSON: {error}") from None
    if not isinstance(row, dict):
        raise ConfigError("expected an object with provider, model and what is known of it")
    values = entry_of(row)
    known = base.find(values.provider, values.model) if base else None
    source = Provenance(name)
    fields: dict[str, Any] = {field: getattr(values, field) for key in row if (field := _FIELDS.get(key, key))}
    if "prices" in row:
        fields.setdefault("price_provenance", source)
    if row.keys() - {"provider", "model", "aliases", "prices", "price_provenance", "facts_provenance"}:
        fields.setdefault("facts_provenance", source)
    if known is None:
        return replace(values, **fields)
    if "abilities" in fields:
        fields["abilities"] = {**known.abilities, **values.abilities}
    fields["provider"] = known.provider
    # The aliases of another row stay that row's.
    fields.setdefault("aliases", known.aliases if not known.matched_by else ())
    return replace(known, matched_by="", **fields)
