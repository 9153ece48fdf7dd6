"""How many tokens a text takes: an estimate without a vocabulary, tuned to lie a little above the real count.

Text is cut as byte-pair tokenizers cut it (words, groups of three digits, runs of space, punctuation), and each piece is
weighed by its length and script.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import MappingProxyType

__all__ = ["estimate_tokens"]

_PIECES = re.compile(
    r"(?P<word> ?[A-Z]?[a-z]+)"
    r"|(?P<capitals> ?(?:[A-Z]+(?![a-z])|[A-Z]))"
    r"|(?P<digits>\d{1,3})"
    r"|(?P<space>\s+)"
    r"|(?P<signs> ?[!-/:-@\[-`{-~]+)"
    r"|(?P<other>[^\x00-\x7f]+|.)"
)
_SAMPLES, _SAMPLE = 24, 1024


def estimate_tokens(texts: Sequence[str]) -> float:
    """About how many tokens of OpenAI's o200k_base the texts are. Long texts are weighed by samples
    spread over them: an event loop must not wait for a book to be read."""
    length = sum(map(len, texts))
    if length <= _SAMPLES * _SAMPLE:
        return sum(map(_weigh_all, texts))
    whole = "\n".join(texts)
    step = (len(whole) - _SAMPLE) / (_SAMPLES - 1)
    starts = [int(step * index) for index in range(_SAMPLES)]
    sampled = sum(_weigh_all(whole[start : start + _SAMPLE]) for start in starts)
    return sampled * len(whole) / (_SAMPLES * _SAMPLE)


def _weigh_all(text: str) -> float:
    total = 0.0
    for match in _PIECES.finditer(text):
        total += _WEIGHTS[match.lastgroup or "other"](match[0])
    return total


def _word(piece: str) -> float:
    letters = len(piece.lstrip())
    return 1 if letters <= 7 else 1 + (letters - 7) / 7


def _capitals(piece: str) -> float:
    letters = len(piece.lstrip())
    return 1 if letters <= 3 else 1 + (letters - 3) / 3


def _signs(piece: str) -> float:
    return 1 + max(0, len(piece.strip()) - 2) / 2


def _space(piece: str) -> float:
    return 1 + len(piece) / 40


def _other(piece: str) -> float:
    """Scripts beyond ASCII by their length in UTF-8: a Latin or Cyrillic letter takes two bytes, a CJK one three."""
    return sum(0.5 if ord(sign) < 0x800 else 1.0 if ord(sign) < 0x10000 else 2.5 for sign in piece)


_WEIGHTS = MappingProxyType(
    {
        "word": _word,
        "capitals": _capitals,
        "digits": lambda piece: 1.0,
        "space": _space,
        "signs": _signs,
        "other": _other,
    }
)
