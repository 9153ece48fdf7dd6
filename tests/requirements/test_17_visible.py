"""Requirement 17: whole, streamed and failed answers list every attempt; what is out is shown with its reason and its end."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import orjson
import pytest

from tests.requirements.serving import CALLERS, MODELS, asked, gateway
from tests.requirements.test_08_fallbacks import OTHER, listed
from tests.upstreams.faulty import faulty, well

CELLS = list(itertools.product(CALLERS, (False, True)))
SHORT = {"timeout": 3}
"""No time to wait until it is over."""


def rows(reply: aiohttp.ClientResponse) -> list[tuple[str, str | None, int | None]]:
    """Deployment, class and status of every attempt that the headers tell."""
    found: list[dict[str, Any]] = orjson.loads(reply.headers["x-dragoman-attempt-log"])
    assert reply.headers["x-dragoman-attempts"] == str(len(found))
    assert all(isinstance(row["ms"], int) for row in found)
    return [(row["deployment"], row.get("error"), row.get("status")) for row in found]


@contextlib.asynccontextmanager
async def failing(fault: str, provider: str, *, backup: str = "") -> AsyncIterator[str]:
    """A gateway whose `m` has a fault, and whose `backup` is well, or has one too."""
    other = OTHER[provider]
    async with (
        faulty(fault, provider) as first,
        faulty(backup, other) if backup else well(other) as second,
        gateway(
            [listed("m", first), listed("backup", second)],
            router_settings={"num_retries": 0, "fallbacks": [{"m": ["backup"]}]},
        ) as here,
    ):
        yield here


@pytest.mark.parametrize("provider", MODELS)
async def test_answers_and_streams_list_every_attempt(client: aiohttp.ClientSession, provider: str) -> None:
    async with failing("500", provider) as here:
        for number, (caller, stream) in enumerate(CELLS):
            path, body = asked(caller, stream=stream)
            async with client.post(here + path, json=body) as reply:
                assert reply.status == 200
                assert reply.headers["x-dragoman-fallback"] == "backup"
                if number < 3:  # then it is known to be down
                    assert rows(reply) == [("m:0", "InternalServerError", 500), ("backup:0", None, None)]


@pytest.mark.parametrize("provider", MODELS)
async def test_errors_list_every_attempt(client: aiohttp.ClientSession, provider: str) -> None:
    for caller, stream in CELLS:
        async with failing("429 with retry-after", provider, backup="503") as here:
            path, body = asked(caller, stream=stream)
            async with client.post(here + path, json=body) as reply:
                assert reply.status == 429
                assert reply.headers["retry-after"] == "7"
                assert rows(reply) == [("m:0", "RateLimitError", 429), ("backup:0", "ServiceUnavailableError", 503)]


@pytest.mark.parametrize(
    ("fault", "what", "reason", "seconds"),
    [
        ("401", "credential", "401 AuthenticationError", 60),
        ("404", "deployment", "404 NotFoundError", 5),
        ("429 with retry-after", "deployment", "429 RateLimitError", 7),
    ],
)
@pytest.mark.parametrize("provider", MODELS)
async def test_who_is_out_is_shown(
    client: aiohttp.ClientSession, provider: str, fault: str, what: str, reason: str, seconds: float
) -> None:
    async with failing(fault, provider) as here:
        async with client.get(f"{here}/cooldowns") as reply:
            assert (await reply.json())["cooldowns"] == []
        path, body = asked("openai")
        async with client.post(here + path, json=body) as reply:
            assert reply.status == 200
        async with client.get(f"{here}/cooldowns") as reply:
            shown = (await reply.json())["cooldowns"]
        assert [(row["deployment"], row["what"], row["reason"]) for row in shown] == [("m:0", what, reason)]
        assert shown[0]["until"] == pytest.approx(shown[0]["since"] + seconds)
        assert shown[0]["until"] > time.time()
        async with client.get(f"{here}/v1/routing/state") as reply:
            known = (await reply.json())["deployments"]
        assert known["m"][0]["cooldown"] == shown[0]
        assert known["backup"][0]["cooldown"] is None


async def test_nobody_else_sees_it(client: aiohttp.ClientSession) -> None:
    async with failing("401", "openai") as here, aiohttp.ClientSession() as stranger:
        for page in ("/cooldowns", "/v1/routing/state"):
            async with stranger.get(here + page) as reply:
                assert reply.status == 401


async def test_each_429_says_when_to_come_again(client: aiohttp.ClientSession) -> None:
    """Also where nobody was asked, as the deployment is known to be at its limit."""
    async with (
        faulty("429 with retry-after", "openai") as upstream,
        gateway([listed("m", upstream)], router_settings=SHORT) as here,
    ):
        for caller, stream in CELLS:
            path, body = asked(caller, stream=stream)
            async with client.post(here + path, json=body) as reply:
                assert reply.status == 429
                assert 0 < int(reply.headers["retry-after"]) <= 7
