"""The shipped files of the catalogue: one per provider, read when its provider is first asked for.

A file is kept as it is, with an index of its names; a row is parsed when it is asked for."""

from __future__ import annotations

import datetime
import functools
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import orjson

from dragoman.models._rows import Sources, entry_of
from dragoman.types.model_entry import ModelEntry, Provenance

__all__ = ["SHIPPED", "About", "Shelf", "about", "shelf"]

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
class Shelf:
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


_EMPTY = Shelf()


@functools.cache
def about(folder: Path) -> About:
    told: dict[str, Any] = orjson.loads((folder / "sources.json").read_bytes())
    sources = {
        name: Provenance(name, said["version"], datetime.date.fromisoformat(said["as_of"]))
        for name, said in told["sources"].items()
    }
    files = frozenset(name.removesuffix(".jsonl") for name in os.listdir(folder) if name.endswith(".jsonl"))
    return About(MappingProxyType(sources), MappingProxyType(told["spellings"]), files)


def shelf(folder: Path, provider: str) -> Shelf:
    """The rows of `provider`, none where no file is of that name. (What a caller asks for never becomes a path.)"""
    return _read(folder, provider) if provider in about(folder).providers else _EMPTY


@functools.cache
def _read(folder: Path, provider: str) -> Shelf:
    with open(f"{folder}/{provider}.jsonl", "rb", 0) as file:
        lines = file.read()
    names: dict[str, int] = {}
    aliases: dict[str, str] = {}
    for line in _LINE.finditer(lines.decode("ascii")):
        name, others = line.group(1).lower(), line.group(2)
        names[name] = line.start()
        if others:
            aliases.update(dict.fromkeys(others.lower().split('","'), name))
    return Shelf(lines, about(folder).sources, names, aliases)
