"""The catalogue: the row of a model, by the names that are listed, and rows of one's own laid over it."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from dragoman.models._names import LONGEST_NAME, names_by_rule
from dragoman.models.family_facts import provider_of
from dragoman.models.provider_rows import SHIPPED, about, shelf
from dragoman.types.model_entry import ModelEntry

__all__ = ["Catalogue"]

_KEPT = 4096
"""Look-ups that are remembered, found or not."""


@dataclass(frozen=True, slots=True)
class _Overlay:
    """The rows of one provider that were added. Never changed, only replaced: readers take no lock."""

    rows: Mapping[str, ModelEntry] = field(default_factory=dict)
    aliases: Mapping[str, ModelEntry] = field(default_factory=dict)


_NOTHING = _Overlay()


class Catalogue:
    """The catalogue of models: the shipped rows, overridden by those that were added.

    A model is found by its exact name, an alias of its row, or a listed rule (`_names.RULES`); never by a prefix, and never
    in another provider's rows. Names are told apart without regard to case. All methods are thread-safe."""

    def __init__(self, folder: Path = SHIPPED) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._overlays: Mapping[str, _Overlay] = MappingProxyType({})
        self._version = 0
        self._found: dict[tuple[str, str], ModelEntry | None] = {}

    @property
    def version(self) -> int:
        """It rises with every change."""
        return self._version

    def find(self, provider: str, model: str) -> ModelEntry | None:
        """The row of `model`, as `provider` (by any of its names) calls it. None: it is not known."""
        result = (
            self._found
        )  # taken before the rows: what is found in rows that were replaced since is remembered by nobody
        key = (provider, model)
        try:
            return result[key]
        except KeyError:
            pass
        if len(model) > LONGEST_NAME or len(provider) > LONGEST_NAME:
            return None
        entry = self._look(self.provider_name(provider), model)
        if len(result) >= _KEPT:
            result.clear()
        result[key] = entry
        return entry

    def find_named(self, name: str) -> ModelEntry | None:
        """The row that `provider/model` means, or a bare name that is one provider's own (`gpt-6.1-sol`, `claude-…`)."""
        provider, slash, model = name.strip().partition("/")
        if slash:
            return self.find(provider, model) if model else None
        home = provider_of(name)
        return None if home is None else self.find(home, name.strip())

    def provider_name(self, name: str) -> str:
        """The name under which the catalogue keeps a provider's rows: `fireworks-ai` is `fireworks_ai`."""
        wanted = name.strip().lower()
        return about(self._folder).spellings.get(wanted, wanted)

    def add(self, entry: ModelEntry) -> None:
        """Lay a row over the shipped ones; it replaces one that was added under the same name."""
        self.update((entry,))

    def remove(self, provider: str, model: str) -> bool:
        """Take away a row that was added: the shipped one, if there is one, is seen again. False: there was none."""
        return self.update((), ((provider, model),))

    def update(self, added: Iterable[ModelEntry], removed: Iterable[tuple[str, str]] = ()) -> bool:
        """Remove and add rows in one step, which no reader sees half done. False: there was nothing to change."""
        with self._lock:
            rows: dict[str, dict[str, ModelEntry]] = {}
            changed = False
            for provider, model in removed:
                changed |= self._copied(rows, provider).pop(model.strip().lower(), None) is not None
            for entry in added:
                own = replace(entry, provider=self.provider_name(entry.provider), matched_by="")
                self._copied(rows, own.provider)[own.model.strip().lower()] = own
                changed = True
            if changed:
                overlays = {**self._overlays, **{name: _overlay(entries) for name, entries in rows.items()}}
                self._overlays = MappingProxyType(overlays)
                self._version += 1
                self._found = {}  # after the rows: see find
            return changed

    def entries(self, provider: str | None = None) -> Iterator[ModelEntry]:
        """All rows, or one provider's, by name."""
        names = (
            {*about(self._folder).providers, *self._overlays} if provider is None else {self.provider_name(provider)}
        )
        for name in sorted(names):
            added = self._overlays.get(name, _NOTHING).rows
            shipped = shelf(self._folder, name)
            for model in sorted({*added, *shipped.names}):
                yield added[model] if model in added else shipped.entry(model)

    def _copied(self, rows: dict[str, dict[str, ModelEntry]], provider: str) -> dict[str, ModelEntry]:
        name = self.provider_name(provider)
        if name not in rows:
            rows[name] = dict(self._overlays.get(name, _NOTHING).rows)
        return rows[name]

    def _look(self, provider: str, model: str) -> ModelEntry | None:
        name = model.strip().lower()
        entry = self._exactly(provider, name)
        if entry is not None:
            return entry
        for other, rule in names_by_rule(provider, name):
            entry = self._exactly(provider, other)
            if entry is not None:
                return replace(entry, matched_by=rule)
        return None

    def _exactly(self, provider: str, name: str) -> ModelEntry | None:
        """The row of this name or alias. One that was added wins, also over the shipped row of an alias."""
        overlay = self._overlays.get(provider, _NOTHING)
        if name in overlay.rows:
            return overlay.rows[name]
        if name in overlay.aliases:
            return replace(overlay.aliases[name], matched_by="alias")
        shipped = shelf(self._folder, provider)
        if name in shipped.names:
            return shipped.entry(name)
        own = shipped.aliases.get(name)
        if own is None:
            return None
        return replace(overlay.rows.get(own) or shipped.entry(own), matched_by="alias")


def _overlay(entries: Mapping[str, ModelEntry]) -> _Overlay:
    return _Overlay(entries, {alias.strip().lower(): entry for entry in entries.values() for alias in entry.aliases})
