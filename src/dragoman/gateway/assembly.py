"""Build the router that a configuration describes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from dragoman.gateway.config.gateway_config import GatewayConfig
from dragoman.gateway.config.prices_file import PricesFile
from dragoman.observe import Listener
from dragoman.routing import CallRouter, Clock
from dragoman.state.redis_place import RedisPlace

__all__ = ["build_router", "offline_router_of", "router_of_kind", "without_shared_state"]

_R = TypeVar("_R", bound=CallRouter)


def offline_router_of(config: GatewayConfig, clock: Clock | None = None) -> CallRouter:
    """Return a router that calls no provider and knows the prices."""
    return build_router(without_shared_state(config), clock=clock)[0]


def without_shared_state(config: GatewayConfig) -> GatewayConfig:
    """Return the configuration without what it shares with running gateways."""
    return replace(config, router=replace(config.router, redis=RedisPlace()))


def build_router(
    config: GatewayConfig, listeners: Sequence[Listener] = (), clock: Clock | None = None
) -> tuple[CallRouter, PricesFile | None]:
    """Build the router, and read the file of its prices. Raise `ConfigError` for a file that is wrong."""
    return router_of_kind(CallRouter, config, listeners, clock)


def router_of_kind(
    kind: type[_R], config: GatewayConfig, listeners: Sequence[Listener] = (), clock: Clock | None = None
) -> tuple[_R, PricesFile | None]:
    """Build a router of a subclass in the same way."""
    router = kind(
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
