"""Read the files of a configuration: within bounds, joined by `include`, with the line of each key."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from dragoman.errors import ConfigError
from dragoman.gateway._files import read_file
from dragoman.gateway.config.yaml_source import Mark, Tree, compose, construct, pairs_of

__all__ = ["Document", "load"]

_MOST_BYTES = 32 * 2**20
_MOST_FILES = 100


class Document:
    """The joined values of a file and all that it includes."""

    def __init__(self, tree: Tree, files: tuple[str, ...]) -> None:
        self.values: dict[str, Any] = construct(tree)
        self._tree = tree
        self._files = files
        self._indexes: dict[int, dict[str, tuple[Tree, Tree]]] = {}

    def located(self, problems: Iterable[str]) -> list[str]:
        """Return problems of the form `path: message` with their lines in front, in the order of the file."""
        found = [(self._mark(problem.partition(": ")[0]), problem) for problem in dict.fromkeys(problems)]
        found.sort(key=lambda pair: self._place(pair[0]))
        return [self._prefix(mark) + problem for mark, problem in found]

    def _mark(self, path: str) -> Mark | None:
        """Return the mark of the innermost part of the path that the file has."""
        tree, mark = self._tree, None
        while path and (step := self._step(tree, path)) is not None:
            mark, tree, path = step
        return mark

    def _step(self, tree: Tree, path: str) -> tuple[Mark, Tree, str] | None:
        """Follow the first step of a path such as `model_list[1].model_name`. Return its mark, its tree and the rest."""
        if path.startswith("["):
            number, _, rest = path[1:].partition("]")
            if not isinstance(tree, yaml.SequenceNode) or not number.isdecimal() or int(number) >= len(tree.value):
                return None
            item = tree.value[int(number)]
            return item.start_mark, item, rest.removeprefix(".")
        index = self._index(tree)
        # Names of models hold dots and brackets: the longest key that fits is meant.
        for end in range(len(path), 0, -1):
            if path[end : end + 1] in ("", ".", "[") and path[:end] in index:
                key, value = index[path[:end]]
                return key.start_mark, value, path[end:].removeprefix(".")
        return None

    def _index(self, tree: Tree) -> dict[str, tuple[Tree, Tree]]:
        """Return the keys of a mapping, or of all mappings of a list: `fallbacks: [{alias: [models]}]` is named by alias."""
        if id(tree) not in self._indexes:
            found = self._indexes[id(tree)] = {}
            for mapping in tree.value if isinstance(tree, yaml.SequenceNode) else (tree,):
                if isinstance(mapping, yaml.MappingNode):
                    found.update(pairs_of(mapping))
        return self._indexes[id(tree)]

    def _place(self, mark: Mark | None) -> tuple[int, int]:
        return (len(self._files), 0) if mark is None else (self._files.index(mark.name), mark.line)

    def _prefix(self, mark: Mark | None) -> str:
        if mark is None:
            return ""
        file = "" if mark.name == self._files[0] else f"{mark.name}, "
        return f"{file}line {mark.line + 1}: "


def load(path: Path) -> Document:
    """Return the file with all that it includes. Raise `ConfigError`."""
    files = _Files()
    tree = files.tree_of(path, ())
    return Document(tree, tuple(files.names))


class _Files:
    """The files of one configuration. Each is read once, however often it is included."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._read: set[Path] = set()
        self._bytes_left = _MOST_BYTES

    def tree_of(self, path: Path, includers: tuple[Path, ...]) -> yaml.MappingNode:
        file = path.resolve()
        if file in includers:
            raise ConfigError(f"{path}: includes itself")
        if len(self.names) == _MOST_FILES:
            raise ConfigError(f"{path}: a configuration has at most {_MOST_FILES} files")
        self.names.append(str(path))
        self._read.add(file)
        own = compose(self._text(path, is_included=bool(includers)), str(path))
        if own is None:
            return _mapping([])
        pairs = pairs_of(own)
        _, include = pairs.pop("include", (None, None))
        merged: dict[str, tuple[Tree, Tree]] = {}
        for name in _names(include, path):
            inner = file.parent / name
            if inner.resolve() in self._read.difference(includers, {file}):
                continue
            _merge(merged, pairs_of(self.tree_of(inner, (*includers, file))), path)
        _merge(merged, pairs, path)
        return _mapping(list(merged.values()), own)

    def _text(self, path: Path, *, is_included: bool) -> str:
        raw = read_file(path, self._bytes_left, is_pipe_allowed=not is_included)
        if len(raw) > self._bytes_left:
            size = f"{_MOST_BYTES // 2**20} MB"
            raise ConfigError(f"{path}: a configuration has at most {size}, with all that it includes")
        self._bytes_left -= len(raw)
        try:
            return raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ConfigError(f"{path}: cannot be read: is not UTF-8 at byte {error.start}") from None


def _names(include: Tree | None, path: Path) -> list[str]:
    names = construct(include) if include is not None else []
    names = [names] if isinstance(names, str) else names or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ConfigError(f"{path}: include: expected a list of file names")
    return names


def _mapping(pairs: list[tuple[Tree, Tree]], like: yaml.MappingNode | None = None) -> yaml.MappingNode:
    mark = like.start_mark if like is not None else None
    return yaml.MappingNode("tag:yaml.org,2002:map", pairs, mark, mark)


def _merge(into: dict[str, tuple[Tree, Tree]], other: dict[str, tuple[Tree, Tree]], path: Path) -> None:
    """Merge `other` into `into`: lists grow, mappings join; a value that two files set differently is an error."""
    for name, (key, value) in other.items():
        present = into[name][1] if name in into else None
        if present is None or _is_null(present):
            into[name] = key, value
        elif isinstance(present, yaml.SequenceNode) and isinstance(value, yaml.SequenceNode):
            joined = yaml.SequenceNode(
                present.tag, [*present.value, *value.value], present.start_mark, present.end_mark
            )
            into[name] = key, joined
        elif isinstance(present, yaml.MappingNode) and isinstance(value, yaml.MappingNode):
            pairs = pairs_of(present)
            _merge(pairs, pairs_of(value), path)
            into[name] = key, _mapping(list(pairs.values()), present)
        elif construct(present) != construct(value):
            raise ConfigError(f"{path}: {name}: an included file sets it to something else")


def _is_null(tree: Tree) -> bool:
    return bool(tree.tag == "tag:yaml.org,2002:null")
