"""Pages about models: which are served, and what is known of them. No provider is called for them.

Prices may change while the gateway runs, so everything is looked up when it is requested.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import orjson

from dragoman.errors import DragomanError, NotFoundError
from dragoman.gateway.http.exchange import Exchange
from dragoman.gateway.http.services import GatewayServices
from dragoman.gateway.pages import listing
from dragoman.gateway.pages import model_info as info
from dragoman.gateway.pages.listing import Row, model_list, rows_of

__all__ = ["all_models", "model_group_info", "model_info", "one_model"]


async def all_models(services: GatewayServices, exchange: Exchange, _: str | None) -> None:
    """Answer `GET /v1/models` and its like, in the shape of the caller's dialect."""
    dialect, rows = exchange.dialect, _rows(services)
    await _reply_list(services, exchange, f"models {dialect.name}", lambda: model_list(rows, dialect, services.started))


async def one_model(services: GatewayServices, exchange: Exchange, name: str | None) -> None:
    """Answer `GET /v1/models/{name}` and its like."""
    row = _row(services, name or "")
    await exchange.reply(200, _write(services, listing.one_model(row, exchange.dialect, services.started)))


async def model_info(services: GatewayServices, exchange: Exchange, _: str | None) -> None:
    """Answer `GET /model/info`; `?litellm_model_id=` selects one deployment."""
    selected_id = _query(exchange, "litellm_model_id")
    deployments = services.router.deployments
    if selected_id is None:
        await _reply_list(services, exchange, "info", lambda: info.model_info(deployments))
        return
    selected = [deployment for deployment in deployments if deployment.id == selected_id]
    if not selected:
        raise NotFoundError(f"there is no deployment {selected_id!r}", param="litellm_model_id", code="model_not_found")
    await exchange.reply(200, _write(services, info.model_info(selected)))


async def model_group_info(services: GatewayServices, exchange: Exchange, _: str | None) -> None:
    """Answer `GET /model_group/info`; `?model_group=` selects one name."""
    name = _query(exchange, "model_group")
    if name is None:
        rows = _rows(services)
        await _reply_list(services, exchange, "groups", lambda: info.group_info(rows))
    else:
        await exchange.reply(200, _write(services, info.group_info([_row(services, name)])))


def _rows(services: GatewayServices) -> list[Row]:
    return list(rows_of(services.router.deployments, services.aliases).values())


def _row(services: GatewayServices, name: str) -> Row:
    """Return a model of any name that callers may use: one that is in no list may match a pattern such as `openai/*`."""
    try:
        return Row(name, tuple(services.router.candidates(name)))
    except DragomanError:
        raise NotFoundError(f"there is no model {name!r}", param="model", code="model_not_found") from None


async def _reply_list(services: GatewayServices, exchange: Exchange, key: str, make: Callable[[], Any]) -> None:
    """Reply with a list, which is written in a thread, as it may be long, and again only when the catalogue has changed."""
    version = services.router.catalogue.version
    written = services.written_lists.get(key)
    if written is None or written[0] != version:
        written = (version, await asyncio.to_thread(lambda: _write(services, make())))
        services.written_lists[key] = written
    await exchange.reply(200, written[1])


def _write(services: GatewayServices, value: Any) -> bytes:
    return services.redactor.bytes(orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS))


def _query(exchange: Exchange, name: str) -> str | None:
    query = parse_qs(exchange.scope["query_string"].decode("latin-1"))
    return next(iter(query.get(name, ())), None)
