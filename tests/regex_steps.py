"""How many steps a backtracking matcher takes for a regular expression: `re` itself cannot tell."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from re import _compiler, _constants, _parser  # type: ignore[attr-defined]
from typing import Any, AnyStr

__all__ = ["adversaries", "can_repeat", "takes_at_most"]

_MANY = 64
"""Repetitions that count as without end."""
_ANYTHING = "b"

_LEAVES = {_constants.LITERAL, _constants.NOT_LITERAL, _constants.ANY, _constants.IN}
_REPEATS = {_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT}
_CHARACTERS = {
    _constants.CATEGORY_DIGIT: "0",
    _constants.CATEGORY_SPACE: " ",
    _constants.CATEGORY_WORD: "a",
    _constants.CATEGORY_NOT_SPACE: "a",
    _constants.CATEGORY_NOT_DIGIT: "a",
    _constants.CATEGORY_NOT_WORD: "-",
}


class _TooMany(Exception):
    """More steps than may be taken."""


class _Matcher:
    """Matches as `re` does, from left to right with backtracking, and counts the nodes that it looks at."""

    def __init__(self, pattern: re.Pattern[AnyStr]) -> None:
        self.tree = _parser.parse(pattern.pattern, pattern.flags)
        self._flags = self.tree.state.flags
        self._is_text = isinstance(pattern.pattern, str)
        self._leaves: dict[int, re.Pattern[AnyStr]] = {}
        self.count = self._most = 0

    def find_all(self, text: str, most: int, *, everywhere: bool) -> None:
        """Find all matches; `everywhere` False: one at the beginning. Raise `_TooMany` for more than `most` steps."""
        data: Any = text if self._is_text else text.encode("latin-1")
        self.count, self._most, start = 0, most, 0
        while start <= len(data):
            end = next(self._sequence(list(self.tree), 0, data, start), None)
            if not everywhere:
                break
            start = end if end is not None and end > start else start + 1

    def _sequence(self, nodes: list[Any], index: int, text: Any, at: int) -> Iterator[int]:
        if index == len(nodes):
            yield at
            return
        for end in self._node(nodes[index], text, at):
            yield from self._sequence(nodes, index + 1, text, end)

    def _node(self, node: Any, text: Any, at: int) -> Iterator[int]:
        self.count += 1
        if self.count > self._most:
            raise _TooMany
        kind, value = node
        if kind in _REPEATS:
            ends = self._repeat(value[2], value[0], value[1], text, at, greedy=kind is not _constants.MIN_REPEAT)
            if kind is _constants.POSSESSIVE_REPEAT:
                ends = iter([end for end in [next(ends, None)] if end is not None])
            yield from ends
        elif kind is _constants.SUBPATTERN:
            yield from self._sequence(list(value[-1]), 0, text, at)
        elif kind is _constants.ATOMIC_GROUP:
            yield from [end for end in [next(self._sequence(list(value), 0, text, at), None)] if end is not None]
        elif kind is _constants.BRANCH:
            for branch in value[1]:
                yield from self._sequence(list(branch), 0, text, at)
        elif (found := self._leaf(node).match(text, at)) is not None:
            yield found.end()

    def _leaf(self, node: Any) -> re.Pattern[Any]:
        if id(node) not in self._leaves:
            one = _parser.SubPattern(self.tree.state, [node])
            self._leaves[id(node)] = _compiler.compile(one, self._flags)
        return self._leaves[id(node)]

    def _repeat(self, body: Any, least: int, most: int, text: Any, at: int, *, greedy: bool) -> Iterator[int]:
        """Without recursion, for a text may be longer than the stack is deep."""
        if not greedy and least <= 0:
            yield at
        walks = [(at, self._sequence(list(body), 0, text, at) if most else iter(()))]
        while walks:
            here, ends = walks[-1]
            end = next(ends, None)
            if end is not None and end > here:
                depth = len(walks)
                if not greedy and depth >= least:
                    yield end
                walks.append((end, self._sequence(list(body), 0, text, end) if depth < most else iter(())))
                continue
            if end is None:
                walks.pop()
                if greedy and len(walks) >= least:
                    yield here


def takes_at_most(most: int, pattern: re.Pattern[AnyStr], text: str, *, everywhere: bool) -> bool:
    """Whether `pattern` finds all its matches in `text` in `most` steps.

    `everywhere`: looked for as by `search`, `finditer` and `sub`, not as by `match`."""
    try:
        _Matcher(pattern).find_all(text, most, everywhere=everywhere)
    except _TooMany:
        return False
    return True


def can_repeat(pattern: re.Pattern[AnyStr]) -> bool:
    """Whether some part of `pattern` may match a text of any length."""
    return bool(_repeated(list(_parser.parse(pattern.pattern, pattern.flags))))


def _repeated(nodes: list[Any]) -> bool:
    return any(unit for _, unit in list(_units(nodes, ""))[:-1])


def adversaries(pattern: re.Pattern[AnyStr], size: int) -> list[str]:
    """Texts of about `size` characters that almost match: each repetition of the pattern goes on for long, behind what comes
    before it, and the text ends with what fits nowhere."""
    texts: dict[str, None] = {}
    for before, unit in _units(list(_parser.parse(pattern.pattern, pattern.flags)), ""):
        for start, again in ((before, unit), ("", before + unit)):
            if again:
                text = start + again * (size // len(again)) + "\x01"
                # What fits anywhere may also be what the pattern begins with.
                texts |= {text: None, text.replace(_ANYTHING, text[0]): None}
    return list(texts)


def _units(nodes: list[Any], before: str) -> Iterator[tuple[str, str]]:
    for node in nodes:
        kind, value = node
        if kind in _REPEATS:
            if value[1] > _MANY:
                for unit in _variants(list(value[2])):
                    yield before, unit
            yield from _units(list(value[2]), before)
        elif kind is _constants.SUBPATTERN:
            yield from _units(list(value[-1]), before)
        elif kind is _constants.BRANCH:
            for branch in value[1]:
                yield from _units(list(branch), before)
        before += _sample([node])
    yield "", before


def _variants(nodes: list[Any]) -> Iterator[str]:
    """A short text of each alternative."""
    if len(nodes) == 1 and nodes[0][0] is _constants.SUBPATTERN:
        yield from _variants(list(nodes[0][1][-1]))
    elif len(nodes) == 1 and nodes[0][0] is _constants.BRANCH:
        for branch in nodes[0][1][1]:
            yield from _variants(list(branch))
    else:
        yield _sample(nodes)


def _sample(nodes: list[Any]) -> str:
    """A short text that the nodes match."""
    return "".join(map(_sample_one, nodes))


def _sample_one(node: Any) -> str:
    kind, value = node
    if kind is _constants.LITERAL:
        return chr(value)
    if kind is _constants.IN:
        return _of_set(value)
    if kind in (_constants.NOT_LITERAL, _constants.ANY):
        return _ANYTHING
    if kind in _REPEATS:
        return str(_sample(list(value[2])) * max(1, value[0]))
    if kind is _constants.SUBPATTERN:
        return _sample(list(value[-1]))
    if kind is _constants.ATOMIC_GROUP:
        return _sample(list(value))
    return _sample(list(value[1][0])) if kind is _constants.BRANCH else ""


def _of_set(items: Any) -> str:
    if items[0][0] is _constants.NEGATE:
        ranges = re.compile("".join(("[", *map(_spelled, items[1:]), "]")))
        return next((one for one in "ab 0-_.~" + string.printable if not ranges.match(one)), "\x01")
    kind, value = items[0]
    if kind is _constants.CATEGORY:
        return _CHARACTERS[value]
    return chr(value[0] if kind is _constants.RANGE else value)


def _spelled(item: Any) -> str:
    kind, value = item
    if kind is _constants.RANGE:
        return f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}"
    if kind is _constants.CATEGORY:
        return {"0": r"\d", " ": r"\s", "a": r"\w"}[_CHARACTERS[value]]
    return re.escape(chr(value))
