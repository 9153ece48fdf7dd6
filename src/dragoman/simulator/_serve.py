"""Serving the simulator over HTTP."""

from __future__ import annotations

from dragoman.simulator.app import Settings, app

__all__ = ["serve"]


def serve(settings: Settings | None = None, *, host: str = "127.0.0.1", port: int = 4010) -> None:
    """Serves until it is told to stop (SIGINT, SIGTERM)."""
    import uvicorn

    # `critical`: a connection that is cut on purpose is no news.
    uvicorn.run(
        app(settings), host=host, port=port, log_level="critical", access_log=False, timeout_graceful_shutdown=1
    )
