# ruff: noqa: SIM117 - servers outside, calls inside
"""The list of models as each SDK wants it."""

from __future__ import annotations

import aiohttp
import anthropic
import openai
import pytest
from google import genai

from tests.gateway.serving import KEY, Upstream, gateway, model, serving

ALIASES = {"router_settings": {"model_group_alias": {"gpt-4": "smart"}}}


@pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")  # Google's own
async def test_the_official_sdks_read_it() -> None:
    async with serving(Upstream()) as there:
        models = [model(there), model(there, "a/b:c"), model(there, "openai/*")]
        async with gateway(models, **ALIASES) as here:
            async with openai.AsyncOpenAI(base_url=f"{here}/v1", api_key=KEY) as of_openai:
                listed = [item async for item in of_openai.models.list()]
                assert [item.id for item in listed] == ["smart", "a/b:c", "gpt-4"]
                assert {item.owned_by for item in listed} == {"openai"}
                assert (await of_openai.models.retrieve("a/b:c")).id == "a/b:c"
            async with anthropic.AsyncAnthropic(base_url=here, api_key=KEY) as of_anthropic:
                assert [item.id async for item in of_anthropic.models.list()] == ["smart", "a/b:c", "gpt-4"]
                assert (await of_anthropic.models.retrieve("smart")).display_name == "smart"
            for version in ("v1beta", "v1"):
                of_google = genai.Client(api_key=KEY, http_options={"base_url": here, "api_version": version}).aio
                names = [item.name async for item in await of_google.models.list()]
                assert names == ["models/smart", "models/a/b:c", "models/gpt-4"]
                one = await of_google.models.get(model="smart")
                assert one.display_name == "smart"
                assert {"generateContent", "countTokens", "embedContent"} <= set(one.supported_actions or ())
                await of_google.aclose()


async def test_an_unknown_model_is_a_404(client: aiohttp.ClientSession) -> None:
    async with serving(Upstream()) as there, gateway([model(there)]) as here:
        async with client.get(f"{here}/v1/models/gone") as reply:
            assert (reply.status, (await reply.json())["error"]["code"]) == (404, "model_not_found")
