"""How the gateway and its deployments are, as far as is known without calling any: for load balancers and operators."""

from __future__ import annotations

import orjson

from dragoman.gateway.http.exchange import Exchange
from dragoman.gateway.http.services import GatewayServices

__all__ = ["alive", "ready", "report", "root"]

_ALIVE = orjson.dumps("I'm alive!")
_ROOT = orjson.dumps(
    {"name": "dragoman", "chat": "/v1/chat/completions", "messages": "/v1/messages", "models": "/v1/models"}
)


async def root(services: GatewayServices, exchange: Exchange, _: str | None) -> None:
    """Answer `GET /`."""
    await exchange.reply(200, _ROOT)


async def alive(services: GatewayServices, exchange: Exchange, _: str | None) -> None:
    """Answer `GET /health/liveliness`: the process runs."""
    await exchange.reply(200, _ALIVE)


async def ready(services: GatewayServices, exchange: Exchange, _: str | None) -> None:
    """Answer `GET /health/readiness`: whether new requests may be sent here."""
    status, word = (503, "draining") if services.health.draining else (200, "ready")
    await exchange.reply(status, orjson.dumps({"status": word}))


async def report(services: GatewayServices, exchange: Exchange, _: str | None) -> None:
    """Answer `GET /health`."""
    await exchange.reply(200, orjson.dumps(services.health.report()))
