"""The simulator in a thread of this process: real sockets, and its own notes of every call at hand."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn

from dragoman.credentials import ApiKey
from dragoman.providers import Provider, Providers
from dragoman.routing import CallOptions, Clock, Deployment
from dragoman.simulator import app
from dragoman.simulator.call_log import ObservedCall

__all__ = ["PATHS", "Stillness", "Upstream", "eventually", "running_upstream", "soon"]

PATHS = {"openai": "/v1", "anthropic": "", "gemini": "/v1beta"}
"""Provider -> where the simulator plays it."""


class Upstream:
    def __init__(self, port: int) -> None:
        self.simulator = app()
        self.address = f"http://127.0.0.1:{port}"

    @property
    def calls(self) -> list[ObservedCall]:
        return self.simulator.call_log.calls

    @property
    def last(self) -> dict[str, Any]:
        return self.simulator.call_log.last or {}

    def base(self, provider: str) -> str:
        return self.address + PATHS[provider]

    def deployment(
        self, alias: str, model: str, *, provider: str = "openai", number: int = 0, **more: Any
    ) -> Deployment:
        """One whose model's name may hold faults: `sim[error=500]`. They are asked in the order of their numbers."""
        more.setdefault("order", number)
        options = CallOptions(api_base=self.base(provider), api_key="sk-" + "secret" * 4, **more.pop("options", {}))
        record = Providers().find(provider)
        return Deployment(id=f"{alias}:{number}", alias=alias, provider=record, model=model, options=options, **more)

    def provider(self, name: str, like: str = "openai") -> Provider:
        """Another provider that speaks like a known one."""
        return Provider(
            name=name,
            base_url=self.base(like),
            endpoints=Providers().find(like).endpoints,
            credential=ApiKey(optional=True),
        )


@contextlib.contextmanager
def running_upstream() -> Iterator[Upstream]:
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", 0))
        upstream = Upstream(listening.getsockname()[1])
        config = uvicorn.Config(upstream.simulator, log_level="critical", timeout_graceful_shutdown=1, loop="asyncio")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],), name="simulator")
        thread.start()
        try:
            eventually(lambda: server.started)
            yield upstream
        finally:
            server.should_exit = True
            thread.join(10)


def eventually(condition: Callable[[], object], seconds: float = 5.0) -> None:
    """Wait until `condition` holds; fail when it does not."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


async def soon(condition: Callable[[], object], seconds: float = 5.0) -> None:
    """The same for a test with an event loop, which goes on meanwhile."""
    await asyncio.to_thread(eventually, condition, seconds)


class Stillness:
    """A clock whose sleeps are noted and skipped, and whose chance always says the same. `frozen`: no other time passes, however
    busy the machine is."""

    def __init__(self, chance: float = 0.5, *, frozen: bool = False) -> None:
        self._frozen = (time.monotonic(), time.time()) if frozen else None
        self.slept: list[float] = []
        self._skipped = 0.0
        self.clock = Clock(monotonic=self._now, time=self._wall, sleep=self._sleep, random=lambda: chance)

    def _now(self) -> float:
        return (time.monotonic() if self._frozen is None else self._frozen[0]) + self._skipped

    def _wall(self) -> float:
        return (time.time() if self._frozen is None else self._frozen[1]) + self._skipped

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._skipped += seconds
