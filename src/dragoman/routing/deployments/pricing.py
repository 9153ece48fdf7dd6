"""What a deployment's model is and what it costs: the catalogue's row, under what the configuration or a call says of it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from dragoman.errors import BadRequestError, ConfigError
from dragoman.litellm.model_rows import entry_from_mapping
from dragoman.models import Catalogue
from dragoman.routing.deployments.deployment import Deployment
from dragoman.routing.settings.call_options import CallOptions
from dragoman.routing.settings.options import is_price
from dragoman.types.model_entry import ModelEntry

__all__ = ["entry_of", "only_priced", "with_entry", "with_prices"]

_log = logging.getLogger("dragoman")


def entry_of(
    deployment: Deployment, catalogue: Catalogue, path: str = "", key: str = "litellm_params"
) -> ModelEntry | None:
    """The row of its `base_model`, or else of its own model, under its own facts and prices.

    Raises one `ConfigError` with a line for each wrong path."""
    info, options = deployment.model_info, deployment.options
    base = options.base_model or info.get("base_model")
    row = _find_row(deployment, base, catalogue)
    facts = {name: value for name, value in info.items() if _may_be_fact(name)}
    for said, where in ((facts, "model_info"), (options.prices, key)):
        if said:
            row = _overlay(row, said, deployment, base, path=f"{path}.{where}" if path else where)
    return row


def _may_be_fact(name: object) -> bool:
    """`model_info` is also the place for notes of one's own, as `cost_center` and `price_list`."""
    if not isinstance(name, str):
        return False
    return is_price(name) or not ("cost" in name or "pric" in name)


def with_entry(deployment: Deployment, catalogue: Catalogue) -> Deployment:
    """The deployment with what is known of its model by now."""
    try:
        entry = entry_of(deployment, catalogue)
    except ConfigError as error:  # its prices were right over another row: calls do not fail for that
        _log.warning("%s: its prices do not count: %s", deployment.id, error.message)
        entry = deployment.entry
    return deployment if entry is deployment.entry else replace(deployment, entry=entry)


def with_prices(deployments: Sequence[Deployment], options: CallOptions, catalogue: Catalogue) -> Sequence[Deployment]:
    """The deployments as a call describes them that brings prices, or a `base_model`, of its own.

    Raises `BadRequestError` naming a wrong one."""
    described = []
    for deployment in deployments:
        entry, base = deployment.entry, options.base_model
        if base is not None:
            entry = _find_row(deployment, base, catalogue)
        if options.prices:
            entry = _overlay(entry, options.prices, deployment, base, source="call", error=BadRequestError)
        described.append(replace(deployment, entry=entry))
    return described


def only_priced(deployments: Sequence[Deployment]) -> Sequence[Deployment]:
    """Return the deployments whose price is known. Raise `BadRequestError` if there is none."""
    priced = [item for item in deployments if item.entry is not None and item.entry.prices]
    if priced:
        return priced
    first = deployments[0]
    raise BadRequestError(
        f"the model {first.alias!r} ({first.provider.name}/{first.model}) has no known price, and calls without one are "
        "blocked here: give it `input_cost_per_token` and `output_cost_per_token`, or the `base_model` whose prices it has",
        param="model",
        provider=first.provider.name,
        model=first.model,
        code="model_without_pricing",
    )


def _find_row(deployment: Deployment, base: str | None, catalogue: Catalogue) -> ModelEntry | None:
    provider = deployment.provider.name
    if not base:
        return catalogue.find(provider, deployment.model)
    if "/" in base:
        return catalogue.find_named(base) or catalogue.find(provider, base)
    return catalogue.find(provider, base) or catalogue.find_named(base)


def _overlay(
    row: ModelEntry | None, value: Mapping[str, Any], deployment: Deployment, base: str | None, **more: Any
) -> ModelEntry | None:
    """Return the row with `values` laid over it. It keeps its name, unless it is another model's."""
    provider, model = deployment.provider.name, deployment.model
    if row is not None and not base:
        provider, model = row.provider, row.model
    attempt = entry_from_mapping(value, provider=provider, model=model, base=row, **more)
    return None if row is None and attempt == ModelEntry(provider=provider, model=model) else attempt
