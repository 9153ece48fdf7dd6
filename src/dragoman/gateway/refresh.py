"""Newer rows into a user's price file."""

from __future__ import annotations

import datetime
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import orjson

from dragoman.errors import ConfigError
from dragoman.gateway.config.prices_file import read_rows
from dragoman.models import Catalogue
from dragoman.models.price_history import extend_price_history
from dragoman.models.rows import row_of
from dragoman.types.model_entry import ModelEntry

__all__ = ["refreshed", "write"]


def refreshed(
    models: Iterable[str], file: Path, fresh: Iterable[ModelEntry], day: datetime.date
) -> tuple[dict[str, ModelEntry], dict[str, ModelEntry]]:
    """The rows that are known of `models`, and those that `fresh` makes of them, by name.

    Raises `ConfigError` for a model that `fresh` does not know, and for a file that is wrong."""
    present, newest = Catalogue(), Catalogue()
    if file.exists():
        present.update(read_rows(file))
    rows = {entry.name.lower(): entry for entry in fresh}
    newest.update(rows.values())
    before: dict[str, ModelEntry] = {}
    after: dict[str, ModelEntry] = {}
    for model in models:
        found = newest.find_named(model)
        # What is only shipped is no news.
        new = rows.get(found.name.lower()) if found else None
        if new is None:
            raise ConfigError(f"{model}: the source of new prices does not know it")
        old = present.find(new.provider, new.model)
        if old is not None and (old.matched_by or old.model.lower() != new.model.lower()):
            old = None  # another row, to which the name only leads
        if old is not None:
            before[new.name] = old
        after[new.name] = extend_price_history(old, new, day) if old else new
    return before, after


def write(file: Path, entries: Mapping[str, ModelEntry]) -> None:
    """Put rows into a price file, each in the place of an older one of its name; other lines stay. Never half written."""
    waiting = {entry.name.lower(): _line(entry) for entry in entries.values()}
    present, catalogue = file.read_text("utf-8-sig").splitlines() if file.exists() else [], Catalogue()
    lines = [waiting.pop(_name(line, catalogue), line) for line in present]
    text = "\n".join([*lines, *waiting.values()]) + "\n"
    file = file.resolve()
    mode = file.stat().st_mode & 0o777 if file.exists() else 0o644
    number, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(number, "w", encoding="utf-8") as out:
            out.write(text)
        os.chmod(temporary, mode)
        os.replace(temporary, file)
    except BaseException:
        os.unlink(temporary)
        raise


def _line(entry: ModelEntry) -> str:
    return json.dumps(row_of(entry), ensure_ascii=False, separators=(",", ":"))


def _name(line: str, catalogue: Catalogue) -> str:
    try:
        row = orjson.loads(line)
        return f"{catalogue.provider_name(row['provider'])}/{row['model']}".lower()
    except (ValueError, TypeError, KeyError, AttributeError):
        return ""
