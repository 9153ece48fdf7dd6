"""Writing the files of the catalogue."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dragoman.models._names import LONGEST_NAME
from dragoman.models._rows import row_of
from dragoman.providers import Providers
from dragoman.types.model_entry import ModelEntry, Provenance
from tools.catalogue import _genai, _models_dev
from tools.catalogue._merge import merged
from tools.catalogue._tables import table

__all__ = ["FOLDER", "sources", "write"]

FOLDER = Path(__file__).parents[2] / "src" / "dragoman" / "models" / "catalogue"


def sources() -> dict[str, Provenance]:
    return {said.source: said for said in (_genai.provenance(), _models_dev.provenance())}


def write(folder: Path) -> str:
    """Write all files into `folder`, and remove those of providers that are gone. Says how much there is."""
    folder.mkdir(parents=True, exist_ok=True)
    shelves = {provider: entries for provider, entries in merged().items() if entries}
    for provider, entries in shelves.items():
        (folder / f"{provider}.jsonl").write_text(_lines(entries), encoding="utf-8")
    for file in folder.glob("*.jsonl"):
        if file.stem not in shelves:
            file.unlink()
    (folder / "sources.json").write_text(_about(shelves), encoding="utf-8")
    entries = [entry for entries in shelves.values() for entry in entries]
    priced = sum(bool(entry.prices) for entry in entries)
    return f"{len(entries)} models of {len(shelves)} providers, {priced} of them priced"


def _checked(name: str) -> str:
    """The reader finds names without parsing (`models/_shelves.py`), and keeps none that is longer than it looks up."""
    if set(name) & set('"\\]') or not name.isascii() or len(name) > LONGEST_NAME:
        raise ValueError(f"{name!r} cannot be a name in the catalogue")
    return name


def _lines(entries: Iterable[ModelEntry]) -> str:
    ordered = sorted(entries, key=lambda entry: (entry.model.lower(), entry.model))
    rows = [row_of(entry, sources()) for entry in ordered]
    for row in rows:
        row["model"] = _checked(row["model"])
        row |= {"aliases": [_checked(alias) for alias in row["aliases"]]} if "aliases" in row else {}
    return "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)


def _about(shelves: Mapping[str, Any]) -> str:
    told = {
        "sources": {
            name: {"version": said.version, "as_of": said.as_of and said.as_of.isoformat()}
            for name, said in sources().items()
        },
        "spellings": dict(sorted(_spellings(shelves).items())),
    }
    return json.dumps(told, indent=1) + "\n"


def _spellings(shelves: Mapping[str, Any]) -> dict[str, str]:
    """All other names of providers. A name with rows of its own is never another's."""
    names = table("providers.toml")
    known = Providers()
    aliases = {alias.lower(): name for name in known.names() for alias in known.find(name).aliases}
    one = {source: ours[0] for source, ours in names["genai-prices"].items() if len(ours) == 1}
    theirs = {source: ours for source, ours in one.items() if source not in names["name_suffixes"]}
    listed = names["models-dev"] | theirs | aliases | names["spellings"]
    return {other: listed.get(name, name) for other, name in listed.items() if other not in shelves}
