"""What a configuration describes, put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dragoman.gateway.config import GatewayConfig
from dragoman.gateway.prices_file import PricesFile
from dragoman.observe import Listener
from dragoman.routing import Clock, Router
from dragoman.routing._settings import RedisPlace

__all__ = ["offline_router_of", "router_of"]


def offline_router_of(config: GatewayConfig, clock: Clock | None = None) -> Router:
    """One that only thinks: it knows the prices, and shares nothing with the gateways that run."""
    settings = replace(config.router, redis=RedisPlace())
    return router_of(replace(config, router=settings), clock=clock)[0]


def router_of(
    config: GatewayConfig, listeners: Sequence[Listener] = (), clock: Clock | None = None
) -> tuple[Router, PricesFile | None]:
    """The router, and the file of its prices, which has been read. Raises `ConfigError` where that is wrong."""
    router = Router(
        config.deployments,
        settings=config.router,
        providers=config.providers,
        listeners=listeners,
        allow_unlisted=False,
        clock=clock,
    )
    if config.prices_file is None:
        return router, None
    prices = PricesFile(config.prices_file, router.catalogue)
    prices.load()
    return router, prices
