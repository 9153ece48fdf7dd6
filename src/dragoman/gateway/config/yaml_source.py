"""YAML texts into trees of nodes that are safe to construct: no repeated keys, no aliases that refer to themselves or explode."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from typing import Any, TypeAlias

import yaml

from dragoman.errors import ConfigError

__all__ = ["Mark", "Tree", "compose", "construct", "pairs_of"]

Mark: TypeAlias = yaml.Mark
Tree: TypeAlias = yaml.Node

_MOST_VALUES = 1_000_000
"""Values of one file with all aliases expanded: every pass over a configuration walks them expanded."""
_DEEPEST = 100
_LONGEST_NUMBER = 128
"""Characters. Numbers in base 60 and dates are read in quadratic time."""
_TAB = "a tab: YAML is indented with spaces"
_LONG_TAGS = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:binary")
_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Source(io.StringIO):
    """A text that knows the name of its file, which the marks of its nodes then carry."""

    name: str = ""


def compose(text: str, name: str) -> yaml.MappingNode | None:
    """The tree of one file, None where it is empty. Raises `ConfigError` with line and column."""
    loader = _loader(text, name)
    try:
        _check_events(_loader(text, name))
        root = loader.get_single_node()
        if root is None or root.tag == "tag:yaml.org,2002:null":
            return None
        if not isinstance(root, yaml.MappingNode):
            raise ConfigError(f"{name}: expected a mapping of sections")
        _check(root)
        return root
    except yaml.MarkedYAMLError as error:
        where = error.problem_mark or error.context_mark
        place = f"line {where.line + 1}, column {where.column + 1}: " if where else ""
        problem = _TAB if where and _is_tab(text, where) else error.problem or error.context
        raise ConfigError(f"{name}: {place}{problem}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{name}: {str(error).splitlines()[0]}") from None
    finally:
        loader.dispose()


def _is_tab(text: str, mark: Mark) -> bool:
    """Whether a tab stands where YAML's reader stopped, or indents that line."""
    line = next(itertools.islice(io.StringIO(text), mark.line, None), "")
    return "\t" in line[: mark.column + 1] and not line[: mark.column].strip(" \t-")


def _loader(text: str, name: str) -> yaml.SafeLoader:
    source = _Source(text)
    source.name = name
    return _Loader(source)


def _check_events(parser: yaml.SafeLoader) -> None:
    """Look at the text before a tree is built of it: libyaml's parser needs no stack, but PyYAML's composer recurses in C, and a
    text of 30,000 brackets ends the process."""
    count = depth = 0
    try:
        while not isinstance(event := parser.get_event(), yaml.StreamEndEvent):  # type: ignore[no-untyped-call]
            count += 1
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > _DEEPEST:
                raise _refused(event, f"is nested more than {_DEEPEST} levels deep")
            if count > _MOST_VALUES:
                raise _refused(event, f"holds more than {_MOST_VALUES:,} values")
    finally:
        parser.dispose()


def construct(tree: Tree) -> Any:
    """The plain values of a tree. Raises `ConfigError`, which repeats no value."""
    try:
        return yaml.constructor.SafeConstructor().construct_document(tree)
    except yaml.MarkedYAMLError as error:
        where = error.problem_mark or error.context_mark or tree.start_mark
        raise ConfigError(f"{where.name}: line {where.line + 1}: {error.problem or error.context}") from None
    except (ValueError, OverflowError):
        where = tree.start_mark
        message = "a number or a date in this file cannot be read"
        raise ConfigError(f"{where.name}: {message}") from None


def pairs_of(tree: yaml.MappingNode) -> dict[str, tuple[Tree, Tree]]:
    """Key and value by the text of the key, with what `<<` merges in."""
    yaml.constructor.SafeConstructor().flatten_mapping(tree)
    return {str(key.value): (key, value) for key, value in tree.value}


def _check(root: Tree) -> None:
    """Look at every node once, children first, and count what aliases stand for as often as they do."""
    values: dict[int, int] = {}
    heights: dict[int, int] = {}
    under_way: set[int] = set()
    waiting: list[tuple[Tree, bool]] = [(root, False)]
    while waiting:
        node, ready = waiting.pop()
        if ready:
            under_way.discard(id(node))
            _count(node, values, heights)
        elif id(node) in under_way:
            raise _refused(node, "an alias stands within what it refers to")
        elif id(node) not in values:
            _check_one(node)
            under_way.add(id(node))
            waiting.append((node, True))
            waiting += [(child, False) for child in _children(node) if not isinstance(child, yaml.ScalarNode)]


def _count(node: Tree, values: dict[int, int], heights: dict[int, int]) -> None:
    count, height = 1, 0
    for child in _children(node):
        if isinstance(child, yaml.ScalarNode):
            _check_scalar(child)
            count += 1
        else:
            count += values[id(child)]
            height = max(height, heights[id(child)])
    values[id(node)], heights[id(node)] = count, height + 1
    if count > _MOST_VALUES:
        raise _refused(node, f"stands for more than {_MOST_VALUES:,} values")
    if height >= _DEEPEST:
        raise _refused(node, f"is nested more than {_DEEPEST} levels deep")


def _children(node: Tree) -> Iterator[Tree]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key
            yield value
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value


def _check_scalar(node: yaml.ScalarNode) -> None:
    if len(node.value) > _LONGEST_NUMBER and node.tag not in _LONG_TAGS:
        raise _refused(node, f"a number or a date has at most {_LONGEST_NUMBER} characters")


def _check_one(node: Tree) -> None:
    """Of a repeated key YAML's reader takes the last, silently."""
    if not isinstance(node, yaml.MappingNode):
        return
    lines: dict[str, int] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            continue
        if key.value in lines and key.value != "<<":
            raise _refused(key, f"the key {key.value!r} is given twice (first in line {lines[key.value]})")
        lines[key.value] = key.start_mark.line + 1


def _refused(node: Any, problem: str) -> yaml.MarkedYAMLError:
    """At a node, or an event."""
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
