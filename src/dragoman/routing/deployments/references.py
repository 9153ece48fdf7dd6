"""Check that every model that the settings name exists."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Iterator, Mapping

from dragoman.routing.deployments.deployment import Deployment
from dragoman.routing.settings.fallbacks import FallbackTarget, target_name
from dragoman.routing.settings.options import Problem
from dragoman.routing.settings.router_settings import RouterSettings
from dragoman.routing.settings.table import Reading
from dragoman.settings.suggestions import did_you_mean

__all__ = ["name_faults"]

_MOST_REMARKS = 20
"""Problems that name the nearest models: among thousands of models that takes a tenth of a second."""


def name_faults(
    reading: Reading,
    models: Iterable[str],
    unlisted: Callable[[FallbackTarget], str | None] | None = None,
    deployments: Iterable[Deployment] = (),
) -> list[Problem]:
    """Return a problem for each model that the settings name and that does not exist, so that it is found at once, and not
    on the day when it is needed. `unlisted` returns what is wrong with a model in no list, where such models are served."""
    names = {*models, *reading.settings.model_group_alias}
    patterns = [name for name in names if "*" in name]
    problems: list[Problem] = []
    for path, target in (*_named(reading), *_named_by(deployments)):
        name = target_name(target)
        if name == "*" or name in names or any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns):
            continue
        reason = "" if unlisted is None else unlisted(target)
        if reason is not None:
            nearest = did_you_mean(name, names) if len(problems) < _MOST_REMARKS else ""
            problems.append(Problem(path, f"{name!r} is not in model_list{nearest}{reason and f'; {reason}'}"))
    return problems


def _named_by(deployments: Iterable[Deployment]) -> Iterator[tuple[str, FallbackTarget]]:
    for deployment in deployments:
        path = deployment.path or f"model_list[id={deployment.id}].litellm_params"
        yield from ((f"{path}.fallbacks", target) for target in deployment.options.fallbacks or ())
        if deployment.silent_model is not None:
            yield f"{path}.silent_model", deployment.silent_model


def _named(reading: Reading) -> Iterator[tuple[str, FallbackTarget]]:
    """Yield every model that the settings name, with its path."""
    settings, paths = reading.settings, reading.paths
    yield from _named_by_fallbacks(settings, paths)
    for name, alias in settings.model_group_alias.items():
        yield f"{paths['model_group_alias']}.{name}", alias.model
    for mirror in settings.mirror.mirrors:
        yield from ((paths["mirror"], model) for model in (mirror.source, mirror.to))
    for position, group in enumerate(settings.routing_groups):
        yield from ((f"{paths['routing_groups']}[{position}].models", model) for model in group.models)
    yield from ((f"{route.path}.use", route.use) for route in settings.routes)
    yield from ((f"{canary.path}.model", canary.model) for canary in settings.canary)
    for field in ("group_retry_policies", "weights"):
        yield from ((f"{paths[field]}.{name}", name) for name in getattr(settings, field))


def _named_by_fallbacks(settings: RouterSettings, paths: Mapping[str, str]) -> Iterator[tuple[str, FallbackTarget]]:
    for field in ("fallbacks", "context_window_fallbacks", "content_policy_fallbacks"):
        for alias, targets in getattr(settings, field).items():
            yield paths[field], alias
            yield from ((f"{paths[field]}.{alias}", target) for target in targets)
    yield from ((paths["default_fallbacks"], target) for target in settings.default_fallbacks)
