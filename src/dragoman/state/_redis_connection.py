"""The connection to Redis: one round trip at a time, which carries everything that is waiting."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from dragoman._install import install_command
from dragoman.errors import ConfigError
from dragoman.state._commands import Command, Script, scripts

__all__ = ["Backend", "RedisConnection", "address_fault"]

Words: TypeAlias = Sequence[object]


class Backend(Protocol):
    async def connect(self) -> None: ...

    async def send(self, commands: Sequence[Words]) -> list[Any]:
        """Send all at once, and return the replies, with errors among them."""
        ...

    async def close(self) -> None: ...


_CONNECT_TIMEOUTS = 4
"""Connecting may take so many timeouts: it takes several round trips (TLS, a password, ...), and no call waits for it."""


_MAX_REPLY_BYTES = 32 * 1024 * 1024
"""Of one reply."""
_TOO_LONG = f"a reply of Redis is longer than {_MAX_REPLY_BYTES} bytes"


class RedisConnection:
    """A round trip that takes longer than the timeout fails. After `close` the next one opens a new connection."""

    def __init__(self, url: str, *, timeout: float, cluster: bool) -> None:
        self._backend = _backend(url, timeout, cluster)
        self._timeout = timeout
        self._is_connected = False
        self._scripts: Mapping[str, Script] = scripts()

    async def pipeline(self, commands: Sequence[Command]) -> list[Any]:
        """Send all commands at once, and return their replies. Raise an error among them when all have been run."""
        calls = [self._call(command) for command in commands]
        replies = await self._send(calls)
        # Redis was restarted, or its scripts were flushed: then none of these commands was run.
        unknown = [i for i, reply in enumerate(replies) if _is_unknown_script(reply)]
        if unknown:
            await self._load()
            for i, reply in zip(unknown, await self._send([calls[i] for i in unknown]), strict=True):
                replies[i] = reply
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
        return replies

    async def _send(self, calls: Sequence[Words]) -> list[Any]:
        if not self._is_connected:
            async with asyncio.timeout(self._timeout * _CONNECT_TIMEOUTS):
                await self._backend.connect()
            self._is_connected = True
        async with asyncio.timeout(self._timeout):
            return await self._backend.send(calls)

    def _call(self, command: Command) -> Words:
        return ("EVALSHA", self._scripts[command.script].sha, len(command.keys), *command.keys, *command.arguments)

    async def _load(self) -> None:
        """Load all scripts on every server."""
        for reply in await self._send([("SCRIPT", "LOAD", script.text) for script in self._scripts.values()]):
            if isinstance(reply, Exception):
                raise reply

    async def close(self) -> None:
        self._is_connected = False
        with contextlib.suppress(Exception):
            async with asyncio.timeout(self._timeout):
                await self._backend.close()


def _is_unknown_script(reply: Any) -> bool:
    return isinstance(reply, Exception) and (
        type(reply).__name__ == "NoScriptError" or str(reply).startswith("NOSCRIPT")
    )


class _Single:
    """One connection to one server. A client's own pipeline would do the same in twice the time."""

    def __init__(self, client: Any, response_error: type[Exception]) -> None:
        self._client = client
        self._response_error = response_error
        self._connection: Any = None

    async def connect(self) -> None:
        self._connection = self._client.connection_pool.make_connection()
        await self._connection.connect()

    async def send(self, commands: Sequence[Words]) -> list[Any]:
        await self._connection.send_packed_command(self._connection.pack_commands(commands), check_health=False)
        return [await self._reply() for _ in commands]

    async def _reply(self) -> Any:
        try:
            return await self._connection.read_response()
        except self._response_error as error:
            return error

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect(nowait=True)
        await self._client.aclose()


