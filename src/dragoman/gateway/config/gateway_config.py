"""Read config.yaml and the environment into one frozen record; a file with any problem is refused as a whole."""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dragoman.errors import ConfigError
from dragoman.gateway.config.environment import resolve_env
from dragoman.gateway.config.files import load
from dragoman.gateway.config.hints import doubts
from dragoman.gateway.config.prices_file import read_rows
from dragoman.gateway.config.sections import environment_variables, read_model_list, read_providers
from dragoman.gateway.config.server_settings import ServerSettings
from dragoman.gateway.config.settings_table import SERVER_SETTINGS
from dragoman.gateway.config.validate import ConfigProblems, is_nested_under, read_section
from dragoman.gateway.http.cors import ANY
from dragoman.gateway.logs.redactor import secrets_in
from dragoman.gateway.master_key import check_master_key
from dragoman.gateway.wording import counted
from dragoman.providers import Providers
from dragoman.routing import Deployment, RouterSettings, parse_model_list
from dragoman.routing.deployments.references import name_faults
from dragoman.routing.settings.table import LITELLM_SETTINGS, ROUTER_SETTINGS, Reading, read_settings
from dragoman.settings.readers import Environment, secret
from dragoman.settings.setting import fill

__all__ = ["GatewayConfig", "export", "parse_config", "read_config"]

_MAX_PROBLEMS = 100
_SECTIONS = ("general_settings", "litellm_settings", "router_settings")
_KEY_VARIABLES = ("DRAGOMAN_MASTER_KEY", "LITELLM_MASTER_KEY")


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayConfig(ServerSettings):
    """The configuration of `dragoman serve`. Times are seconds."""

    deployments: tuple[Deployment, ...] = field(default=(), repr=False)
    router: RouterSettings = field(default_factory=RouterSettings)
    providers: Providers = field(default_factory=Providers, repr=False)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """`environment_variables`: to be set before the first call."""
    unsupported: tuple[str, ...] = ()
    """Paths of LiteLLM's keys that have no effect here yet."""
    hints: tuple[str, ...] = ()
    """What is allowed and probably a mistake, as `path: message`."""
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    """Texts that no log line and no answer may hold."""

    @property
    def aliases(self) -> Mapping[str, str]:
        """Other names of models (`model_group_alias`) that are not hidden."""
        return {name: alias.model for name, alias in self.router.model_group_alias.items() if not alias.hidden}


def read_config(path: Path, environment: Mapping[str, str] | None = None) -> GatewayConfig:
    """Return the configuration in a file.

    Raise `ConfigError` with a line for each of the first 100 problems, in the order of the file, and the number of the others."""
    with _collector_paused():
        document = load(path)
        try:
            config = parse_config(document.values, os.environ if environment is None else environment, path.parent)
        except ConfigError as error:
            raise ConfigError("\n".join(_first(document.located(error.message.splitlines())))) from None
        return replace(config, hints=tuple(document.located(config.hints)))


def _first(problems: list[str]) -> list[str]:
    rest = len(problems) - _MAX_PROBLEMS
    return problems if rest <= 0 else [*problems[:_MAX_PROBLEMS], f"and {counted(rest, 'more problem')}"]


