"""What LiteLLM's `/model/info` and `/model_group/info` answer: its shapes and names, without any key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

from dragoman.gateway.pages.listing import Row
from dragoman.gateway.pages.model_json import described, no_row, row_of
from dragoman.litellm.model_info import as_model_info
from dragoman.routing import Deployment
from dragoman.routing.deployments.group_info import group_info as group_info_of

__all__ = ["group_info", "model_info"]

_OPTIONS = ("api_version", "timeout", "stream_timeout", "connect_timeout", "idle_timeout", "num_retries", "drop_params")
"""What may be told of a deployment's options. Not a key, nor what may hold one: headers, query, body."""


def model_info(deployments: Iterable[Deployment]) -> dict[str, Any]:
    """One row for each deployment."""
    return {"data": [_deployment(deployment) for deployment in deployments]}


def _deployment(deployment: Deployment) -> dict[str, Any]:
    entry = row_of(deployment)
    options = {name: value for name in _OPTIONS if (value := getattr(deployment.options, name)) is not None}
    address = _address(deployment.options.api_base)
    return {
        "model_name": deployment.alias,
        "litellm_params": {
            "model": f"{deployment.provider.name}/{deployment.model}",
            **({"api_base": address} if address else {}),
            **options,
            **({"order": deployment.order} if deployment.order else {}),
        },
        "model_info": {
            **deployment.model_info,
            **_named(deployment),
            "id": deployment.id,
            "db_model": False,
            "key": f"{deployment.provider.name}/{deployment.model}",
            "litellm_provider": deployment.provider.name,
            "dragoman": described(entry) if entry else no_row(deployment),
        },
    }


def _named(deployment: Deployment) -> dict[str, Any]:
    """What is known of its model under LiteLLM's names."""
    entry = row_of(deployment)
    if entry is None:
        return {f"supports_{name}": able for name, able in no_row(deployment)["abilities"].items()}
    return as_model_info(entry)


def _address(address: str | None) -> str:
    """Without what may be secret in it."""
    if not address:
        return ""
    parts = urlsplit(address)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}{parts.path}"


def group_info(rows: Sequence[Row]) -> dict[str, Any]:
    """One row for each name that callers may use: what holds whichever deployment answers, and the highest prices."""
    return {"data": [group_info_of(row.name, row.deployments) for row in rows]}
