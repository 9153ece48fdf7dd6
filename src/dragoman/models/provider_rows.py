"""The shipped files of the catalogue: one per provider, read when its provider is first looked up.

A file is kept as it is, with an index of its names; a row is parsed when it is looked up."""

from __future__ import annotations

import datetime
import functools
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import orjson

from dragoman.errors import ConfigError
from dragoman.models.rows import Sources, entry_of
from dragoman.types.model_entry import ModelEntry, Provenance

__all__ = ["SHIPPED", "About", "ProviderRows", "about", "shelf"]

SHIPPED = Path(__file__).with_name("catalogue")
# How the writing script begins each line. It writes ASCII, and refuses names with a quotation mark, a backslash or a bracket.
_LINE = re.compile(r'\{"provider":"[^"]*","model":"([^"]*)"(?:,"aliases":\["([^\]]*)"\])?')


@dataclass(frozen=True, slots=True)
class About:
    """What `sources.json` of a folder tells."""

    sources: Sources
    spellings: Mapping[str, str]
    """Other names of a provider, in lower case, and its name."""
    providers: frozenset[str]
    """Those that have a file."""


@dataclass(frozen=True, slots=True)
class ProviderRows:
    """The rows of one provider."""

    lines: bytes = b""
    sources: Sources = field(default_factory=dict)
    names: Mapping[str, int] = field(default_factory=dict)
    """Where the line of a name begins. All names are in lower case."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """The name of the row that has this alias."""

    def entry(self, name: str) -> ModelEntry:
        start = self.names[name]
        return entry_of(orjson.loads(self.lines[start : self.lines.index(b"\n", start)]), self.sources)


_EMPTY = ProviderRows()


@functools.cache
def about(folder: Path) -> About:
    lines: dict[str, Any] = orjson.loads((folder / "sources.json").read_bytes())
    sources = {
        name: Provenance(name, values["version"], datetime.date.fromisoformat(values["as_of"]))
        for name, values in lines["sources"].items()
    }
    files = frozenset(name.removesuffix(".jsonl") for name in os.listdir(folder) if name.endswith(".jsonl"))
    return About(MappingProxyType(sources), MappingProxyType(lines["spellings"]), files)


def shelf(folder: Path, provider: str) -> ProviderRows:
    """The rows of `provider`, none where no file is of that name. (What a caller asks for never becomes a path.)"""
    return _read(folder, provider) if provider in about(folder).providers else _EMPTY


@functools.cache
def _read(folder: Path, provider: str) -> ProviderRows:
    path = f"{folder}/{provider}.jsonl"
    with open(path, "rb", 0) as file:
        lines = file.read().rstrip() + b"\n"
    begins = list(_scanned(lines)) if lines.isascii() else []
    if len(begins) != lines.count(b"\n"):  # somebody else wrote it
        begins = list(_parsed(lines, path))
    names = {name: start for name, _, start in begins}
    aliases = {alias: name for name, alternatives, _ in begins for alias in alternatives}
    return ProviderRows(lines, about(folder).sources, names, aliases)


_Begin = tuple[str, Sequence[str], int]
"""A row's name and aliases in lower case, and where its line begins."""


def _scanned(lines: bytes) -> Iterator[_Begin]:
    for line in _LINE.finditer(lines.decode("ascii")):
        alternatives = line.group(2)
        yield line.group(1).lower(), alternatives.lower().split('","') if alternatives else (), line.start()


def _parsed(lines: bytes, path: str) -> Iterator[_Begin]:
    start = 0
    for number, line in enumerate(lines.splitlines(keepends=True), 1):
        try:
            row = orjson.loads(line)
            yield row["model"].lower(), [alias.lower() for alias in row.get("aliases", ())], start
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigError(f"{path}:{number}: no row of a catalogue: {error}") from error
        start += len(line)
