"""Every regular expression of the package takes a time that grows with its text, not with the square of it."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import dragoman
from tests.regex_steps import adversaries, can_repeat, takes_at_most

_SOURCE = Path(dragoman.__file__).parent
_SIZE = 600
_STEPS_A_CHARACTER = 150
"""A pattern that looks at the rest of the text from each place takes 300 and more."""
_ANCHORED = ("match", "fullmatch")
_TEXT_IS_SHORT = {
    "dragoman.dialects.error_details._DURATION": "a header of at most 64 characters",
    "dragoman.simulator.directives._DIRECTIVE": "what a developer writes for a simulator of his own",
    "dragoman.simulator.directives:compile": "the same",
}
"""Patterns that take longer, and why that does no harm."""


def _patterns_in(value: Any, depth: int = 0) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif depth < 4:
        inner: Any = ()
        if isinstance(value, dict):
            inner = (*value, *value.values())
        elif isinstance(value, (tuple, list, set, frozenset)):
            inner = value
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            inner = [getattr(value, field.name, None) for field in dataclasses.fields(value)]
        for item in inner:
            yield from _patterns_in(item, depth + 1)


def _uses() -> dict[str, set[str]]:
    """Name of a pattern -> the methods that are called of it anywhere."""
    found: dict[str, set[str]] = {}
    for path in _SOURCE.rglob("*.py"):
        for name, method in re.findall(r"\b(_?[A-Z][A-Z_]+)\.([a-z]+)\b", path.read_text(encoding="utf-8")):
            found.setdefault(name, set()).add(method)
    return found


def _modules() -> Iterator[tuple[str, Any]]:
    for info in pkgutil.walk_packages(dragoman.__path__, "dragoman."):
        if not info.name.endswith("__main__"):
            yield info.name, importlib.import_module(info.name)


def _written_in_place() -> Iterator[tuple[str, re.Pattern[Any], bool]]:
    """The patterns that are given to a function of `re` where they are used."""
    for path in _SOURCE.rglob("*.py"):
        name = ".".join(("dragoman", *path.relative_to(_SOURCE).with_suffix("").parts))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="re"), attr=method), args=[ast.Constant(value=text), *_]
                ) if method not in ("compile", "escape") and isinstance(text, (str, bytes)):
                    yield f"{name}:{method}", re.compile(text), method not in _ANCHORED


def _all_patterns() -> dict[tuple[Any, int], tuple[str, re.Pattern[Any], bool]]:
    uses = _uses()
    found: dict[tuple[Any, int], tuple[str, re.Pattern[Any], bool]] = {}
    for module, loaded in _modules():
        for name, value in vars(loaded).items():
            everywhere = not uses.get(name, set()) or not uses[name].issubset(_ANCHORED)
            for pattern in _patterns_in(value):
                found.setdefault((pattern.pattern, pattern.flags), (f"{module}.{name}", pattern, everywhere))
    for name, pattern, everywhere in _written_in_place():
        found.setdefault((pattern.pattern, pattern.flags), (name, pattern, everywhere))
    return found


_ALL = list(_all_patterns().values())


def test_the_patterns_are_found() -> None:
    names = {name for name, _, _ in _ALL}
    assert len(_ALL) > 80
    assert {"dragoman.dialects.error_details._DURATION", "dragoman.dialects.framing.sse._END"} <= names


@pytest.mark.parametrize(
    ("name", "pattern", "everywhere"),
    [
        pytest.param(*one, id=f"{one[0]}-{index}")
        for index, one in enumerate(_ALL)
        if can_repeat(one[1]) and one[0] not in _TEXT_IS_SHORT
    ],
)
def test_a_pattern_takes_steps_in_proportion_to_its_text(name: str, pattern: re.Pattern[Any], everywhere: bool) -> None:
    for text in adversaries(pattern, _SIZE):
        most = _STEPS_A_CHARACTER * len(text)
        assert takes_at_most(most, pattern, text, everywhere=everywhere), f"{name} on {text[:60]!r}"


@pytest.mark.parametrize("written", [r'"(?:[^"\\]|\\.)*"', r"\d+x", r"(a+)+\Z", r"<(title|h1)[^>]*>(.*?)</t"])
def test_a_pattern_that_takes_the_square_is_seen(written: str) -> None:
    pattern = re.compile(written)
    assert not all(
        takes_at_most(_STEPS_A_CHARACTER * len(text), pattern, text, everywhere=True)
        for text in adversaries(pattern, _SIZE)
    )
