"""What a router's settings say of all its deployments: defaults, and weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from dragoman.errors import ConfigError
from dragoman.routing._call import NO_OPTIONS, CallOptions
from dragoman.routing._options import merge_options, split
from dragoman.routing._readers import at_least, object_of

if TYPE_CHECKING:
    from dragoman.routing._deployment import Deployment
    from dragoman.routing._settings import RouterSettings

__all__ = ["Defaults", "default_params", "weights", "with_defaults"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """`default_litellm_params`: for deployments that do not say it themselves."""

    options: CallOptions = NO_OPTIONS
    params: Mapping[str, Any] = field(default_factory=dict)
    """Of the request."""
    later: tuple[str, ...] = ()
    """Names that do nothing there."""


def default_params(value: Any, path: str) -> Defaults:
    said = object_of(value, path)
    for name in ("model", "model_name"):
        if name in said:
            raise ConfigError(f"{path}.{name}: is each deployment's own to say", param=f"{path}.{name}")
    parts = split(said, path)
    if parts.problems:
        lines = [f"{where}: {message}" for where, message in parts.problems]
        raise ConfigError("\n".join(lines), param=parts.problems[0].path)
    return Defaults(options=CallOptions(**parts.options), params=parts.rest, later=tuple(parts.later))


def weights(value: Any, path: str) -> dict[str, dict[str, float]]:
    """`{alias: {deployment: weight}}`, a deployment by its id or its `provider/model`."""
    amount = at_least(0)
    found: dict[str, dict[str, float]] = {}
    for alias, rows in object_of(value, path).items():
        where = f"{path}.{alias}"
        found[alias] = {name: amount(item, f"{where}.{name}") for name, item in object_of(rows, where).items()}
        if found[alias] and not any(found[alias].values()):
            raise ConfigError(f"{where}: expected a weight above 0 for at least one deployment", param=where)
    return found


def with_defaults(deployments: Iterable[Deployment], settings: RouterSettings) -> tuple[Deployment, ...]:
    return tuple(_with_defaults(deployment, settings) for deployment in deployments)


def _with_defaults(deployment: Deployment, settings: RouterSettings) -> Deployment:
    changed: dict[str, Any] = {}
    defaults, parallel = settings.defaults, settings.default_max_parallel_requests
    if parallel is not None and deployment.max_parallel_requests is None:
        changed["max_parallel_requests"] = parallel
    if defaults.params:
        changed["params"] = {**defaults.params, **deployment.params}
    if defaults.options is not NO_OPTIONS:
        changed["options"] = merge_options(deployment.options, defaults.options)
    own = settings.weights.get(deployment.alias)
    if own:
        names = (deployment.id, f"{deployment.provider.name}/{deployment.model}", deployment.model)
        # One that is not among the weights gets nothing, as a deployment without a weight beside others that have one.
        changed["weight"] = next((own[name] for name in names if name in own), 0.0)
    return replace(deployment, **changed) if changed else deployment
