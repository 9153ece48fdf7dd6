"""Processes pinned to one core, and what they cost. Linux only: it reads /proc."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Cores", "Running", "cores", "free_port", "started"]

_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cores:
    """One for what is measured, one for what loads it and for the upstream; the same where there is only one."""

    subject: int
    load: int


def cores() -> Cores:
    found = sorted(os.sched_getaffinity(0))
    return Cores(found[-1], found[0])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Running:
    process: subprocess.Popen[bytes]
    ready_seconds: float

    def pids(self) -> list[int]:
        """The process and everything that it started."""
        found = [self.process.pid]
        for pid in found:
            with contextlib.suppress(OSError):
                for thread in Path(f"/proc/{pid}/task").iterdir():
                    found += [int(child) for child in (thread / "children").read_text().split()]
        return found

    def cpu_seconds(self) -> float:
        ticks = 0
        for pid in self.pids():
            with contextlib.suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
        return ticks / _TICK

    def rss_megabytes(self) -> float:
        kilobytes = 0
        for pid in self.pids():
            with contextlib.suppress(OSError, IndexError):
                kilobytes += int(Path(f"/proc/{pid}/status").read_text().partition("VmRSS:")[2].split()[0])
        return kilobytes / 1024


@contextlib.contextmanager
def started(command: Sequence[str], core: int, health: str, *, patience: float = 20) -> Iterator[Running]:
    """`command` on `core`, once `health` answers; ended when left."""
    begin = time.monotonic()
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )
    try:
        while not _answers(health):
            if process.poll() is not None or time.monotonic() - begin > patience:
                raise RuntimeError(f"{command[0]} does not answer at {health}")
            time.sleep(0.01)
        yield Running(process, time.monotonic() - begin)
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
