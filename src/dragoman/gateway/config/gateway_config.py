"""config.yaml and the environment into one frozen record: read once, refused whole when anything in it is wrong."""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from dragoman.errors import ConfigError
from dragoman.gateway.config.environment import resolve_env
from dragoman.gateway.config.files import load
from dragoman.gateway.config.hints import doubts
from dragoman.gateway.config.prices_file import read_rows
from dragoman.gateway.config.validate import ConfigProblems, is_nested_under, read_section
from dragoman.gateway.gate import check_master_key
from dragoman.gateway.http.body import BodyLimits
from dragoman.gateway.http.cors import ANY
from dragoman.gateway.logs.redactor import is_secret_name, secrets_in
from dragoman.gateway.wording import counted
from dragoman.providers import Provider, Providers, provider_from_mapping
from dragoman.routing import Deployment, RouterSettings, parse_model_list
from dragoman.routing.deployments.references import name_faults
from dragoman.routing.settings.table import LITELLM_SETTINGS, ROUTER_SETTINGS, Reading, read_settings
from dragoman.settings.readers import Environment, secret

__all__ = ["GatewayConfig", "export", "parse_config", "read_config"]

_MAX_PROBLEMS = 100
_KEY_VARIABLES = ("DRAGOMAN_MASTER_KEY", "LITELLM_MASTER_KEY")


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayConfig:
    """What `dragoman serve` serves. Times are seconds."""

    deployments: tuple[Deployment, ...] = field(default=(), repr=False)
    router: RouterSettings = field(default_factory=RouterSettings)
    providers: Providers = field(default_factory=Providers, repr=False)
    master_key: str | None = field(default=None, repr=False)
    permit_weak_key: bool = False
    limits: BodyLimits = field(default_factory=BodyLimits)
    keep_alive_seconds: float = 15.0
    drain_seconds: float = 30.0
    include_cost_in_streaming_usage: bool = False
    prices_file: Path | None = None
    """Rows laid over the catalogue, read again when it changes."""
    log_requests: bool = False
    cors_origins: frozenset[str] = frozenset()
    """Origins whose web pages may read answers; `*`: all."""
    json_logs: bool = False
    verbose: bool = False
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """`environment_variables`: to be set before the first call."""
    unsupported: tuple[str, ...] = ()
    """Paths of keys that are LiteLLM's and do nothing here yet."""
    hints: tuple[str, ...] = ()
    """What is allowed and probably not meant, as `path: message`."""
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    """What must never be told to anybody."""

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
    """Nearly all that is made while a file is read stays: to look through it again and again takes longer than to make it."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def parse_config(data: dict[str, Any], environment: Mapping[str, str], folder: Path = Path()) -> GatewayConfig:
    """The configuration in the values of a file; `environment` answers its `os.environ/NAME`, and `folder` is where other files
    that it names are."""
    findings = ConfigProblems()
    own = _environment_variables(data.get("environment_variables"), environment, findings)
    known = {**environment, **own}
    filled = resolve_env(
        {key: item for key, item in data.items() if key != "environment_variables"}, known, findings.problems
    )
    top = read_section(filled, "top_level", "", findings)
    general = read_section(top.get("general_settings"), "general_settings", "general_settings", findings)
    litellm = read_section(top.get("litellm_settings"), "litellm_settings", "litellm_settings", findings)
    routing = read_section(top.get("router_settings"), "router_settings", "router_settings", findings)
    providers = Providers(_providers(top.get("providers"), findings))
    entries = _model_list(top.get("model_list"), findings)
    deployments = _deployments(entries, providers, findings)
    reading = _router_settings(litellm, routing, entries, deployments, findings)
    prices = _prices_file(general, folder, findings)
    findings.forget_unused()
    key, permitted = (
        _master_key(general, known, findings),
        general.get("dangerously_permit_weak_or_unset_master_key", False),
    )
    if ANY in general.get("cors_origins", ()) and key is None:
        findings.problem("general_settings.cors_origins", "`*` lets every web page call, which needs a master_key")
    if findings.problems:
        findings.problems += _weakness(key, permitted)
        raise ConfigError("\n".join(dict.fromkeys(findings.problems)))
    return GatewayConfig(
        deployments=deployments,
        router=reading.settings,
        providers=providers,
        prices_file=prices,
        master_key=key,
        permit_weak_key=permitted,
        environment=own,
        unsupported=tuple(findings.unsupported),
        hints=doubts(deployments, reading.settings, reading.paths, known),
        secrets=secrets_in(filled, known),
        **_shell(general, litellm),
    )


def _shell(general: Mapping[str, Any], litellm: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of the server itself."""
    limits = {name: general[name] for name in ("max_json_depth", "max_json_values", "body_timeout") if name in general}
    for name, field_name in (
        ("max_request_size_mb", "max_request_bytes"),
        ("max_total_request_size_mb", "max_total_request_bytes"),
    ):
        if name in general:
            limits[field_name] = int(general[name] * 2**20)
    keep_alive = general.get("keep_alive_seconds", litellm.get("sse_keepalive_ping_interval_seconds", 15.0))
    return {
        "limits": BodyLimits(**limits),
        "keep_alive_seconds": keep_alive,
        "drain_seconds": general.get("drain_seconds", 30.0),
        "log_requests": general.get("log_requests", False),
        "cors_origins": general.get("cors_origins", frozenset()),
        "include_cost_in_streaming_usage": litellm.get("include_cost_in_streaming_usage", False),
        "json_logs": litellm.get("json_logs", False),
        "verbose": litellm.get("set_verbose", False),
    }


