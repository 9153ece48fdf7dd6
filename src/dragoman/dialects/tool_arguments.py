"""Empty arguments of tool calls. Some models write them in place of an object without members, and a client that
parses them would call a function with null or a list."""

from __future__ import annotations

from typing import Any

__all__ = ["ArgumentsGate", "are_empty", "usable_arguments"]

_NOTHING = ("null", "[]")
_LONGEST = 64
"""Characters; white space beyond it is taken for arguments, so that little is ever held back."""


def are_empty(arguments: str) -> bool:
    """Whether whole arguments, as text, hold none."""
    return len(arguments) < _LONGEST and arguments.strip() in ("", *_NOTHING)


def usable_arguments(value: Any) -> Any:
    """Return the arguments of a call that are an object already, or an empty object where there are none."""
    nothing = value is None or value == [] or (isinstance(value, str) and are_empty(value))
    return {} if nothing else value


class ArgumentsGate:
    """Holds back the beginning of streamed arguments while it may still turn out that they hold none."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held: str | None = ""

    def feed(self, piece: str) -> str:
        """Return what is certain by now."""
        if self._held is None:
            return piece
        held = self._held + piece
        if len(held) < _LONGEST and any(word.startswith(held.strip()) for word in _NOTHING):
            self._held = held
            return ""
        self._held = None
        return held

    def close(self) -> str:
        """Return what remains at the end: an object where no arguments came, or the beginning of some that were cut off."""
        held, self._held = self._held, None
        if held is None:
            return ""
        return "{}" if are_empty(held) else held
