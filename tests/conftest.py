"""What every test gets: no sockets but loopback, and the recordings."""

from __future__ import annotations

import gc
import ipaddress
import socket
from collections.abc import Iterator
from typing import Any

import pytest


def pytest_collection_finish() -> None:
    """All tests and recordings that were collected stay to the end. Would the collector look through them, time limits of tests
    ran out meanwhile."""
    gc.collect()
    gc.freeze()


def _is_loopback(host: object) -> bool:
    if host in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True)
def _only_loopback(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Connecting to anywhere but loopback fails the test."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(address[0]):
            raise AssertionError(f"a test tried to reach {address[0]}")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
    yield


@pytest.fixture(autouse=True)
def _recordings_must_be_there(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("missing_recordings"):
        pytest.fail("the recordings are missing, and CI=true says that they must be there")
