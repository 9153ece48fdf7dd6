"""Tracebacks that begin at the caller's own line."""

from __future__ import annotations

from types import TracebackType

from dragoman.errors import DragomanError
from dragoman.sdk.settings import SETTINGS

__all__ = ["SHALLOW"]


class _Shallow:
    """Leave out of our errors' tracebacks how they came to be raised: the message, `attempts` and the cause say what happened.

    With `dragoman.set_verbose = True` tracebacks stay whole, as those of all other exceptions do."""

    __slots__ = ()

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, traceback: TracebackType | None) -> None:
        if isinstance(error, DragomanError) and not SETTINGS.set_verbose:
            error.__traceback__ = None


SHALLOW = _Shallow()
