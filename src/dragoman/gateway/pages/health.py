"""`GET /v1/routing/state` and `GET /cooldowns`: how the deployments are. Nobody is asked for it."""

from __future__ import annotations

import dataclasses

import orjson

from dragoman.gateway.http.endpoint import GatewayServices
from dragoman.gateway.http.exchange import Exchange

__all__ = ["cooldowns", "state"]


async def state(kitchen: GatewayServices, exchange: Exchange) -> None:
    """All deployments, by alias, and how many of each alias's calls go to its fallbacks."""
    router = kitchen.router
    shown = (await router.state()).as_dict()
    shown["fallback_rates"] = {alias: rate._asdict() for alias, rate in router.fallback_rates().items()}
    await exchange.reply(200, kitchen.redactor.bytes(orjson.dumps(shown)))


async def cooldowns(kitchen: GatewayServices, exchange: Exchange) -> None:
    """Only those that are out, in one list."""
    found = [dataclasses.asdict(cooldown) for cooldown in kitchen.router.cooldowns()]
    await exchange.reply(200, kitchen.redactor.bytes(orjson.dumps({"cooldowns": found, "count": len(found)})))
