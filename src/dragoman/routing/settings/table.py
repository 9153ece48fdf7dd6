"""Read the settings of a router under the names that users write: once for the SDK's `Router(...)` and for the gateway's
`router_settings` and `litellm_settings` alike."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from dragoman.errors import ConfigError
from dragoman.routing.settings.options import Problem, problems_of
from dragoman.routing.settings.router_settings import RouterSettings
from dragoman.routing.settings.strategies import read_strategy_arguments
from dragoman.settings.setting import Setting, fill, settings_of
from dragoman.settings.suggestions import did_you_mean

__all__ = ["LITELLM_SETTINGS", "ROUTER_SETTINGS", "Reading", "read_settings", "router_settings"]

_TABLE = tuple(settings_of(RouterSettings(), "router_settings"))
ROUTER_SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {item.name: item for item in _TABLE if item.section == "router_settings"}
)
"""The settings of a router by name, for `router_settings` and for the SDK's `Router(...)`."""
LITELLM_SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {item.name: item for item in _TABLE if item.section == "litellm_settings"}
)
"""Those that LiteLLM's users write in `litellm_settings`."""


class Reading(NamedTuple):
    """The settings that were read, and the problems."""

    settings: RouterSettings
    problems: list[Problem]
    paths: dict[str, str]
    """By field: the path at which it stands."""


def read_settings(*sources: tuple[str, Mapping[str, Any], Mapping[str, Setting]]) -> Reading:
    """Read sources of the form (path, values, table of the settings there); later sources win.

    None counts as absent; names that are not in the table are skipped."""
    values: dict[str, Any] = {}
    reading = Reading(RouterSettings(), [], {})
    for path, mapping, settings in sources:
        for name, value in mapping.items():
            setting = settings.get(name)
            if setting is None or value is None:
                continue
            where = f"{path}.{name}" if path else name
            try:
                values[setting.field] = setting.read(value, where)
            except ConfigError as error:
                reading.problems.extend(problems_of(error, where))
            else:
                reading.paths[setting.field] = where
    if "strategy_args" in values:
        where, strategy = reading.paths["strategy_args"], values.get("strategy", reading.settings.strategy)
        try:  # what they may be depends on the strategy
            values["strategy_args"] = read_strategy_arguments(strategy, values.pop("strategy_args"), where)
        except ConfigError as error:
            reading.problems.extend(problems_of(error, where))
    return reading._replace(settings=fill(reading.settings, values))


def router_settings(
    mapping: Mapping[str, Any], path: str = "", settings: Mapping[str, Setting] = ROUTER_SETTINGS
) -> RouterSettings:
    """Return the settings in a mapping. Raise one `ConfigError` with a line for each wrong path."""
    reading = read_settings((path, mapping, settings))
    unknown = [name for name in mapping if name not in settings]
    problems = [
        *reading.problems,
        *(
            Problem(f"{path}.{name}" if path else name, f"unknown setting{did_you_mean(name, settings)}")
            for name in unknown
        ),
    ]
    if problems:
        raise ConfigError("\n".join(f"{each.path}: {each.message}" for each in problems), param=problems[0].path)
    return reading.settings
