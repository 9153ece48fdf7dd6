"""The gateway as an ASGI application: the wiring. Which paths there are stands in `_routes.py`."""

from __future__ import annotations

import asyncio
import logging
import time

import orjson

from dragoman.dialects.registry import dialects
from dragoman.errors import CallerError, ConfigError, DragomanError, NotFoundError
from dragoman.gateway._head import check_head, joined_headers
from dragoman.gateway.assembly import build_router
from dragoman.gateway.config.gateway_config import GatewayConfig
from dragoman.gateway.gate import Gate
from dragoman.gateway.health_report import HealthReport
from dragoman.gateway.http.body import BodyBudget
from dragoman.gateway.http.cors import Cors
from dragoman.gateway.http.endpoint import GatewayServices
from dragoman.gateway.http.exchange import ClientDisconnected, Exchange, Receive, Scope, Send
from dragoman.gateway.http.failures import reply_error, to_dragoman_error
from dragoman.gateway.http.not_served import UpgradeRefused, asks_for_upgrade, not_served
from dragoman.gateway.http.routes import Page, Route, RouteMatch, RouteTable
from dragoman.gateway.logs.redactor import Redactor
from dragoman.gateway.pages import health
from dragoman.gateway.pages.models import ModelPages
from dragoman.gateway.pages.routing import explain
from dragoman.routing.event_log import log_event

__all__ = ["Gateway"]

_log = logging.getLogger("dragoman.gateway")
_requests = logging.getLogger("dragoman.gateway.requests")
_LONGEST_PATH = 600
"""In the log. What is longer is nobody's route."""
_PROBES = ("alive", "ready")
"""Pages that load balancers ask for all day."""
_CALLER_LEFT = 499
"""nginx's number, for the log only: nobody is there to be told."""


class Gateway:
    """One gateway. `loopback_only`: there is no master key, so requests that a browser may have been tricked into are refused."""

    def __init__(self, config: GatewayConfig, *, loopback_only: bool = True) -> None:
        self.config = config
        self.health = HealthReport(config.deployments)
        self._routes = RouteTable(dialects())
        self._cors = Cors(config.cors_origins)
        self._gate = Gate(config.master_key, loopback_only=loopback_only, is_allowed_origin=self._cors.allows)
        redactor = Redactor(config.secrets)
        router, self._prices = build_router(config, (self.health, log_event))
        self._models = ModelPages(router=router, aliases=config.aliases, started=int(time.time()), redactor=redactor)
        self._kitchen = GatewayServices(
            router=router,
            limits=config.limits,
            keep_alive_seconds=config.keep_alive_seconds,
            redactor=redactor,
            include_cost=config.include_cost_in_streaming_usage,
            bodies=BodyBudget(config.limits),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self._kitchen.router.warm_up()
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
        await self._kitchen.router.aclose()
        await send({"type": "lifespan.shutdown.complete"})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = joined_headers(scope)
        path: str = scope["path"]
        found = self._routes.find(path)
        dialect = self._routes.dialect_of(found, path, headers, scope["query_string"])
        exchange = Exchange(scope, receive, send, headers, dialect, self._cors.answer_headers(headers))
        try:
            check_head(scope, headers)
            await self._answer(exchange, found)
        except ClientDisconnected:
            exchange.status, exchange.error = _CALLER_LEFT, ClientDisconnected.__name__
        except (Exception, asyncio.CancelledError) as raised:
            await self._fail(exchange, to_dragoman_error(raised, exchange))
        if self.config.log_requests:
            _log_request(
                exchange, logging.DEBUG if found is not None and found.route.answer in _PROBES else logging.INFO
            )

    async def _fail(self, exchange: Exchange, error: DragomanError) -> None:
        exchange.error = type(error).__name__
        if exchange.status == 0:
            headers = list(error.headers) if isinstance(error, UpgradeRefused) else None
            await reply_error(exchange, error, self._kitchen.redactor, headers)

    async def _answer(self, exchange: Exchange, found: RouteMatch | None) -> None:
        method, path = exchange.scope["method"], exchange.scope["path"]
        if asks_for_upgrade(exchange.headers):
            raise UpgradeRefused
        if found is None:
            raise not_served(method, path) or NotFoundError(f"there is no {method} {path[:200]}", code="unknown_url")
        route, model = found
        if method == "OPTIONS":
            await self._options(exchange, route)
        elif method != route.method and not (method == "HEAD" and route.method == "GET"):
            raise _WrongMethod(route.method, method)
        else:
            if not route.public:
                query = exchange.scope["query_string"] if route.key_in_query else b""
                self._gate.authenticate(exchange.headers, query)
            await self._serve(exchange, route, model)

    async def _serve(self, exchange: Exchange, route: Route, model: str | None) -> None:
        if not isinstance(route.answer, str):
            await route.answer(self._kitchen, exchange, model)
        elif route.answer == "model":
            await self._models.model(exchange, model or "")
        elif route.answer == "explain":
            await explain(self._kitchen, exchange)
        elif route.answer == "routing_state":
            await health.state(self._kitchen, exchange)
        elif route.answer == "cooldowns":
            await health.cooldowns(self._kitchen, exchange)
        elif route.answer in ("models", "model_info", "model_group_info"):
            await getattr(self._models, route.answer)(exchange)
        else:
            status, value = self._page(route.answer)
            await exchange.reply(status, orjson.dumps(value))

    async def _options(self, exchange: Exchange, route: Route) -> None:
        """Say what may be asked, to everybody: a browser sends no key with its question."""
        methods = b"GET, HEAD, OPTIONS" if route.method == "GET" else b"POST, OPTIONS"
        await exchange.start(204, [(b"allow", methods), *self._cors.preflight_headers(exchange.headers, methods)])
        await exchange.body(b"", False)

    def _page(self, page: Page) -> tuple[int, object]:
        if page == "alive":
            return 200, "I'm alive!"
        if page == "ready":
            return (503, {"status": "draining"}) if self.health.draining else (200, {"status": "ready"})
        if page == "health":
            return 200, self.health.report()
        return 200, {
            "name": "dragoman",
            "chat": "/v1/chat/completions",
            "messages": "/v1/messages",
            "models": "/v1/models",
        }


class _WrongMethod(CallerError):
    """A path that exists, asked in another way."""

    status = 405
    default_code = "method_not_allowed"

    def __init__(self, wanted: str, method: str) -> None:
        super().__init__(f"{method} is not allowed here, only {wanted}")


def _log_request(exchange: Exchange, level: int) -> None:
    """One line: no keys, no words of anybody, and the path without its query, which may hold a key."""
    _requests.log(
        level,
        "%s %s %d",
        exchange.scope["method"],
        exchange.scope["path"][:_LONGEST_PATH],
        exchange.status,
        extra={
            "request_id": exchange.request_id,
            "model": exchange.model,
            "provider": exchange.provider,
            "operation": exchange.operation,
            "stream": exchange.stream if exchange.operation else None,
            "answered_by": exchange.answered_by,
            "deployment": exchange.deployment,
            "fallback": exchange.fallback,
            "tried": exchange.tried,
            "usage": exchange.usage,
            "attempts": exchange.attempts,
            "cost": exchange.cost,
            "error": exchange.error,
            "milliseconds": round((time.monotonic() - exchange.begun) * 1000, 1),
        },
    )
