"""A client for the gateway's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.gateway.serving import KEY


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    """A caller with the right key."""
    async with aiohttp.ClientSession(headers={"authorization": f"Bearer {KEY}"}) as session:
        yield session


@pytest.fixture
async def stranger() -> AsyncIterator[aiohttp.ClientSession]:
    """A caller without any key."""
    async with aiohttp.ClientSession() as session:
        yield session
