"""The shipped files of the catalogue: one per provider, read when its provider is first asked for."""

from __future__ import annotations

import datetime
import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import orjson

from dragoman.models._rows import Sources
from dragoman.types.model_entry import Provenance

__all__ = ["SHIPPED", "About", "Shelf", "about", "shelf"]

SHIPPED = Path(__file__).with_name("catalogue")


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
    """The rows of one provider, as they were read."""

    rows: Mapping[str, Mapping[str, Any]]
    """By name, in lower case."""
    aliases: Mapping[str, Mapping[str, Any]]


_EMPTY = Shelf(MappingProxyType({}), MappingProxyType({}))


@functools.cache
def about(folder: Path) -> About:
    told = orjson.loads((folder / "sources.json").read_bytes())
    sources = {
        name: Provenance(name, said["version"], datetime.date.fromisoformat(said["as_of"]))
        for name, said in told["sources"].items()
    }
    files = frozenset(name.removesuffix(".jsonl") for name in os.listdir(folder) if name.endswith(".jsonl"))
    return About(MappingProxyType(sources), MappingProxyType(told["spellings"]), files)


@functools.cache
def _read(folder: Path, provider: str) -> Shelf:
    lines = (folder / f"{provider}.jsonl").read_bytes().rstrip(b"\n").split(b"\n")
    rows = orjson.loads(b"[" + b",".join(lines) + b"]")
    return Shelf(
        {row["model"].lower(): row for row in rows},
        {alias.lower(): row for row in rows for alias in row.get("aliases", ())},
    )


def shelf(folder: Path, provider: str) -> Shelf:
    """The rows of `provider`, none where no file is of that name. (What a caller asks for never becomes a path.)"""
    return _read(folder, provider) if provider in about(folder).providers else _EMPTY
