"""LiteLLM's `model_list` into deployments, refused whole when wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from dragoman.credentials import lookup
from dragoman.errors import ConfigError, DragomanError
from dragoman.models import Catalogue
from dragoman.providers import Provider, Providers
from dragoman.routing.deployments.deployment import Deployment
from dragoman.routing.deployments.ids import DeploymentIds
from dragoman.routing.deployments.pricing import entry_of
from dragoman.routing.settings.call_options import CallOptions
from dragoman.routing.settings.deployment_keys import ENTRY_KEYS, INFO_KEYS, KEYS, take
from dragoman.routing.settings.options import Problem, problems_of, split_params
from dragoman.routing.settings.request_defaults import param_problems, typed_params
from dragoman.settings.readers import Environment
from dragoman.settings.suggestions import did_you_mean

__all__ = ["parse_deployment", "parse_model_list"]

_KEYS = ("model_name", "litellm_params", "params", "model_info", *sorted(ENTRY_KEYS))
_FROM_ENVIRONMENT = "os.environ/"


def parse_model_list(
    entries: Iterable[Mapping[str, Any]],
    providers: Providers,
    path: str = "model_list",
    catalogue: Catalogue | None = None,
    ids: DeploymentIds | None = None,
) -> tuple[Deployment, ...]:
    """Entries of `{model_name, litellm_params | params: {model, ...}, model_info}`, in the order in which they get calls.

    Strings `os.environ/NAME` are looked up, and models in the catalogue (None: the shipped rows). `ids` assigns those
    without an id (None: by their place in the list). Raise one `ConfigError` with a line for each wrong path."""
    if isinstance(entries, (str, Mapping)) or not isinstance(entries, Iterable):
        raise ConfigError(f"{path}: expected a list", param=path)
    problems: list[Problem] = []
    ids = DeploymentIds() if ids is None else ids
    result: list[Deployment] = []
    catalogue = Catalogue() if catalogue is None else catalogue
    for position, entry in enumerate(entries):
        where = f"{path}[{position}]"
        deployment = _deployment(entry, where, providers, problems)
        if deployment is not None:
            result.append(_known(deployment, ids, entry, where, catalogue, problems))
    visited: set[str] = set()
    for deployment in result:
        if deployment.id in visited:
            where = deployment.path.rpartition(".")[0]
            problems.append(Problem(f"{where}.model_info.id", f"{deployment.id!r} is there twice"))
        visited.add(deployment.id)
    _refuse(problems)
    return tuple(sorted(result, key=lambda deployment: deployment.order))


def parse_deployment(
    entry: Mapping[str, Any],
    providers: Providers,
    path: str = "deployment",
    *,
    catalogue: Catalogue,
    ids: DeploymentIds,
) -> Deployment:
    """One entry of such a list."""
    problems: list[Problem] = []
    deployment = _deployment(entry, path, providers, problems)
    if deployment is not None:
        deployment = _known(deployment, ids, entry, path, catalogue, problems)
    _refuse(problems)
    assert deployment is not None
    return deployment


def _refuse(problems: Sequence[Problem]) -> None:
    if problems:
        lines = "\n".join(f"{problem.path}: {problem.message}" for problem in problems)
        raise ConfigError(lines, param=problems[0].path)


def _naming_problems(alias: Any, info: Any, path: str) -> Iterator[Problem]:
    if not isinstance(alias, str) or not alias:
        yield Problem(f"{path}.model_name", "expected the name that callers use")
    if not isinstance(info, Mapping):
        yield Problem(f"{path}.model_info", "expected an object")
    elif not isinstance(info.get("base_model"), (str, type(None))):
        yield Problem(f"{path}.model_info.base_model", "expected a model such as `azure/gpt-6.1-sol`")


def _deployment(entry: Any, path: str, providers: Providers, problems: list[Problem]) -> Deployment | None:
    """Read an entry as a deployment without an id; None where it is wrong."""
    previous = len(problems)
    if not isinstance(entry, Mapping):
        problems.append(Problem(path, "expected an object with `model_name` and `litellm_params`"))
        return None
    _unknown_keys(entry, path, problems)
    alias, info = entry.get("model_name"), entry.get("model_info") or {}
    problems.extend(_naming_problems(alias, info, path))
    key = "params" if "params" in entry else "litellm_params"
    params = entry.get(key, _misplaced_params(entry))
    if not isinstance(params, Mapping) or not isinstance(params.get("model"), str):
        problems.append(Problem(f"{path}.{key}.model", "expected a model such as `openai/gpt-6.1-sol`"))
        return None
    values = _from_environment(params, f"{path}.{key}", problems)
    own = _of_the_deployment(entry, values, path, key, problems)
    parts = split_params({name: value for name, value in values.items() if name not in KEYS}, f"{path}.{key}")
    problems.extend(parts.problems)
    parts.rest.update(typed_params(parts.rest))
    problems.extend(param_problems(parts.rest, f"{path}.{key}"))
    resolved = _resolve(parts.rest.pop("model"), parts.options, providers, f"{path}.{key}.model", problems)
    if len(problems) > previous or resolved is None:
        return None
    assert isinstance(alias, str)
    return Deployment(
        id="",
        alias=alias,
        provider=resolved[0],
        model=resolved[1],
        options=CallOptions(**parts.options),
        params=parts.rest,
        model_info=dict(info),
        path=f"{path}.{key}",
        ignored=parts.ignored,
        **own,
    )


def _of_the_deployment(
    entry: Mapping[str, Any], params: Mapping[str, Any], path: str, key: str, problems: list[Problem]
) -> dict[str, Any]:
    """Its limits, shares and the like, wherever LiteLLM's users write them; what `litellm_params` say wins."""
    result: dict[str, Any] = {}
    info = entry.get("model_info")
    for value, where, names in (
        (info if isinstance(info, Mapping) else {}, f"{path}.model_info", INFO_KEYS),
        (entry, path, ENTRY_KEYS),
        (params, f"{path}.{key}", KEYS),
    ):
        try:
            result |= take(value, where, names)
        except ConfigError as error:
            problems.extend(problems_of(error, where))
    return result


