"""Arguments of tool calls that say nothing. Some models write them in place of an object without members, and a client that
parses them would call a function with null or a list."""

from __future__ import annotations

__all__ = ["may_say_nothing", "say_nothing"]

_NOTHING = ("null", "[]")
_LONGEST = 64
"""Characters; white space beyond it is taken for arguments, so that little is ever held back."""


def say_nothing(arguments: str) -> bool:
    """Whether whole arguments hold none."""
    return len(arguments) < _LONGEST and arguments.strip() in ("", *_NOTHING)


def may_say_nothing(begun: str) -> bool:
    """Whether arguments that begin so may still turn out to hold none."""
    return len(begun) < _LONGEST and any(word.startswith(begun.strip()) for word in _NOTHING)
