"""The log of a program that sets up no logging of its own: `dragoman.set_verbose`, and `Router(set_verbose, debug_level)`."""

from __future__ import annotations

import logging

__all__ = ["set_log_level"]

_log = logging.getLogger("dragoman")
_handler = logging.StreamHandler()
_handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))


def set_log_level(level: str | None) -> None:
    """Log from `level` on, to the standard error unless the application has handlers of its own; None: as before."""
    _log.removeHandler(_handler)
    if level is None:
        _log.setLevel(logging.NOTSET)
        return
    _log.setLevel(level)
    if not _log.hasHandlers():
        _log.addHandler(_handler)
