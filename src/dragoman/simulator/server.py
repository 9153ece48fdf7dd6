"""Serving the simulator over HTTP."""

from __future__ import annotations

import socket
import sys

from dragoman.simulator.app import SimulatorSettings, app

__all__ = ["serve"]


def serve(settings: SimulatorSettings | None = None, *, host: str = "127.0.0.1", port: int = 4010) -> None:
    """Serves until it is told to stop (SIGINT, SIGTERM)."""
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            for server in self.servers:
                for listener in server.sockets:
                    _announce(listener)

    # `critical`: a connection that is cut on purpose is no news.
    config = uvicorn.Config(
        app(settings), host=host, port=port, log_level="critical", access_log=False, timeout_graceful_shutdown=1
    )
    try:
        Server(config).run()
    except KeyboardInterrupt:  # uvicorn raises once more what it was stopped by
        return


def _announce(listener: socket.socket) -> None:
    name, port = listener.getsockname()[:2]
    address = f"http://{f'[{name}]' if ':' in name else name}:{port}"
    where = f"OpenAI: {address}/v1, Anthropic: {address}, Gemini: {address}/v1beta"
    sys.stdout.write(f"simulated providers listen on {address} ({where})\n")
    sys.stdout.flush()
