"""The arguments of a `Router` beside its list of deployments: settings, and names without effect yet."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dragoman.errors import ConfigError, DragomanError
from dragoman.litellm.controls import CONTROL_NAMES
from dragoman.litellm.unsupported import unsupported_names
from dragoman.routing import CallOptions, Deployment, RouterSettings
from dragoman.routing.choice.index import DeploymentIndex
from dragoman.routing.deployments.references import name_faults
from dragoman.routing.settings.options import OPTION_NAMES, Problem
from dragoman.routing.settings.router_settings import FIXED
from dragoman.routing.settings.table import ROUTER_SETTINGS, Reading, read_settings
from dragoman.settings.suggestions import did_you_mean

__all__ = [
    "check_fixed",
    "check_names",
    "described",
    "read_arguments",
    "shown_settings",
    "unknown_arguments",
    "warn_of_later",
]

_log = logging.getLogger("dragoman")


def read_arguments(values: Mapping[str, Any]) -> Reading:
    """The settings among them. Raises one `ConfigError` with a line for each wrong one."""
    reading = read_settings(("", values, ROUTER_SETTINGS))
    _refuse(reading.problems)
    return reading


def unknown_arguments(arguments: Iterable[str], known: Iterable[str]) -> list[str]:
    """Return LiteLLM's arguments that have no effect here yet. Raise `ConfigError` for one that neither of us knows."""
    words = {*known, *ROUTER_SETTINGS}
    later = [name for name in arguments if name not in words]
    for name in later:
        if name not in unsupported_names("router_settings") and name not in OPTION_NAMES and name not in CONTROL_NAMES:
            raise ConfigError(f"Router: no argument {name!r}{did_you_mean(name, words)}", param=name)
    return later


def warn_of_later(names: Iterable[str], deployments: Iterable[Deployment]) -> None:
    """Name these, and what deployments say that does nothing yet, in one warning."""
    later = sorted({*names, *(name for deployment in deployments for name in deployment.ignored)})
    if later:
        _log.warning("Router: known and without effect yet: %s", ", ".join(later))


def check_fixed(names: Iterable[str]) -> None:
    """Raises `ConfigError` for a setting that a router has from its start to its end."""
    for name in names:
        setting = ROUTER_SETTINGS.get(name)
        if setting is not None and setting.field.partition(".")[0] in FIXED:
            raise ConfigError(f"{name}: cannot be changed while the router runs", param=name)


def shown_settings(lines: Mapping[str, Any], settings: RouterSettings) -> dict[str, Any]:
    """Return all settings by the names that users write: the given values, or else the defaults that are plain values."""
    shown: dict[str, Any] = {"routing_strategy": "simple-shuffle"}
    for name, setting in ROUTER_SETTINGS.items():
        record, _, field = setting.field.partition(".")
        if record == "redis":
            continue
        value = getattr(settings, record)
        value = getattr(value, field) if field else value
        if name in lines:
            shown[name] = lines[name]
        elif isinstance(value, (bool, int, float, str, tuple, dict)) or value is None:
            shown[name] = value
    return shown


def check_names(reading: Reading, directory: DeploymentIndex) -> None:
    """Refuse a fallback from or to a model that does not exist, before the day when it is needed."""

    def fault(target: Any) -> str | None:
        own = {"model": target} if isinstance(target, str) else target
        try:
            directory.unlisted_group(own["model"], CallOptions(custom_llm_provider=own.get("custom_llm_provider")))
        except DragomanError as error:
            return error.message
        return None

    _refuse(name_faults(reading, directory.aliases, fault, directory.deployments))


def _refuse(problems: Sequence[Problem]) -> None:
    if problems:
        raise ConfigError("\n".join(f"{path}: {message}" for path, message in problems), param=problems[0].path)


def described(deployment: Deployment) -> dict[str, Any]:
    """An entry of a model list, without keys, headers and the like."""
    limits = ("rpm", "tpm", "itpm", "otpm", "max_parallel_requests", "weight", "region", "order", "tags")
    values = {name: value for name in limits if (value := getattr(deployment, name)) not in (None, 0, ())}
    return {
        "model_name": deployment.alias,
        "litellm_params": {"model": f"{deployment.provider.name}/{deployment.model}", **deployment.params, **values},
        "model_info": {**deployment.model_info, "id": deployment.id},
    }
