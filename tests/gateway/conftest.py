"""A client for the gateway's tests."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from dragoman.gateway.logs import setup
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


@pytest.fixture
def _loggers_as_they_were() -> Iterator[None]:
    names = (*setup._LOGGERS, "dragoman.gateway.requests")
    before = [(one := logging.getLogger(name), one.handlers, one.propagate, one.level) for name in names]
    yield
    for logger, handlers, propagate, level in before:
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)
