"""Conditional routes: a request that meets all conditions of a route goes to the route's model instead of the one that it names.

The first route that matches decides. A call is routed once: no route is tried again for the model that another route led to, so
there are no loops."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

from dragoman.routing.call import Call
from dragoman.routing.request import RequestFacts
from dragoman.routing.settings.routes import METADATA, ConditionalRoute

__all__ = ["matching_route"]

Test: TypeAlias = Callable[[RequestFacts, Any], bool]
"""(facts of the request, the expected value) -> whether the condition holds."""
_ROUGH_FACTOR = 3
"""A rough token count that is this many times above or below a limit needs no exact count."""


def matching_route(routes: Sequence[ConditionalRoute], call: Call) -> ConditionalRoute | None:
    """Return the first route that matches; None: the call goes to the model that it names."""
    facts = RequestFacts(call, call.request, call.options)
    return next((route for route in routes if route.use != call.model and _matches(route, facts)), None)


def _matches(route: ConditionalRoute, facts: RequestFacts) -> bool:
    return all(_holds(name, expected, facts) for name, expected in route.conditions)


def _holds(name: str, expected: Any, facts: RequestFacts) -> bool:
    if name.startswith(METADATA):
        return _metadata_is(facts.metadata, name.removeprefix(METADATA), expected)
    return TESTS[name](facts, expected)


def _metadata_is(metadata: Mapping[str, Any], name: str, values: Sequence[Any]) -> bool:
    result: Any = metadata
    for part in name.split("."):
        result = result.get(part) if isinstance(result, Mapping) else None
    # In Python 1 == True, in a configuration it is not.
    return any(result == value and isinstance(result, bool) is isinstance(value, bool) for value in values)


def _model_is(facts: RequestFacts, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(facts.call.model, pattern) for pattern in patterns)


def _tokens(facts: RequestFacts, limit: float) -> int:
    """Return the input tokens: from the length of the texts where that is far from the limit, else by estimate."""
    rough = facts.rough_tokens
    if rough > limit * _ROUGH_FACTOR or rough * _ROUGH_FACTOR < limit - 100:
        return rough
    return facts.input_tokens()


def _needs(*abilities: str) -> Test:
    return lambda facts, expected: any(ability in facts.needs for ability in abilities) is expected


def _identity(*trusted: str, otherwise: str) -> Test:
    """Compare what the gateway says in the metadata, or where it says nothing, what the caller says."""

    def test(facts: RequestFacts, expected: Sequence[str]) -> bool:
        metadata = facts.metadata
        known = [metadata[name] for name in trusted if name in metadata] or [metadata.get(otherwise)]
        return any(value in known for value in expected)

    return test


TESTS: Mapping[str, Test] = MappingProxyType(
    {
        "model": _model_is,
        "operation": lambda facts, names: facts.call.operation.name in names,
        "tokens_above": lambda facts, limit: _tokens(facts, limit) > limit,
        "tokens_below": lambda facts, limit: _tokens(facts, limit) < limit,
        "tools": _needs("function_calling"),
        "images": _needs("vision"),
        "audio": _needs("audio_input", "audio_output"),
        "documents": _needs("pdf_input"),
        "schema": _needs("response_schema"),
        "stream": lambda facts, expected: facts.stream is expected,
        "tags": lambda facts, tags: not facts.tags.isdisjoint(tags),
        "key": _identity("user_api_key_alias", "user_api_key_hash", otherwise="key"),
        "team": _identity("user_api_key_team_id", "user_api_key_team_alias", otherwise="team"),
        "user": _identity("user_api_key_user_id", otherwise="user"),
    }
)
"""By the name of a condition: whether it holds (`settings.routes.CONDITIONS` has the same names)."""
