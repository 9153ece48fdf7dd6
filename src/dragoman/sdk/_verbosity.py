"""The log of a program that sets up no logging of its own: `dragoman.set_verbose`, and `Router(set_verbose, debug_level)`."""

from __future__ import annotations

import logging

from dragoman.errors import ConfigError

__all__ = ["set_log_level"]

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_log = logging.getLogger("dragoman")
_handler = logging.StreamHandler()
_handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))


def set_log_level(level: str | None) -> None:
    """Log from `level` on, to the standard error unless the application has handlers of its own; None: as before.

    Raise `ConfigError` for an unknown level."""
    if level is not None and str(level).upper() not in _LEVELS:
        raise ConfigError(f"debug_level: expected one of {', '.join(_LEVELS)}, got {level!r}", param="debug_level")
    _log.removeHandler(_handler)
    if level is None:
        _log.setLevel(logging.NOTSET)
        return
    _log.setLevel(level.upper())
    if not _log.hasHandlers():
        _log.addHandler(_handler)