def _bounded(parser: Any) -> Any:
    """Return a parser of redis-py that refuses replies over `_MAX_REPLY_BYTES`: redis-py keeps all of a reply until it is
    complete."""

    class Bounded(parser):  # type: ignore[misc]
        _stream: Any

        def on_connect(self, connection: Any) -> None:
            super().on_connect(connection)
            self._stream = _BoundedReader(self._stream)

        async def read_response(self, *arguments: Any, **options: Any) -> Any:
            self._stream.left = _MAX_REPLY_BYTES
            return await super().read_response(*arguments, **options)

    return Bounded


class _BoundedReader:
    """Counts what is read from a stream for one reply."""

    def __init__(self, stream: asyncio.StreamReader) -> None:
        self._stream = stream
        self.left = _MAX_REPLY_BYTES

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    async def read(self, size: int) -> bytes:
        return self._counted(await self._stream.read(size))

    async def readline(self) -> bytes:
        return self._counted(await self._stream.readline())

    async def readexactly(self, size: int) -> bytes:
        if size > self.left:  # asyncio would keep as much
            raise ConnectionError(_TOO_LONG)
        return self._counted(await self._stream.readexactly(size))

    def _counted(self, data: bytes) -> bytes:
        self.left -= len(data)
        if self.left < 0:
            raise ConnectionError(_TOO_LONG)
        return data


class _Cluster:
    """Many servers. The client knows where keys are."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def connect(self) -> None:
        await self._client.initialize()

    async def send(self, commands: Sequence[Words]) -> list[Any]:
        if commands[0][0] == "SCRIPT":
            # A pipeline cannot send it to all servers.
            return [await self._client.script_load(text) for _, _, text in commands]
        pipeline = self._client.pipeline()
        for command in commands:
            pipeline.execute_command(*command)
        replies: list[Any] = await pipeline.execute(raise_on_error=False)
        return replies

    async def close(self) -> None:
        await self._client.aclose()


def address_fault(url: str) -> str | None:
    """Return what the client of Redis cannot read in an address; None: nothing, or the client is not installed."""
    try:
        from redis.asyncio.connection import Connection, SSLConnection, UnixDomainSocketConnection, parse_url
    except ImportError:
        return None
    kinds: dict[str, Any] = {"redis": Connection, "rediss": SSLConnection, "unix": UnixDomainSocketConnection}
    try:
        options: dict[str, Any] = dict(parse_url(url))
        kind = options.pop("connection_class", None) or kinds[url.partition(":")[0].lower()]
        kind(**options)
    except (ValueError, TypeError) as error:
        # "... got an unexpected keyword argument 'soket_timeout'": names of options, and no values.
        return str(error).rpartition("__init__() ")[2].splitlines()[0]
    return None


def _backend(url: str, timeout: float, cluster: bool) -> Backend:
    try:
        from redis.asyncio import Redis, RedisCluster
        from redis.asyncio.connection import DefaultParser
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
        from redis.exceptions import ResponseError
    except ImportError as missing:
        raise ConfigError(f"a shared store in Redis needs the package redis: {install_command('redis')}") from missing
    # No retries, as callers are to learn within the timeout that there is no answer; and no timeouts but ours, as each of the
    # client's costs a task.
    options: dict[str, Any] = {
        "socket_timeout": None,
        "socket_connect_timeout": timeout * _CONNECT_TIMEOUTS,
        "retry": Retry(NoBackoff(), 0),
    }
    parser = _bounded(DefaultParser)
    try:
        if cluster:
            cluster_client = RedisCluster.from_url(url, **options)
            nodes = cluster_client.nodes_manager
            of_nodes = [node.connection_kwargs for node in nodes.startup_nodes.values()]
            for own in (nodes.connection_kwargs, *of_nodes):  # `from_url` takes no parser for a cluster
                own["parser_class"] = parser
            return _Cluster(cluster_client)
        return _Single(Redis.from_url(url, **options, parser_class=parser), ResponseError)
    except ValueError as wrong:
        raise ConfigError(f"the address of Redis cannot be read: {wrong}") from wrong
