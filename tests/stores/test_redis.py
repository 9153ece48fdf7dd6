"""The store of many processes, on a real Redis or Valkey, alone and as a cluster."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.stores.contract import StoreContract
from tests.stores.places import Place, in_redis, resilient
from tests.upstreams.redis_server import RedisServer


class TestRedis(StoreContract):
    @pytest.fixture
    async def place(self, redis_server: RedisServer) -> AsyncIterator[Place]:
        async with in_redis(redis_server.url) as place:
            yield place


class TestRedisCluster(StoreContract):
    @pytest.fixture
    async def place(self, redis_cluster: RedisServer) -> AsyncIterator[Place]:
        async with in_redis(redis_cluster.url, cluster=True) as place:
            yield place


class TestResilient(StoreContract):
    @pytest.fixture
    async def place(self, redis_server: RedisServer) -> AsyncIterator[Place]:
        async with resilient(redis_server.url) as place:
            yield place
