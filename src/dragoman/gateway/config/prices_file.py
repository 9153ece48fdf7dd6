"""Lay the price file of a configuration over the catalogue, and read it again when it changes.

A file that is wrong changes nothing: the prices of before stay, and one line of the log says what is wrong. All reading
happens in a thread, so that no call waits for it.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from dragoman.errors import ConfigError
from dragoman.gateway._files import read_file
from dragoman.gateway.wording import counted
from dragoman.models import Catalogue
from dragoman.models.price_file import read_price_file
from dragoman.types.model_entry import ModelEntry

__all__ = ["PricesFile", "read_rows"]

_log = logging.getLogger("dragoman.gateway")
_MOST_BYTES = 64 * 2**20
"""The whole shipped catalogue takes a twentieth of it."""


def read_rows(path: Path, *, complete: bool = True) -> tuple[ModelEntry, ...]:
    """Return the rows of a price file; `complete`: with the fields of the shipped rows that they do not set.

    Raise `ConfigError` with a line for each wrong row."""
    data = read_file(path, _MOST_BYTES)
    if len(data) > _MOST_BYTES:
        raise ConfigError(f"{path}: a price file has at most {_MOST_BYTES // 2**20} MB")
    return read_price_file(data, path.name, Catalogue() if complete else None)


class PricesFile:
    """Keeps a catalogue in step with a file."""

    seconds: ClassVar[float] = 2.0
    """Between two checks of the file."""

    def __init__(self, path: Path, catalogue: Catalogue) -> None:
        self._path = path
        self._catalogue = catalogue
        self._rows: Mapping[tuple[str, str], ModelEntry] = {}
        self._seen: object = ()
        self._complained: object = ()

    def load(self) -> bool:
        """Read the file if it has changed, and return whether it has. Raise `ConfigError`; then no price has changed."""
        seen = self._state()
        if seen == self._seen:
            return False
        rows = {(entry.provider, entry.model.lower()): entry for entry in read_rows(self._path)}
        gone = [key for key in self._rows if key not in rows]
        self._catalogue.update((entry for key, entry in rows.items() if self._rows.get(key) != entry), gone)
        self._rows, self._seen = rows, seen
        return True

    def _state(self) -> object:
        """Return what differs when the file has changed: its inode if it is replaced, its time if it is written to."""
        try:
            found = os.stat(self._path)
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    async def watch(self) -> None:
        """Check the file at intervals, until cancelled."""
        while True:
            await asyncio.sleep(self.seconds)
            await asyncio.to_thread(self._look)

    def _look(self) -> None:
        state = self._state()
        if state == self._complained and state != self._seen:
            return  # still as wrong as it was
        try:
            changed = self.load()
        except ConfigError as error:
            self._complained = state
            _log.error("the prices stay as they were, the price file is refused: %s", error.message.replace("\n", "; "))
            return
        except Exception:
            self._complained = state
            _log.exception("the prices stay as they were, the price file could not be read")
            return
        self._complained = ()
        if changed:
            _log.warning("%s: in force now: %s", self._path, counted(len(self._rows), "row"))
