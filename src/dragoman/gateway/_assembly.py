"""What a configuration describes, put together."""

from __future__ import annotations

from collections.abc import Sequence

from dragoman.gateway.config import GatewayConfig
from dragoman.gateway.prices_file import PricesFile
from dragoman.observe import Listener
from dragoman.routing import Router

__all__ = ["router_of"]


def router_of(config: GatewayConfig, listeners: Sequence[Listener] = ()) -> tuple[Router, PricesFile | None]:
    """The router, and the file of its prices, which has been read. Raises `ConfigError` where that is wrong."""
    router = Router(
        config.deployments,
        settings=config.router,
        providers=config.providers,
        listeners=listeners,
        allow_unlisted=False,
    )
    if config.prices_file is None:
        return router, None
    prices = PricesFile(config.prices_file, router.catalogue)
    prices.load()
    return router, prices
