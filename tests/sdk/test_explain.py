"""`Router.explain`: what would happen to a call of the SDK, and what its result then says of the attempts."""

from __future__ import annotations

import json
from typing import Any

import pytest

import dragoman
from tests.routing.upstream import Upstream

HELLO = [{"role": "user", "content": "Hello"}]
KEY = "sk-canary-of-the-sdk"


def entry(upstream: Upstream, name: str, model: str, provider: str = "openai") -> dict[str, Any]:
    params = {"model": f"{provider}/{model}", "api_base": upstream.base(provider), "api_key": KEY}
    return {"model_name": name, "litellm_params": params}


@pytest.mark.parametrize("provider", ["openai", "anthropic", "gemini"])
async def test_what_is_explained_is_what_the_result_tells(upstream: Upstream, provider: str) -> None:
    models = [entry(upstream, "smart", "sim[error=500]", provider), entry(upstream, "backup", "sim", provider)]
    router = dragoman.Router(models, fallbacks=[{"smart": ["backup"]}], num_retries=0)
    explained = await router.aexplain("smart", HELLO, max_tokens=50)
    assert isinstance(explained, dragoman.Explanation)
    assert (explained.chosen, explained.refusal, explained.stream) == ("smart:0", None, False)
    assert [target.deployment for target in explained.plans[0].fallbacks] == ["backup:0"]
    assert (await router.aexplain("smart", HELLO, stream=True)).stream
    assert upstream.calls == []
    assert KEY not in json.dumps(explained.as_dict())
    answer = await router.acompletion("smart", HELLO, max_tokens=50)
    hidden = answer._hidden_params
    assert hidden["fallback"] == "backup"
    first, second = hidden["attempts"]
    assert (first.deployment, first.alias, first.status, first.error) == (
        explained.chosen,
        "smart",
        500,
        "InternalServerError",
    )
    assert (second.deployment, second.alias, second.error) == ("backup:0", "backup", None)
    assert first.why == explained.why
    await router.aclose()


def test_without_an_event_loop(upstream: Upstream) -> None:
    router = dragoman.Router([entry(upstream, "smart", "sim")])
    assert router.explain("smart", HELLO).chosen == "smart:0"
    with pytest.raises(dragoman.BadRequestError):
        router.explain("smart", HELLO, temperature="hot")  # type: ignore[arg-type]
    router.close()
    assert upstream.calls == []
