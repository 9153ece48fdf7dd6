"""The process that serves: its socket, its signals, and its shutdown."""

from __future__ import annotations

import gc
import logging
import signal
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn

from dragoman.errors import ConfigError
from dragoman.gateway.app import Gateway
from dragoman.gateway.http.connection import Connection
from dragoman.gateway.wording import counted

__all__ = ["address_of", "bind", "serve"]

_log = logging.getLogger("dragoman.gateway")
_BACKLOG = 2048
_IDLE_SECONDS = 75
"""Longer than the minute after which load balancers and clients give an idle connection up, so that none is closed by us
in the moment in which it is used again."""
_GARBAGE = 10_000
"""Objects that are made before young ones are looked through for cycles. Python's own 700 is less than what the requests under way
hold, which would be looked through again and again."""


def bind(host: str, port: int) -> socket.socket:
    """Return the socket to listen on. Raise `ConfigError` where that is not possible."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigError(f"cannot listen on {host}: {error.strerror}") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise ConfigError(f"cannot listen on {host}:{port}: {error.strerror}") from None
    return listener


def address_of(listener: socket.socket, host: str = "") -> str:
    """Return the URL at which a socket listens; `host` is the name to show instead of its number."""
    number, port = listener.getsockname()[:2]
    shown = host or number
    return f"http://{'[' + shown + ']' if ':' in shown else shown}:{port}"


def serve(gateway: Gateway, listener: socket.socket, ready: Callable[[], None]) -> bool:
    """Serve until SIGTERM or SIGINT; then running requests may end for `drain_seconds`. False: it could not start."""
    config = uvicorn.Config(
        gateway,
        loop="uvloop",
        http=Connection,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=gateway.config.drain_seconds,  # type: ignore[arg-type]
    )
    server = _Server(config, gateway, ready)
    server.run(sockets=[listener])
    return server.started


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, gateway: Gateway, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._gateway = gateway
        self._ready = ready
        self._signal: signal.Signals | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.started:
            return
        # What is here now stays: the collector need not look through it ever again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(_GARBAGE)
        config = self._gateway.config
        _log.info(
            "listening on %s, %s, %s",
            ", ".join(address_of(one) for one in sockets or ()),
            counted(len({deployment.alias for deployment in config.deployments}), "alias", "aliases"),
            counted(len(config.deployments), "deployment"),
        )
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        name = self._signal.name if self._signal is not None else "told to stop"
        running = counted(len(self.server_state.tasks), "call")
        _log.info("%s: no new connections, %s may take %g s more", name, running, self._gateway.config.drain_seconds)
        await super().shutdown(sockets)
        _log.info("stopped")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal drains, a second Ctrl+C does not wait. Not left to uvicorn, which in the end raises the signal once
        more, so that even a proper end would look like a death."""
        # Nothing is logged here: a signal may come in the middle of another line.
        self._signal = self._signal or signal.Signals(sig)
        self._gateway.health.draining = True
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.should_exit = True