def _known(
    deployment: Deployment,
    ids: DeploymentIds,
    entry: Mapping[str, Any],
    path: str,
    catalogue: Catalogue,
    problems: list[Problem],
) -> Deployment:
    """With its id, and with what is known of its model."""
    key, row = "params" if "params" in entry else "litellm_params", None
    try:
        row = entry_of(deployment, catalogue, path, key)
    except ConfigError as error:
        problems.extend(problems_of(error, path))
    return replace(deployment, id=ids.assign(deployment), entry=row)


def _unknown_keys(entry: Mapping[str, Any], path: str, problems: list[Problem]) -> None:
    for name in entry:
        if name not in _KEYS:
            hint = did_you_mean(name, _KEYS) or f"; known are {', '.join(_KEYS)}"
            problems.append(Problem(f"{path}.{name}", f"unknown key{hint}"))


def _misplaced_params(entry: Mapping[str, Any]) -> Any:
    """Return what stands under a misspelt `litellm_params`, which is reported already and needs no second problem."""
    others = (value for name, value in entry.items() if name not in _KEYS and isinstance(value, Mapping))
    return next((value for value in others if "model" in value), None)


def _from_environment(params: Mapping[str, Any], path: str, problems: list[Problem]) -> dict[str, Any]:
    values = dict(params)
    for name, value in params.items():
        if isinstance(value, str) and value.startswith(_FROM_ENVIRONMENT):
            variable = value.removeprefix(_FROM_ENVIRONMENT)
            result = lookup((variable,))
            values[name] = None if result is None else Environment(result)
            if result is None:
                problems.append(Problem(f"{path}.{name}", f"the environment variable {variable} is not set"))
    return values


def _resolve(
    model: Any, options: dict[str, Any], providers: Providers, path: str, problems: list[Problem]
) -> tuple[Provider, str] | None:
    if not isinstance(model, str):
        return None
    try:
        return providers.resolve(model, options.get("custom_llm_provider"))
    except DragomanError as error:
        problems.append(Problem(path, error.message))
        return None
