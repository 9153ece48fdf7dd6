"""Requirement 19: every error that a provider can give has OpenAI's word, its status and its wait, whoever is asked or asks."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

import dragoman
from dragoman import exceptions
from dragoman.simulator import app
from tests.requirements.serving import BASES, CALLERS, KEY, MODELS, asked, deployment, in_front_of, serving

# the simulator's fault -> class, status to OpenAI's callers, code
FAULTS: dict[str, tuple[type[dragoman.APIError], int, str]] = {
    "400": (exceptions.BadRequestError, 400, "invalid_request_error"),
    "401": (exceptions.AuthenticationError, 401, "invalid_api_key"),
    "403": (exceptions.PermissionDeniedError, 403, "permission_denied"),
    "404": (exceptions.NotFoundError, 404, "model_not_found"),
    "429": (exceptions.RateLimitError, 429, "rate_limit_exceeded"),
    "500": (exceptions.InternalServerError, 500, "server_error"),
    "503": (exceptions.ServiceUnavailableError, 503, "service_unavailable"),
    "context": (exceptions.ContextWindowExceededError, 400, "context_length_exceeded"),
}
WAIT = 7


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("provider", MODELS)
async def test_through_the_gateway_and_from_the_sdk(client: aiohttp.ClientSession, provider: str, stream: bool) -> None:
    faults = [(provider, {"alias": fault, "fault": f"error={fault}; retry-after={WAIT}"}) for fault in FAULTS]

    async def tell(here: str, fault: str, caller: str) -> None:
        _, status, code = FAULTS[fault]
        path, body = asked(caller, model=fault, stream=stream)
        async with client.post(here + path, json=body) as reply:
            error = (await reply.json())["error"]
            wait = reply.headers.get("retry-after")
        expected = 529 if caller == "anthropic" and status == 503 else status
        assert reply.status == expected, (fault, caller, error)
        assert code in str(error), (fault, caller, error)
        if caller == "openai":
            assert error["code"] == code
        if fault == "429":
            assert wait == str(WAIT)
        assert f"{fault} ({provider})" in error["message"], "the deployment is named"

    async with in_front_of(*faults) as (here, _):
        for fault in FAULTS:  # all callers at once: who comes after a 429 waits for its end
            await asyncio.gather(*(tell(here, fault, caller) for caller in CALLERS))


@pytest.mark.parametrize("provider", MODELS)
async def test_from_the_sdk_directly_and_through_the_gateway(provider: str) -> None:
    """`dragoman` pointed at a gateway raises what it raises where it asks the provider itself."""
    faults = [(provider, {"alias": fault, "fault": f"error={fault}; retry-after={WAIT}"}) for fault in FAULTS]

    async def raised(model: str, base: str, key: str) -> Any:
        with pytest.raises(dragoman.APIError) as caught:
            await dragoman.acompletion(
                model, [{"role": "user", "content": "hi"}], api_base=base, api_key=key, num_retries=0
            )
        return caught.value

    async with in_front_of(*faults) as (here, _), serving(app()) as there:
        for fault, (kind, status, code) in FAULTS.items():
            params = deployment(there, provider, fault=f"error={fault}; retry-after={WAIT}")["litellm_params"]
            directly = await raised(params["model"], there + BASES[provider], "k" * 9)
            through = await raised(f"openai/{fault}", f"{here}/v1", KEY)
            for error in (directly, through):
                assert type(error) is kind, (fault, error)
                assert (error.status_code, error.code) == (status, code)
            if fault == "429":
                assert directly.retry_after == through.retry_after == WAIT
