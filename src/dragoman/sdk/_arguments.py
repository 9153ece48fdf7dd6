"""What a `Router` is told beside its list of deployments: settings, fallbacks, and words that mean nothing yet."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from dragoman.errors import ConfigError
from dragoman.providers._near import near
from dragoman.routing import Deployment, parse_fallbacks, parse_targets
from dragoman.routing._options import split

__all__ = ["settings_of", "warn_of_later"]

_log = logging.getLogger("dragoman")
_LIKE = 0.85
"""LiteLLM's arguments that mean nothing here are less like ours than that; what is more like one is mistyped."""
_TARGETS: Mapping[str, Callable[[Any, str], Any]] = {
    "fallbacks": parse_fallbacks,
    "context_window_fallbacks": parse_fallbacks,
    "content_policy_fallbacks": parse_fallbacks,
    "default_fallbacks": parse_targets,
}


def settings_of(said: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of `RouterSettings` that were said. Raises `ConfigError` naming a wrong one."""
    given = {name: value for name, value in said.items() if value is not None}
    for path, message in split({name: value for name, value in given.items() if name not in _TARGETS}).problems:
        raise ConfigError(f"{path}: {message}", param=path)
    return {name: _TARGETS[name](value, name) if name in _TARGETS else value for name, value in given.items()}


def warn_of_later(arguments: Mapping[str, Any], known: Iterable[str], deployments: Sequence[Deployment]) -> None:
    """Name what does nothing yet in a warning. Raises `ConfigError` for a mistyped argument."""
    for name in arguments:
        meant = near(name, known, count=1, cutoff=_LIKE)
        if meant:
            raise ConfigError(f"Router: no argument {name!r}; did you mean {meant[0]!r}?", param=name)
    names = sorted({*arguments, *(name for deployment in deployments for name in deployment.later)})
    if names:
        _log.warning("Router: known and without effect yet: %s", ", ".join(names))
