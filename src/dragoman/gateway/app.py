"""The gateway as an ASGI application. `routes.py` has the paths, `http/endpoint.py` what happens to a model call."""

from __future__ import annotations

import asyncio
import logging
import time

from dragoman.dialects.registry import dialects
from dragoman.errors import ConfigError, DragomanError
from dragoman.gateway._head import check_head, joined_headers
from dragoman.gateway.assembly import build_router
from dragoman.gateway.config.gateway_config import GatewayConfig
from dragoman.gateway.health_report import HealthReport
from dragoman.gateway.http.body import BodyBudget
from dragoman.gateway.http.cors import Cors
from dragoman.gateway.http.disconnect import ClientDisconnected
from dragoman.gateway.http.exchange import Exchange, Receive, Scope, Send
from dragoman.gateway.http.failures import reply_error, to_dragoman_error
from dragoman.gateway.http.route import RouteMatch
from dragoman.gateway.http.services import GatewayServices
from dragoman.gateway.logs.redactor import Redactor
from dragoman.gateway.logs.requests import log_request
from dragoman.gateway.master_key import MasterKeyGate
from dragoman.gateway.routes import RouteTable, match_request
from dragoman.governance import Gate
from dragoman.routing.event_log import log_event

__all__ = ["Gateway"]

_log = logging.getLogger("dragoman.gateway")
_CALLER_LEFT = 499
"""nginx's number, for the log only."""


class Gateway:
    """One gateway.

    `gate` decides who may call; None: the holder of the configuration's master key. `loopback_only`: without a master key,
    requests that a browser may have been tricked into are refused."""

    def __init__(self, config: GatewayConfig, *, loopback_only: bool = True, gate: Gate | None = None) -> None:
        self.config = config
        self.health = HealthReport(config.deployments)
        self._routes = RouteTable(dialects())
        cors = Cors(config.cors_origins)
        router, self._prices = build_router(config, (self.health, log_event))
        self._services = GatewayServices(
            router=router,
            gate=gate or MasterKeyGate(config.master_key, loopback_only=loopback_only, is_allowed_origin=cors.allows),
            limits=config.limits,
            bodies=BodyBudget(config.limits),
            redactor=Redactor(config.secrets),
            cors=cors,
            health=self.health,
            keep_alive_seconds=config.keep_alive_seconds,
            include_cost=config.include_cost_in_streaming_usage,
            aliases=config.aliases,
            started=int(time.time()),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._other(scope, receive, send)
            return
        services, headers, path = self._services, joined_headers(scope), scope["path"]
        match = self._routes.find(path)
        dialect = self._routes.dialect_of(match, path, headers, scope["query_string"])
        shared_headers = services.cors.answer_headers(headers) if services.cors.origins else []
        exchange = Exchange(scope, receive, send, headers, dialect, shared_headers)
        try:
            check_head(scope, headers)
            route, model = match_request(match, scope["method"], path, headers)
            if not route.public:
                exchange.caller = await services.gate.authenticate(route, headers, scope["query_string"])
            await route.endpoint(services, exchange, model)
        except ClientDisconnected:
            exchange.status, exchange.error = _CALLER_LEFT, ClientDisconnected.__name__
        except (Exception, asyncio.CancelledError) as raised:
            await self._fail(exchange, to_dragoman_error(raised, exchange))
        if self.config.log_requests:
            _log_exchange(exchange, match)

    async def _fail(self, exchange: Exchange, error: DragomanError) -> None:
        if exchange.status == 0:
            await reply_error(exchange, error, self._services.redactor)
        else:
            exchange.error = exchange.error or type(error).__name__

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        services = self._services
        await receive()
        try:
            await services.router.warm_up()
        except ConfigError as error:
            _log.critical("the gateway does not start: %s", error.message.replace("\n", "; "))
            await send({"type": "lifespan.startup.failed"})
            return
        watch = asyncio.create_task(self._prices.watch()) if self._prices else None
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self.health.draining = True
        if watch is not None:
            watch.cancel()
        await services.gate.aclose()
        await services.router.aclose()
        await send({"type": "lifespan.shutdown.complete"})


def _log_exchange(exchange: Exchange, match: RouteMatch | None) -> None:
    scope = exchange.scope
    log_request(
        logging.DEBUG if match is not None and match.route.is_probe else logging.INFO,
        scope["method"],
        scope["path"],
        exchange.status,
        exchange.record,
        error=exchange.error,
        milliseconds=(time.monotonic() - exchange.began) * 1000,
    )
