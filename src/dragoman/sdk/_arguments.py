"""What a `Router` is told beside its list of deployments: settings, and words that mean nothing yet."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dragoman.errors import ConfigError, DragomanError
from dragoman.providers._near import near
from dragoman.routing import CallOptions, Deployment
from dragoman.routing import Router as Core
from dragoman.routing._options import Problem
from dragoman.routing._router_settings import ROUTER_SETTINGS, Reading, name_faults, read_settings

__all__ = ["check_names", "described", "read_arguments", "warn_of_later"]

_log = logging.getLogger("dragoman")
_LIKE = 0.85
"""LiteLLM's arguments that mean nothing here are less like ours than that; what is more like one is mistyped."""


def read_arguments(said: Mapping[str, Any]) -> Reading:
    """The settings among them. Raises one `ConfigError` with a line for each wrong one."""
    reading = read_settings(("", said, ROUTER_SETTINGS))
    _refuse(reading.problems)
    return reading


def warn_of_later(
    arguments: Iterable[str], known: Iterable[str], reading: Reading, deployments: Sequence[Deployment]
) -> None:
    """Name what does nothing yet in a warning. Raises `ConfigError` for a mistyped argument."""
    words = {*known, *ROUTER_SETTINGS}
    unknown = [name for name in arguments if name not in words]
    for name in unknown:
        meant = near(name, words, count=1, cutoff=_LIKE)
        if meant:
            raise ConfigError(f"Router: no argument {name!r}; did you mean {meant[0]!r}?", param=name)
    of_deployments = (name for deployment in deployments for name in deployment.later)
    names = sorted({*unknown, *of_deployments, *reading.settings.defaults.later})
    if names:
        _log.warning("Router: known and without effect yet: %s", ", ".join(names))


def check_names(reading: Reading, core: Core) -> None:
    """A fallback from or to a model that nobody knows is refused, not found out on the day when it is needed."""

    def fault(target: Any) -> str | None:
        own = {"model": target} if isinstance(target, str) else target
        try:
            core.candidates(own["model"], CallOptions(custom_llm_provider=own.get("custom_llm_provider")))
        except DragomanError as error:
            return error.message
        return None

    _refuse(name_faults(reading, core.aliases, fault, core.deployments))


def _refuse(problems: Sequence[Problem]) -> None:
    if problems:
        raise ConfigError("\n".join(f"{path}: {message}" for path, message in problems), param=problems[0].path)


def described(deployment: Deployment) -> dict[str, Any]:
    """An entry of a model list, without keys, headers and the like."""
    limits = ("rpm", "tpm", "itpm", "otpm", "max_parallel_requests", "weight", "region", "order", "tags")
    said = {name: value for name in limits if (value := getattr(deployment, name)) not in (None, 0, ())}
    return {
        "model_name": deployment.alias,
        "litellm_params": {"model": f"{deployment.provider.name}/{deployment.model}", **deployment.params, **said},
        "model_info": {**deployment.model_info, "id": deployment.id},
    }
