"""Arguments of tool calls that say nothing. Some models write them in place of an object without members, and a client that
parses them would call a function with null or a list."""

from __future__ import annotations

from typing import Any

__all__ = ["ArgumentsGate", "given_arguments", "say_nothing"]

_NOTHING = ("null", "[]")
_LONGEST = 64
"""Characters; white space beyond it is taken for arguments, so that little is ever held back."""


def say_nothing(arguments: str) -> bool:
    """Whether whole arguments, as text, hold none."""
    return len(arguments) < _LONGEST and arguments.strip() in ("", *_NOTHING)


def given_arguments(value: Any) -> Any:
    """`value` as it was given in place of an object of arguments; an empty object where it holds none."""
    nothing = value is None or value == [] or (isinstance(value, str) and say_nothing(value))
    return {} if nothing else value


class ArgumentsGate:
    """Holds back the beginning of streamed arguments while it may still turn out that they hold none."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held: str | None = ""

    def feed(self, piece: str) -> str:
        """What is certain by now."""
        if self._held is None:
            return piece
        held = self._held + piece
        if len(held) < _LONGEST and any(word.startswith(held.strip()) for word in _NOTHING):
            self._held = held
            return ""
        self._held = None
        return held

    def close(self) -> str:
        """What is left at the end: an object where no arguments came, and the beginning of some that were cut off."""
        held, self._held = self._held, None
        if held is None:
            return ""
        return "{}" if say_nothing(held) else held
