"""Real processes on free ports: the simulator and the gateway, as a user starts them."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any, NamedTuple

__all__ = ["Reply", "ask", "free_port", "running"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(*arguments: str, health: str, patience: float = 20) -> Iterator[str]:
    """The address of `dragoman <arguments> --port <free>`, for as long as it is entered."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "dragoman", *arguments, "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(process, address + health, patience)
        yield address
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], url: str, patience: float) -> None:
    end = time.monotonic() + patience
    while True:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except (urllib.error.URLError, OSError):
            if process.poll() is not None:
                raise RuntimeError(f"{process.args!r} ended with {process.returncode}") from None
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.raw)


_KEYS = {"authorization": "Bearer key", "x-api-key": "key", "x-goog-api-key": "key", "anthropic-version": "2023-06-01"}


def ask(url: str, body: Any = None, headers: dict[str, str] | None = None, *, method: str = "POST") -> Reply:
    """One request, with every provider's key; `body` may be bytes that are no JSON."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    named = {"content-type": "application/json"} | _KEYS | (headers or {})
    request = urllib.request.Request(
        url, data=data, headers={name: value for name, value in named.items() if value}, method=method
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return Reply(response.status, {k.lower(): v for k, v in response.headers.items()}, response.read())
    except urllib.error.HTTPError as error:
        with error:
            return Reply(error.code, {k.lower(): v for k, v in error.headers.items()}, error.read())
