"""The known words that resemble an unknown one, and the remark that error messages end with: "(did you mean 'x'?)"."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["did_you_mean", "near"]

_MAX_LENGTH = 64
"""Characters of a word that are compared: the comparison is quadratic."""


def near(word: object, known: Iterable[str], count: int = 3, cutoff: float = 0.65) -> list[str]:
    """Return up to `count` known words that resemble this one, the best match first."""
    import difflib  # only where something is wrong

    by_lower = {name.lower(): name for name in sorted(known, reverse=True)}
    matches = difflib.get_close_matches(str(word)[:_MAX_LENGTH].lower(), by_lower, n=count, cutoff=cutoff)
    return [by_lower[match] for match in matches]


def did_you_mean(word: object, known: Iterable[str], count: int = 1, cutoff: float = 0.5) -> str:
    """Return a remark for the end of a message, or an empty text if no known word resembles this one."""
    matches = near(word, known, count, cutoff)
    return f" (did you mean {' or '.join(map(repr, matches))}?)" if matches else ""