@contextlib.contextmanager
def _collector_paused() -> Iterator[None]:
    """Pause the collector: nearly all objects of a file stay, and scanning them again and again costs more than making them."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def parse_config(data: dict[str, Any], environment: Mapping[str, str], folder: Path = Path()) -> GatewayConfig:
    """Return the configuration in the values of a file. `environment` has the variables of its `os.environ/NAME`, and `folder`
    the other files that it names. Raise `ConfigError` with a line for each problem."""
    problems = ConfigProblems()
    own = environment_variables(data.get("environment_variables"), environment, problems)
    variables = {**environment, **own}
    filled = resolve_env(
        {key: item for key, item in data.items() if key != "environment_variables"}, variables, problems.problems
    )
    top = read_section(filled, "top_level", "", problems)
    sections = {name: read_section(top.get(name), name, name, problems) for name in _SECTIONS}
    providers = Providers(read_providers(top.get("providers"), problems))
    entries = read_model_list(top.get("model_list"), problems)
    deployments = _deployments(entries, providers, problems)
    reading = _router_settings(sections, entries, deployments, problems)
    server = {"master_key": None, **_server_settings(sections)}
    if "prices_file" in server:
        server["prices_file"] = folder / server["prices_file"]
        _check_prices_file(server["prices_file"], problems)
    problems.forget_unused()
    server["master_key"] = server["master_key"] or _master_key(variables, problems)
    config = GatewayConfig(
        deployments=deployments,
        router=reading.settings,
        providers=providers,
        environment=own,
        unsupported=tuple(problems.unsupported),
        secrets=secrets_in(filled, variables),
    )
    config = fill(config, server)
    _refuse(config, problems)
    return replace(config, hints=doubts(deployments, reading.settings, reading.paths, variables))


def _refuse(config: GatewayConfig, problems: ConfigProblems) -> None:
    """Raise `ConfigError` if there is any problem."""
    if ANY in config.cors_origins and config.master_key is None:
        problems.problem("general_settings.cors_origins", "`*` lets every web page call, which needs a master_key")
    if problems.problems:
        problems.problems += _weakness(config.master_key, config.permit_weak_key)
        raise ConfigError("\n".join(dict.fromkeys(problems.problems)))


def _server_settings(sections: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the settings of the server by field; `general_settings` wins over `litellm_settings`."""
    values: dict[str, Any] = {}
    for item in SERVER_SETTINGS:
        if item.name in sections[item.section]:
            values.setdefault(item.field, item.scaled(sections[item.section][item.name]))
    return values


def _check_prices_file(path: Path, problems: ConfigProblems) -> None:
    """Read the price file: a gateway does not start with wrong prices."""
    try:
        read_rows(path)
    except ConfigError as error:
        for line in error.message.splitlines():
            problems.problem("general_settings.prices_file", line)


def _master_key(environment: Mapping[str, str], problems: ConfigProblems) -> str | None:
    """Return the key of the environment, for a file that has none."""
    name = next((name for name in _KEY_VARIABLES if environment.get(name, "").strip()), None)
    if name is None:
        return None
    try:
        return secret(Environment(environment[name]), f"the environment variable {name}")
    except ConfigError as error:
        problems.problems.append(error.message)
        return None


def _weakness(key: str | None, permitted: bool) -> list[str]:
    """Return the problem of a weak key, beside other problems only: whether a key is needed depends on the host."""
    try:
        check_master_key(key, None, permitted)
    except ConfigError as error:
        return [error.message]
    return []


def export(config: GatewayConfig, environment: MutableMapping[str, str] = os.environ) -> None:
    """Set `environment_variables` in the environment, where credentials are looked up."""
    environment.update(config.environment)


def _deployments(
    entries: list[dict[str, Any]], providers: Providers, problems: ConfigProblems
) -> tuple[Deployment, ...]:
    try:
        return parse_model_list(entries, providers)
    except ConfigError as error:
        reported = {problem.partition(": ")[0] for problem in problems.problems}
        lines = error.message.splitlines()
        problems.problems += [line for line in lines if not is_nested_under(line.partition(": ")[0], reported)]
        return ()


def _router_settings(
    sections: Mapping[str, Mapping[str, Any]],
    entries: list[dict[str, Any]],
    deployments: tuple[Deployment, ...],
    problems: ConfigProblems,
) -> Reading:
    """Read the settings of the router; `router_settings` wins over `litellm_settings`."""
    reading = read_settings(
        ("litellm_settings", sections["litellm_settings"], LITELLM_SETTINGS),
        ("router_settings", sections["router_settings"], ROUTER_SETTINGS),
    )
    models = [name for entry in entries if (name := entry.get("model_name"))]
    for path, message in (*reading.problems, *(name_faults(reading, models, None, deployments) if models else ())):
        problems.problem(path, message)
    if reading.settings.defaults.later:
        path = reading.paths["defaults"]
        problems.unsupported += [f"{path}.{name}" for name in reading.settings.defaults.later]
    return reading
