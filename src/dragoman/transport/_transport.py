"""Send requests over a pool of connections."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from dragoman.errors import APIConnectionError
from dragoman.transport._reply import Reply
from dragoman.transport._timeouts import Timeouts, TimeoutWatch

if TYPE_CHECKING:
    from dragoman.transport._pool import Pool

__all__ = ["Transport"]

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Transport:
    """A pool of connections that belongs to one event loop: the one that runs when it is first used.

    `verify`: the system's certificate authorities, a file of others, an `SSLContext`, or False. `limit_per_host` 0: no limit.
    `keepalive`: seconds that an unused connection is kept. `trust_env`: honour HTTP_PROXY, HTTPS_PROXY and NO_PROXY.
    `max_body`: the most bytes that `Reply.read` takes. Connections that are not closed with `aclose` are closed when
    `asyncio.run` ends."""

    def __init__(
        self,
        *,
        verify: bool | str | ssl.SSLContext = True,
        limit_per_host: int = 0,
        keepalive: float = 60.0,
        trust_env: bool = True,
        max_body: int = 128 * 2**20,
    ) -> None:
        self._verify = verify
        self._limit_per_host = limit_per_host
        self._keepalive = keepalive
        self._trust_env = trust_env
        self._max_body = max_body
        self._pool: Pool | None = None

    async def send(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, timeouts: Timeouts
    ) -> Reply:
        """Send one request. Cancelling it closes the connection. A redirect is not followed but refused.

        Raise `APIConnectionError` or `Timeout`."""
        pool = self.open()
        target = pool.target(url)
        lines = target.head(method, headers, body)
        watch = TimeoutWatch(pool.loop, timeouts, target.place)
        connection = await pool.connect(target, watch)
        try:
            watch.start(connection.cut)
            connection.write(lines, body or b"", bodiless=method == "HEAD")
            message, payload = await connection.answer(target.place)
        except BaseException as error:
            watch.stop()
            connection.cut()
            # Not through a variable: an error and the frame that it names must not hold each other.
            raise watch.explain(error) or error from None
        reply = Reply(message, payload, connection, watch, max_body=self._max_body)
        if reply.status in _REDIRECTS:
            await reply.aclose()
            raise _redirected(reply, url, target.place)
        return reply

    async def aclose(self) -> None:
        """Close all connections. The next `send` opens new ones."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.aclose()

    def open(self) -> Pool:
        """Return the pool of the running loop. On first use aiohttp is imported here, and certificates are read."""
        pool = self._pool
        loop = asyncio.get_running_loop()
        if pool is not None and pool.loop is loop and not pool.closed:
            return pool
        if pool is not None and pool.loop is not loop and not pool.loop.is_closed():
            raise RuntimeError("A Transport belongs to the event loop that first used it, and this is another one")
        from dragoman.transport._pool import Pool

        self._pool = Pool(
            verify=self._verify,
            limit_per_host=self._limit_per_host,
            keepalive=self._keepalive,
            trust_env=self._trust_env,
        )
        return self._pool


def _redirected(reply: Reply, url: str, place: str) -> APIConnectionError:
    """Return the error that names the host to which a redirect leads, so that the address can be corrected.

    The rest of the location stays out of it: a query may hold secrets."""
    to = urlsplit(urljoin(url, reply.headers.get("location", "")))
    return APIConnectionError(
        f"{place}: redirects ({reply.status}) to {to.hostname or 'nowhere'}, and redirects are not followed",
        code="redirect_refused",
    )
