"""config.yaml into plain values: duplicates are errors, `include` is followed, `os.environ/NAME` is filled in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from dragoman.errors import ConfigError
from dragoman.routing._readers import Environment

__all__ = ["fill_in", "load"]

_REFERENCE = "os.environ/"
_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load(path: Path) -> dict[str, Any]:
    """The file with what it includes. Raises `ConfigError`."""
    return _load(path, ())


def _load(path: Path, includers: tuple[Path, ...]) -> dict[str, Any]:
    path = path.resolve()
    if path in includers:
        raise ConfigError(f"{path}: includes itself")
    own = _parse(path)
    names = own.get("include") or []
    if isinstance(names, str):
        names = [names]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ConfigError(f"{path}: include: expected a list of file names")
    merged: dict[str, Any] = {}
    for name in names:
        _merge(merged, _load(path.parent / name, (*includers, path)), path)
    own.pop("include", None)
    _merge(merged, own, path)
    return merged


def _parse(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {_reason(error)}") from None
    try:
        value = _construct(text)
    except yaml.MarkedYAMLError as error:
        where = error.problem_mark or error.context_mark
        place = f"line {where.line + 1}, column {where.column + 1}: " if where else ""
        raise ConfigError(f"{path}: {place}{error.problem or error.context}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: {_reason(error)}") from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ConfigError(f"{path}: expected a mapping of sections")
    return value


def _reason(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or str(error).splitlines()[0])


def _merge(into: dict[str, Any], other: dict[str, Any], path: Path) -> None:
    """Lists grow, mappings join; a value that two files set differently is an error."""
    for key, value in other.items():
        present = into.get(key)
        if present is None:
            into[key] = value
        elif isinstance(present, list) and isinstance(value, list):
            into[key] = [*present, *value]
        elif isinstance(present, dict) and isinstance(value, dict):
            into[key] = dict(present)
            _merge(into[key], value, path)
        elif present != value:
            raise ConfigError(f"{path}: {key}: an included file sets it to something else")


def fill_in(value: Any, environment: Mapping[str, str], problems: list[str], path: str = "") -> Any:
    """`value` with every `os.environ/NAME` replaced; a variable that is missing becomes a problem."""
    if isinstance(value, dict):
        return {
            key: fill_in(item, environment, problems, f"{path}.{key}" if path else str(key))
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [fill_in(item, environment, problems, f"{path}[{index}]") for index, item in enumerate(value)]
    if not isinstance(value, str) or not value.startswith(_REFERENCE):
        return value
    name = value.removeprefix(_REFERENCE).strip()
    found = environment.get(name)
    if found is None:
        problems.append(f"{path}: the environment variable {name} is not set")
        return Environment("")
    return Environment(found)


def _construct(text: str) -> Any:
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _refuse_repeated_keys(node)
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _refuse_repeated_keys(root: yaml.Node) -> None:
    """Of a repeated key YAML's reader takes the last, silently."""
    waiting, seen = [root], set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif isinstance(node, yaml.MappingNode):
            _check_keys(node)
            waiting += [value for _, value in node.value]


def _check_keys(node: yaml.MappingNode) -> None:
    lines: dict[str, int] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            continue
        if key.value in lines and key.value != "<<":
            problem = f"the key {key.value!r} is given twice (first in line {lines[key.value]})"
            raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
        lines[key.value] = key.start_mark.line + 1
