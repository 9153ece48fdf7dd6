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
from dragoman.transport._limits import TimeoutWatch, ran_out
from dragoman.transport._protocol import AnswerProtocol
from dragoman.transport._proxies import Proxies
from dragoman.transport._target import Origin, resolve
from dragoman.transport._wire import HttpConnection

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.client_reqrep import ClientRequest
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

__all__ = ["Pool"]

_MAX_TARGETS = 1024
_GOODBYE = 2.0
"""Seconds to close all connections; the system closes what is left then."""
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
        # A loop closes the async generators that it has seen begin, before it closes: the one hook there is.
        self._farewell = _close_at_the_end(self._connector)
        _advance(self._farewell)

    @property
    def closed(self) -> bool:
        return self._connector.closed

    def target(self, url: str) -> Origin:
        found = self._targets.get(url)
        if found is None:
            if len(self._targets) >= _MAX_TARGETS:
                self._targets.clear()
            found = self._targets[url] = resolve(url, self.loop, self._proxies)
        return found

    async def connect(self, target: Origin, watch: TimeoutWatch) -> HttpConnection:
        limit, seconds, left = watch.connect_limit()
        if left <= 0:  # which aiohttp takes for no limit
            raise ran_out(limit, seconds, target.place)
        try:
            connection = await self._connector.connect(target.peer, [], _patience(left))
        except Exception as error:
            # The system's own ETIMEDOUT is a TimeoutError too, but with a number.
            if isinstance(error, TimeoutError) and error.errno is None:
                raise ran_out(limit, seconds, target.place) from None
            # Not by way of a variable: an error and the frame that it names must not hold each other.
            raise map_error(error, target.place) or error from None
        return HttpConnection(connection, self._connector.keep, self._connector.lingering)

    async def aclose(self) -> None:
        await self._farewell.aclose()


class _Connector(TCPConnector):
    """aiohttp's, but it never hands out a kept connection that the server has ended, and it dies in silence."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._factory: functools.partial[Any] = functools.partial(AnswerProtocol, loop=self._loop)
        self._kept: WeakKeyDictionary[ResponseHandler, Callable[[], bool]] = WeakKeyDictionary()
        self.lingering: set[HttpConnection] = set()

    def keep(self, connection: Connection) -> None:
        protocol = connection.protocol
        if protocol is not None and protocol.transport is not None and protocol not in self._kept:
            self._kept[protocol] = _arrivals(protocol.transport.get_extra_info("socket").fileno())
        connection.release()

    async def connect(self, req: ClientRequest, traces: list[Trace], timeout: ClientTimeout) -> Connection:
        while True:
            connection = await super().connect(req, traces, timeout)
            protocol = connection.protocol
            something_came = self._kept.get(protocol) if protocol is not None else None
            if protocol is None or something_came is None:
                return connection
            if protocol.is_connected() and not protocol.should_close and not something_came():
                return connection
            connection.close()

    async def end(self) -> None:
        """Close all connections now. A polite close would wait, without an end, for a peer to take what is not sent yet; and
        aiohttp forgets who reads from a connection that it closes."""
        for wire in tuple(self.lingering):
            wire.cut()
        for protocol in tuple(self._acquired):
            payload = getattr(protocol, "_payload", None)
            protocol.abort()
            if payload is not None:
                payload.set_exception(ClientConnectionError("closed"))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GOODBYE):
                await self.close(abort_ssl=True)

    def __del__(self, *_: Any) -> None:
        # The loop ended without closing its async generators. aiohttp would log that here; the system closes the sockets.
        self._closed = True


@functools.lru_cache(maxsize=64)
def _patience(seconds: float) -> ClientTimeout:
    """Kept, because nearly all calls have the same, and to make one takes longer than to find a connection in the pool."""
    return ClientTimeout(connect=seconds, ceil_threshold=_NEVER)


async def _close_at_the_end(connector: _Connector) -> AsyncGenerator[None, None]:
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


def _arrivals(number: int) -> Callable[[], bool]:
    """Asks the system whether something came on a socket: the end of its connection or something unasked, seen by the loop or
    not yet.

    Asked of a kept connection before it is used again, which is the only moment at which a request may be moved to another
    one, POST or not: nothing of it is written."""
    if number < 0:
        return lambda: True
    if not hasattr(select, "poll"):
        return lambda: bool(select.select([number], [], [], 0)[0])
    poll = select.poll()
    poll.register(number, select.POLLIN)
    return lambda: bool(poll.poll(0))


def _tls(verify: bool | str | ssl.SSLContext) -> bool | ssl.SSLContext:
    """The system's authorities unless told otherwise: OpenSSL itself honours SSL_CERT_FILE."""
    if not isinstance(verify, str):
        return verify
    try:
        context = ssl.create_default_context(cafile=verify)
    except OSError as error:
        raise ConfigError(f"The CA file {verify!r} cannot be read: {error.strerror or error}") from None
    context.set_alpn_protocols(["http/1.1"])
    return context
