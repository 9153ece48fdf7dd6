"""Fill in what the router settings say for all deployments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dragoman.routing.settings.call_options import NO_OPTIONS
from dragoman.routing.settings.options import merge_options

if TYPE_CHECKING:
    from dragoman.routing.deployments.deployment import Deployment
    from dragoman.routing.settings.router_settings import RouterSettings

__all__ = ["with_defaults"]


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
