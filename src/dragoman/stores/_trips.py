"""The way to Redis: one round trip at a time, which takes along everything that is waiting."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from dragoman.errors import ConfigError
from dragoman.stores._commands import Command, Script, scripts

__all__ = ["Trips"]


class Trips:
    """A connection. A trip that takes longer than the timeout fails, and the next one begins on a new connection."""

    def __init__(self, url: str, *, timeout: float, cluster: bool) -> None:
        self._client = _client(url, timeout, cluster)
        self._timeout = timeout
        self._scripts: Mapping[str, Script] = scripts()

    async def make(self, commands: Sequence[Command]) -> list[Any]:
        """Send all commands at once, and give their replies. An error in any of them is raised when all have been run."""
        async with asyncio.timeout(self._timeout):
            replies = await self._send(commands)
            unknown = [i for i, reply in enumerate(replies) if _is_unknown_script(reply)]
            if unknown:
                await self._load()
                for i, reply in zip(unknown, await self._send([commands[i] for i in unknown]), strict=True):
                    replies[i] = reply
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
        return replies

    async def _send(self, commands: Sequence[Command]) -> list[Any]:
        pipeline = self._client.pipeline(transaction=False)
        for command in commands:
            sha = self._scripts[command.script].sha
            pipeline.execute_command("EVALSHA", sha, len(command.keys), *command.keys, *command.arguments)
        replies: list[Any] = await pipeline.execute(raise_on_error=False)
        return replies

    async def _load(self) -> None:
        for script in self._scripts.values():
            await self._client.script_load(script.text)

    async def hang_up(self) -> None:
        """Close all connections; another trip opens one."""
        with contextlib.suppress(Exception):
            async with asyncio.timeout(self._timeout):
                await self._client.aclose()


def _is_unknown_script(reply: Any) -> bool:
    return isinstance(reply, Exception) and (
        type(reply).__name__ == "NoScriptError" or str(reply).startswith("NOSCRIPT")
    )


def _client(url: str, timeout: float, cluster: bool) -> Any:
    try:
        from redis.asyncio import Redis, RedisCluster
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
    except ImportError as missing:
        raise ConfigError("a shared store in Redis needs the package redis: pip install 'dragoman[redis]'") from missing
    # No retries: who waits for a trip is to hear within the timeout that there is no answer.
    retry = Retry(NoBackoff(), 0)
    kind: Any = RedisCluster if cluster else Redis
    try:
        return kind.from_url(url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=retry)
    except ValueError as wrong:
        raise ConfigError(f"the address of Redis cannot be read: {wrong}") from wrong
