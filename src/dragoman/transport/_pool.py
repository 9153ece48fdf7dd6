"""The pooled connections of one event loop, on aiohttp's connector."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import select
import ssl
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from aiohttp import ClientConnectionError, ClientTimeout, TCPConnector

from dragoman.errors import ConfigError
from dragoman.transport._failures import map_error
from dragoman.transport._http_connection import HttpConnection
from dragoman.transport._origin import Origin, resolve
from dragoman.transport._protocol import AnswerProtocol
from dragoman.transport._proxies import Proxies
from dragoman.transport._timeouts import TimeoutWatch, ran_out

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.client_reqrep import ClientRequest
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

__all__ = ["Pool"]

_MAX_TARGETS = 1024
_CLOSING_SECONDS = 2.0
"""Seconds to close all connections. The system closes what is left then."""
_NEVER = float("inf")
"""aiohttp rounds timeouts above a threshold up to whole seconds of the clock; ours are to fire when they are due."""


class Pool:
    """Lives until `aclose`, or until its event loop ends with `shutdown_asyncgens` as `asyncio.run` does."""

    def __init__(
        self, *, verify: bool | str | ssl.SSLContext, limit_per_host: int, keepalive: float, trust_env: bool
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self._connector = _Connector(
            ssl=_tls(verify),
            limit=0,
            limit_per_host=limit_per_host,
            keepalive_timeout=keepalive,
            timeout_ceil_threshold=_NEVER,
        )
        self._proxies = Proxies() if trust_env else None
        self._targets: dict[str, Origin] = {}
        # Before a loop closes, it closes the async generators that have begun on it: the only hook there is.
        self._closing = _close_with_loop(self._connector)
        _advance(self._closing)

    @property
    def closed(self) -> bool:
        return self._connector.closed

    def target(self, url: str) -> Origin:
        target = self._targets.get(url)
        if target is None:
            if len(self._targets) >= _MAX_TARGETS:
                self._targets.clear()
            target = self._targets[url] = resolve(url, self.loop, self._proxies)
        return target

    async def connect(self, target: Origin, watch: TimeoutWatch) -> HttpConnection:
        limit, seconds, left = watch.connect_limit()
        if left <= 0:  # aiohttp would take it for no limit
            raise ran_out(limit, seconds, target.place)
        try:
            connection = await self._connector.connect(target.peer, [], _connect_timeout(left))
        except Exception as error:
            # The system's own ETIMEDOUT is a TimeoutError too, but with a number.
            if isinstance(error, TimeoutError) and error.errno is None:
                raise ran_out(limit, seconds, target.place) from None
            # Not through a variable: an error and the frame that it names must not hold each other.
            raise map_error(error, target.place) or error from None
        return HttpConnection(connection, self._connector.keep, self._connector.lingering)

    async def aclose(self) -> None:
        await self._closing.aclose()


class _Connector(TCPConnector):
    """aiohttp's, but it never hands out a kept connection that the server has ended, and logs nothing when it is freed."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._factory: functools.partial[Any] = functools.partial(AnswerProtocol, loop=self._loop)
        self._kept: WeakKeyDictionary[ResponseHandler, Callable[[], bool]] = WeakKeyDictionary()
        self.lingering: set[HttpConnection] = set()

    def keep(self, connection: Connection) -> None:
        protocol = connection.protocol
        if protocol is not None and protocol.transport is not None and protocol not in self._kept:
            self._kept[protocol] = _data_check(protocol.transport.get_extra_info("socket").fileno())
        connection.release()

    async def connect(self, req: ClientRequest, traces: list[Trace], timeout: ClientTimeout) -> Connection:
        while True:
            connection = await super().connect(req, traces, timeout)
            protocol = connection.protocol
            has_data = self._kept.get(protocol) if protocol is not None else None
            if protocol is None or has_data is None:
                return connection
            if protocol.is_connected() and not protocol.should_close and not has_data():
                return connection
            connection.close()

    async def end(self) -> None:
        """Close all connections now.

        A graceful close would wait without limit for a peer to take what is not sent yet, and aiohttp does not wake the readers
        of a connection that it closes."""
        for connection in tuple(self.lingering):
            connection.cut()
        for protocol in tuple(self._acquired):
            payload = getattr(protocol, "_payload", None)
            protocol.abort()
            if payload is not None:
                payload.set_exception(ClientConnectionError("closed"))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSING_SECONDS):
                await self.close(abort_ssl=True)

    def __del__(self, *_: Any) -> None:
        # The loop ended without closing its async generators. aiohttp would log that here; the system closes the sockets.
        self._closed = True


@functools.lru_cache(maxsize=64)
def _connect_timeout(seconds: float) -> ClientTimeout:
    """Return aiohttp's form of a limit. Cached: nearly all calls have the same, and building one is slow."""
    return ClientTimeout(connect=seconds, ceil_threshold=_NEVER)


async def _close_with_loop(connector: _Connector) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await connector.end()


def _advance(generator: AsyncGenerator[None, None]) -> None:
    """Run a generator to its first `yield`, which it reaches without waiting."""
    step = generator.__anext__()
    try:
        step.send(None)
    except StopIteration:
        return


def _data_check(number: int) -> Callable[[], bool]:
    """Return a function that asks the system whether something has arrived on a socket: the end of its connection, or data that was
    not requested, whether the event loop has seen it yet or not.

    It is called before a kept connection is used again, the only moment at which a request, POST or not, may be moved to another
    connection: nothing of it has been written."""
    if number < 0:
        return lambda: True
    if not hasattr(select, "poll"):
        return lambda: bool(select.select([number], [], [], 0)[0])
    poll = select.poll()
    poll.register(number, select.POLLIN)
    return lambda: bool(poll.poll(0))


def _tls(verify: bool | str | ssl.SSLContext) -> bool | ssl.SSLContext:
    """Return what aiohttp needs for `verify`. By default the system's authorities: OpenSSL itself honours SSL_CERT_FILE."""
    if not isinstance(verify, str):
        return verify
    try:
        context = ssl.create_default_context(cafile=verify)
    except OSError as error:
        raise ConfigError(f"The CA file {verify!r} cannot be read: {error.strerror or error}") from None
    context.set_alpn_protocols(["http/1.1"])
    return context
