"""The load: an own small HTTP/1.1 client, in a process of its own. `python -m bench.load <json>` prints what it measured as JSON.

Closed: every connection asks again as soon as it was answered. Paced: requests are due at fixed times, and the latency counts from
when a request was due, so that a server that falls behind cannot hide it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["Load", "Measured"]


@dataclass(frozen=True)
class Load:
    """`rate`: requests per second, 0 for a closed loop."""

    port: int
    path: str
    headers: dict[str, str]
    body: str
    connections: int
    seconds: float
    rate: float = 0.0


@dataclass
class Measured:
    requests: int = 0
    errors: int = 0
    chunks: int = 0
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)

    def report(self) -> dict[str, Any]:
        ordered = sorted(self.latencies) or [0.0]
        return {
            "requests": self.requests,
            "errors": self.errors,
            "chunks": self.chunks,
            "seconds": self.seconds,
            "p50": ordered[len(ordered) // 2],
            "p99": ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))],
        }


def _request(load: Load) -> bytes:
    data = load.body.encode()
    headers = {"host": "127.0.0.1", "content-type": "application/json", "content-length": str(len(data))} | load.headers
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {load.path} HTTP/1.1\r\n{head}\r\n".encode() + data


class _Connection:
    def __init__(self, load: Load, measured: Measured) -> None:
        self.load, self.measured, self.request = load, measured, _request(load)
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter

    async def open(self) -> None:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.load.port, limit=2**20)

    async def ask(self, due: float) -> None:
        self.writer.write(self.request)
        head = await self.reader.readuntil(b"\r\n\r\n")
        lowered = head.lower()
        length = lowered.partition(b"content-length:")[2]
        if length:
            await self.reader.readexactly(int(length.split(b"\r\n", 1)[0]))
        else:
            await self._chunked()
        if head[9:12] != b"200":
            self.measured.errors += 1
        self.measured.requests += 1
        self.measured.latencies.append(time.perf_counter() - due)

    async def _chunked(self) -> None:
        while True:
            size = int((await self.reader.readline()).split(b";")[0], 16)
            data = await self.reader.readexactly(size + 2)
            if size == 0:
                return
            self.measured.chunks += data.count(b"\ndata:") + data.startswith(b"data:")


async def _closed(load: Load, measured: Measured) -> None:
    end = time.perf_counter() + load.seconds

    async def one() -> None:
        connection = _Connection(load, measured)
        await connection.open()
        while (now := time.perf_counter()) < end:
            await connection.ask(now)
        connection.writer.close()

    await asyncio.gather(*(one() for _ in range(load.connections)))


async def _paced(load: Load, measured: Measured) -> None:
    idle: asyncio.Queue[_Connection] = asyncio.Queue()
    for _ in range(load.connections):
        connection = _Connection(load, measured)
        await connection.open()
        idle.put_nowait(connection)
    start, running = time.perf_counter(), set()

    async def one(due: float) -> None:
        connection = await idle.get()
        await connection.ask(due)
        idle.put_nowait(connection)

    for number in range(int(load.rate * load.seconds)):
        due = start + number / load.rate
        if (wait := due - time.perf_counter()) > 0.0005:
            await asyncio.sleep(wait)
        task = asyncio.ensure_future(one(due))
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.gather(*running)


async def run(load: Load) -> Measured:
    measured = Measured()
    start = time.perf_counter()
    await (_paced if load.rate else _closed)(load, measured)
    measured.seconds = time.perf_counter() - start
    return measured


def main() -> None:
    start = asyncio.run
    with contextlib.suppress(ImportError):
        import uvloop

        start = uvloop.run
    print(json.dumps(start(run(Load(**json.loads(sys.argv[1])))).report()))


def as_argument(load: Load) -> str:
    return json.dumps(asdict(load))


if __name__ == "__main__":
    main()
