"""What somebody may have meant by a word that is not known."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["did_you_mean", "near"]

_LONGEST = 64
"""No more of a word is compared."""


def near(word: object, known: Iterable[str], count: int = 3, cutoff: float = 0.65) -> list[str]:
    """The known words that are most like this one, the likest first."""
    import difflib  # only where something is wrong

    return difflib.get_close_matches(str(word)[:_LONGEST].lower(), sorted(known), n=count, cutoff=cutoff)


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """A remark for the end of a message, empty where nothing is near."""
    found = near(word, known, count=1, cutoff=0.5)
    return f" (did you mean {found[0]!r}?)" if found else ""
