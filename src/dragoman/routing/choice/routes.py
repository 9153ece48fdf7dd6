"""Conditional routes: by what a request is like, it goes to another model than the one that it names. Data, and pure.

    routes:
      - if: {model: smart, tokens_above: 100000}
        use: big
      - if: {tools: true, metadata.plan: [pro, team]}
        use: able

All conditions of a route must hold, and the first route that fits decides. A call is routed once: no route is asked again for the
model that another led to, so there are no loops."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias, get_args

from dragoman.dialects._dialect import Operation
from dragoman.errors import ConfigError
from dragoman.routing.call import Call
from dragoman.routing.request import Facts
from dragoman.settings.readers import boolean, object_of, text, texts, whole, wrong
from dragoman.settings.suggestions import or_perhaps

__all__ = ["Route", "parse_routes", "route_of"]

Test: TypeAlias = Callable[[Facts], bool]
_METADATA = "metadata."
_OPERATIONS: tuple[str, ...] = get_args(Operation)
_FAR = 3
"""A rough count that is so many times off a limit is good enough."""


@dataclass(frozen=True, slots=True)
class Route:
    path: str
    """Where it stands in the configuration."""
    tests: tuple[Test, ...]
    use: str
    """An alias, or `provider/model`."""


def route_of(routes: Sequence[Route], call: Call) -> Route | None:
    """The first that fits; None: the call goes where it says."""
    facts = Facts(call, call.request, call.options)
    for route in routes:
        if route.use != call.model and all(test(facts) for test in route.tests):
            return route
    return None


def parse_routes(value: Any, path: str) -> tuple[Route, ...]:
    """Raises one `ConfigError` with a line for each wrong path."""
    if not isinstance(value, (list, tuple)):
        raise wrong(path, "a list of {if: {...}, use: model}", value)
    found: list[Route] = []
    problems: list[str] = []
    for number, item in enumerate(value):
        try:
            found.append(_route(item, f"{path}[{number}]"))
        except ConfigError as error:
            problems += error.message.splitlines()
    if problems:
        raise ConfigError("\n".join(problems), param=problems[0].partition(": ")[0])
    return tuple(found)


def _route(value: Any, path: str) -> Route:
    said = object_of(value, path)
    problems = [f"{path}.{name}: unknown key; known are if, use" for name in said if name not in ("if", "use")]
    tests = _collected(lambda: _tests(said.get("if"), f"{path}.if"), problems, ())
    use = _collected(lambda: text(said.get("use"), f"{path}.use"), problems, "")
    if use and _models(said) == (use,):
        problems.append(f"{path}.use: a loop: calls of {use!r} are sent to {use!r}")
    if problems:
        raise ConfigError("\n".join(problems), param=problems[0].partition(": ")[0])
    return Route(path, tuple(tests), use)


def _tests(value: Any, path: str) -> tuple[Test, ...]:
    tests: list[Test] = []
    problems: list[str] = []
    for name, wanted in object_of(value, path).items():
        try:
            tests.append(_test(name, wanted, f"{path}.{name}"))
        except ConfigError as error:
            problems += error.message.splitlines()
    if not (tests or problems):
        problems.append(f"{path}: expected at least one condition")
    if problems:
        raise ConfigError("\n".join(problems), param=problems[0].partition(": ")[0])
    return tuple(tests)


def _models(said: Mapping[str, Any]) -> tuple[Any, ...]:
    conditions = said.get("if")
    model = conditions.get("model") if isinstance(conditions, Mapping) else None
    return tuple(model) if isinstance(model, (list, tuple)) else (model,)


def _collected(read: Callable[[], Any], problems: list[str], otherwise: Any) -> Any:
    try:
        return read()
    except ConfigError as error:
        problems += error.message.splitlines()
        return otherwise


def _test(name: str, wanted: Any, path: str) -> Test:
    if name.startswith(_METADATA) and len(name) > len(_METADATA):
        return _metadata(name.removeprefix(_METADATA), wanted, path)
    make = _TESTS.get(name)
    if make is None:
        known = f"; known are {', '.join(_TESTS)}, metadata.<name>"
        raise ConfigError(f"{path}: unknown condition{or_perhaps(name, _TESTS) or known}", param=path)
    return make(wanted, path)


def _model(wanted: Any, path: str) -> Test:
    patterns = texts(wanted, path)
    return lambda facts: any(fnmatch.fnmatchcase(facts.call.model, pattern) for pattern in patterns)


def _operation(wanted: Any, path: str) -> Test:
    names = texts(wanted, path)
    unknown = next((name for name in names if name not in _OPERATIONS), None)
    if unknown is not None:
        raise ConfigError(f"{path}: unknown operation; known are {', '.join(_OPERATIONS)}", param=path)
    return lambda facts: facts.call.operation in names


def _tokens_above(wanted: Any, path: str) -> Test:
    limit = whole()(wanted, path)
    return lambda facts: _tokens(facts, limit) > limit


def _tokens_below(wanted: Any, path: str) -> Test:
    limit = whole(1)(wanted, path)
    return lambda facts: _tokens(facts, limit) < limit


def _tokens(facts: Facts, limit: float) -> int:
    """Of the input: by its length where that is far from the limit, else by estimate."""
    rough = facts.rough_tokens
    if rough > limit * _FAR or rough * _FAR < limit - 100:
        return rough
    return facts.input_tokens()


def _needs(*abilities: str) -> Callable[[Any, str], Test]:
    def make(wanted: Any, path: str) -> Test:
        right = boolean(wanted, path)
        return lambda facts: any(ability in facts.needs for ability in abilities) is right

    return make


def _stream(wanted: Any, path: str) -> Test:
    right = boolean(wanted, path)
    return lambda facts: facts.stream is right


def _tags(wanted: Any, path: str) -> Test:
    tags = frozenset(texts(wanted, path))
    return lambda facts: not tags.isdisjoint(facts.tags)


def _said(*trusted: str, otherwise: str) -> Callable[[Any, str], Test]:
    """What the gateway says in the metadata, or where it says nothing, the caller."""

    def make(wanted: Any, path: str) -> Test:
        values = texts(wanted, path)

        def test(facts: Facts) -> bool:
            metadata = facts.metadata
            known = [metadata[name] for name in trusted if name in metadata] or [metadata.get(otherwise)]
            return any(value in known for value in values)

        return test

    return make


def _metadata(name: str, wanted: Any, path: str) -> Test:
    values = list(wanted) if isinstance(wanted, (list, tuple)) else [wanted]
    if not values or not all(isinstance(value, (str, int, float, bool)) for value in values):
        raise wrong(path, "a text, a number, true or false, or a list of them", wanted)
    parts = name.split(".")

    def test(facts: Facts) -> bool:
        found: Any = facts.metadata
        for part in parts:
            found = found.get(part) if isinstance(found, Mapping) else None
        return any(found == value and isinstance(found, bool) is isinstance(value, bool) for value in values)

    return test


_TESTS: Mapping[str, Callable[[Any, str], Test]] = MappingProxyType(
    {
        "model": _model,
        "operation": _operation,
        "tokens_above": _tokens_above,
        "tokens_below": _tokens_below,
        "tools": _needs("function_calling"),
        "images": _needs("vision"),
        "audio": _needs("audio_input", "audio_output"),
        "documents": _needs("pdf_input"),
        "schema": _needs("response_schema"),
        "stream": _stream,
        "tags": _tags,
        "key": _said("user_api_key_alias", "user_api_key_hash", otherwise="key"),
        "team": _said("user_api_key_team_id", "user_api_key_team_alias", otherwise="team"),
        "user": _said("user_api_key_user_id", otherwise="user"),
    }
)
"""The conditions, by the name that users write."""
