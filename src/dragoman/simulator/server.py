"""Serve the simulator over HTTP."""

from __future__ import annotations

import socket
import sys

from dragoman.simulator.app import SimulatorSettings, app

__all__ = ["serve"]

_BACKLOG = 2048


def serve(settings: SimulatorSettings | None = None, *, host: str = "127.0.0.1", port: int = 4010) -> None:
    """Serve until told to stop (SIGINT, SIGTERM). Raise OSError if the address cannot be listened on."""
    import uvicorn

    listener = _bind(host, port)

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            _announce(listener)

    # `critical`: a connection that is cut on purpose is no news.
    config = uvicorn.Config(app(settings), log_level="critical", access_log=False, timeout_graceful_shutdown=1)
    try:
        Server(config).run(sockets=[listener])
    except KeyboardInterrupt:  # uvicorn raises once more what it was stopped by
        return


def _bind(host: str, port: int) -> socket.socket:
    """Return a listening socket. uvicorn would report a failure only to its log, which is off here."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _announce(listener: socket.socket) -> None:
    name, port = listener.getsockname()[:2]
    address = f"http://{f'[{name}]' if ':' in name else name}:{port}"
    where = f"OpenAI: {address}/v1, Anthropic: {address}, Gemini: {address}/v1beta"
    sys.stdout.write(f"simulated providers listen on {address} ({where})\n")
    sys.stdout.flush()