def _prices_file(general: Mapping[str, Any], folder: Path, findings: ConfigProblems) -> Path | None:
    """Where it is. It is read already: a gateway does not start with prices that are wrong."""
    if "prices_file" not in general:
        return None
    path: Path = folder / general["prices_file"]
    try:
        read_rows(path)
    except ConfigError as error:
        for line in error.message.splitlines():
            findings.problem("general_settings.prices_file", line)
    return path


def _master_key(general: Mapping[str, Any], environment: Mapping[str, str], findings: ConfigProblems) -> str | None:
    if "master_key" in general:
        return str(general["master_key"])
    name = next((name for name in _KEY_VARIABLES if environment.get(name, "").strip()), None)
    if name is None:
        return None
    try:
        return secret(Environment(environment[name]), f"the environment variable {name}")
    except ConfigError as error:
        findings.problems.append(error.message)
        return None


def _weakness(key: str | None, permitted: bool) -> list[str]:
    """Told here only beside other faults: whether a key is needed at all is known where the host is."""
    try:
        check_master_key(key, None, permitted)
    except ConfigError as error:
        return [error.message]
    return []


def _environment_variables(value: Any, environment: Mapping[str, str], findings: ConfigProblems) -> dict[str, str]:
    path = "environment_variables"
    if value is None:
        return {}
    if not isinstance(value, dict):
        findings.problem(path, "expected a mapping of names to texts")
        return {}
    found: dict[str, str] = {}
    for name, item in resolve_env(value, environment, findings.problems, path).items():
        if not isinstance(name, str) or "=" in name or isinstance(item, (dict, list)) or item is None:
            findings.problem(f"{path}.{name}", "expected a text or a number")
        else:
            found[name] = str(item).lower() if isinstance(item, bool) else str(item).strip()
            if is_secret_name(name) and not found[name].isprintable():
                findings.problem(f"{path}.{name}", "holds a line break, which no key does")
    return found


def export(config: GatewayConfig, environment: MutableMapping[str, str] = os.environ) -> None:
    """Set `environment_variables` where the credentials are looked for."""
    environment.update(config.environment)


def _providers(value: Any, findings: ConfigProblems) -> list[Provider]:
    """A list of rows, or a mapping of names to rows."""
    if isinstance(value, dict):
        rows = [
            (f"providers.{name}", {"name": name, **row} if isinstance(row, dict) else row)
            for name, row in value.items()
        ]
    elif isinstance(value, list):
        rows = [(f"providers[{index}]", row) for index, row in enumerate(value)]
    elif value is None:
        return []
    else:
        findings.problem("providers", "expected a list, or a mapping of names")
        return []
    found: list[Provider] = []
    for path, row in rows:
        if not isinstance(row, dict):
            findings.problem(path, "expected a mapping")
            continue
        try:
            found.append(provider_from_mapping(row, path))
        except ConfigError as error:
            findings.problems += error.message.splitlines()
    return found


def _model_list(value: Any, findings: ConfigProblems) -> list[dict[str, Any]]:
    """The entries with the settings that are acted on."""
    if not isinstance(value, list) or not value:
        findings.problem("model_list", "expected a list of models, each with model_name and litellm_params")
        return []
    entries: list[dict[str, Any]] = []
    first: dict[bytes, int] = {}
    for index, item in enumerate(value):
        path = f"model_list[{index}]"
        entry = read_section(item, "model", path, findings)
        if "litellm_params" in entry and "params" in entry:
            findings.problem(f"{path}.params", "is another word for litellm_params, which is given too")
        key = "params" if "params" in entry else "litellm_params"
        entry[key] = read_section(entry.get(key), "litellm_params", f"{path}.{key}", findings)
        same = first.setdefault(_canonical(entry), index)
        if same != index:
            findings.problem(path, f"is the same as model_list[{same}]")
        entries.append(entry)
    return entries


def _canonical(entry: Mapping[str, Any]) -> bytes:
    """The same for entries that say the same."""
    try:
        return orjson.dumps(entry, default=repr, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    except TypeError:  # large integers and lone surrogates, which JSON cannot say
        return repr(entry).encode("utf-8", "surrogatepass")


def _deployments(
    entries: list[dict[str, Any]], providers: Providers, findings: ConfigProblems
) -> tuple[Deployment, ...]:
    try:
        return parse_model_list(entries, providers)
    except ConfigError as error:
        told = {problem.partition(": ")[0] for problem in findings.problems}
        findings.problems += [
            line for line in error.message.splitlines() if not is_nested_under(line.partition(": ")[0], told)
        ]
        return ()


def _router_settings(
    litellm: Mapping[str, Any],
    routing: Mapping[str, Any],
    entries: list[dict[str, Any]],
    deployments: tuple[Deployment, ...],
    findings: ConfigProblems,
) -> Reading:
    """router_settings wins over what litellm_settings says of the same."""
    reading = read_settings(
        ("litellm_settings", litellm, LITELLM_SETTINGS), ("router_settings", routing, ROUTER_SETTINGS)
    )
    models = [name for entry in entries if (name := entry.get("model_name"))]
    for path, message in (*reading.problems, *(name_faults(reading, models, None, deployments) if models else ())):
        findings.problem(path, message)
    if reading.settings.defaults.later:
        path = reading.paths["defaults"]
        findings.unsupported += [f"{path}.{name}" for name in reading.settings.defaults.later]
    return reading
