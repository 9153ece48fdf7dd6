"""What is served and what is known of it: the pages that ask no model.

Prices may change while the gateway runs, so all is looked up when it is asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import orjson

from dragoman.errors import DragomanError, NotFoundError
from dragoman.gateway.http.exchange import Exchange
from dragoman.gateway.logs.redactor import Redactor
from dragoman.gateway.pages.listing import Row, model_list, one_model, rows_of
from dragoman.gateway.pages.model_info import group_info, model_info
from dragoman.routing import CallRouter

__all__ = ["ModelPages"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPages:
    """Answers for all models and for one."""

    router: CallRouter
    aliases: Mapping[str, str]
    """Other names of models that may be listed."""
    started: int
    """Unix seconds: when the gateway was started, for models of which nobody knows when they came out."""
    redactor: Redactor
    _kept: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    """Lists as they were written last, with the version of the catalogue that they show."""

    async def models(self, exchange: Exchange) -> None:
        dialect = exchange.dialect
        rows = self._rows()
        await self._reply(exchange, f"models {dialect.name}", lambda: model_list(rows, dialect, self.started))

    async def model(self, exchange: Exchange, name: str) -> None:
        await self._send(exchange, one_model(self._row(name), exchange.dialect, self.started))

    async def model_info(self, exchange: Exchange) -> None:
        """`?litellm_model_id=` asks for one deployment."""
        wanted = _asked(exchange, "litellm_model_id")
        if wanted is None:
            deployments = self.router.deployments
            await self._reply(exchange, "info", lambda: model_info(deployments))
            return
        found = [deployment for deployment in self.router.deployments if deployment.id == wanted]
        if not found:
            raise NotFoundError(f"there is no deployment {wanted!r}", param="litellm_model_id", code="model_not_found")
        await self._send(exchange, model_info(found))

    async def model_group_info(self, exchange: Exchange) -> None:
        """`?model_group=` asks for one name."""
        wanted = _asked(exchange, "model_group")
        if wanted is None:
            rows = self._rows()
            await self._reply(exchange, "groups", lambda: group_info(rows))
        else:
            await self._send(exchange, group_info([self._row(wanted)]))

    def _rows(self) -> list[Row]:
        return list(rows_of(self.router.deployments, self.aliases).values())

    def _row(self, name: str) -> Row:
        """A model that stands in no list may be one that a pattern such as `openai/*` means."""
        try:
            return Row(name, tuple(self.router.candidates(name)))
        except DragomanError:
            raise NotFoundError(f"there is no model {name!r}", param="model", code="model_not_found") from None

    async def _reply(self, exchange: Exchange, key: str, make: Callable[[], Any]) -> None:
        """A list of many models is written in a thread: no call waits for it."""
        version = self.router.catalogue.version
        kept = self._kept.get(key)
        if kept is None or kept[0] != version:
            kept = self._kept[key] = (version, await asyncio.to_thread(lambda: self._written(make())))
        await exchange.reply(200, kept[1])

    async def _send(self, exchange: Exchange, value: Any) -> None:
        await exchange.reply(200, self._written(value))

    def _written(self, value: Any) -> bytes:
        return self.redactor.bytes(orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS))


def _asked(exchange: Exchange, name: str) -> str | None:
    query = parse_qs(exchange.scope["query_string"].decode("latin-1"))
    return next(iter(query.get(name, ())), None)
