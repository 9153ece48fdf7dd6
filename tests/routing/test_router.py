"""Where calls go, against real sockets: attempts, waits, fallbacks, and what is told about them."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import pytest

from dragoman import errors
from dragoman.observe import AttemptEnded, CallFailed, CallSucceeded, Event
from dragoman.providers import Providers
from dragoman.routing import Answer, Call, CallOptions, CallRouter, Deployment, StreamAnswer
from dragoman.types.operations import CHAT, OPERATIONS
from tests.routing.upstream import Stillness, Upstream
from tests.upstreams.raw import answer, serve, serving

HELLO = [{"role": "user", "content": "Hello"}]
Make = Callable[..., CallRouter]


def chat(model: str, *, stream: bool = False, **options: Any) -> Call:
    request = {"model": model, "messages": HELLO, **options.pop("request", {})}
    return Call(operation=CHAT, model=model, request=request, stream=stream, options=CallOptions(**options))


async def text_of(answer: Answer | StreamAnswer) -> str:
    if isinstance(answer, Answer):
        return str(answer.response["choices"][0]["message"]["content"])
    batches = [batch async for batch in answer.batches]
    chunks = [chunk for batch in batches for chunk in batch if chunk["choices"]]
    return "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("provider", ["openai", "anthropic", "gemini"])
async def test_three_dialects_answer(upstream: Upstream, make: Make, provider: str, stream: bool) -> None:
    router = make(upstream.deployment("smart", "sim", provider=provider))
    answer = await router.answer(chat("smart", stream=stream))
    assert "Hello" in await text_of(answer)
    assert (answer.provider, answer.model) == (provider, "sim")
    assert answer.usage is not None
    assert answer.usage["prompt_tokens"] > 0
    assert answer.usage["completion_tokens"] > 0
    assert [attempt.error for attempt in answer.attempts] == [None]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("retries", [0, 1, 3])
async def test_a_failing_provider_is_asked_once_and_num_retries_times(
    upstream: Upstream, make: Make, retries: int, stream: bool
) -> None:
    still = Stillness()
    router = make(upstream.deployment("smart", "sim[error=500]"), clock=still.clock)
    with pytest.raises(errors.InternalServerError) as caught:
        await router.answer(chat("smart", stream=stream, num_retries=retries))
    assert len(upstream.calls) == 1 + retries == len(caught.value.attempts)
    assert still.slept == pytest.approx([0.25 * 2**number for number in range(retries)], abs=0.02)


async def test_the_settings_say_how_often_and_a_deployment_may_say_otherwise(upstream: Upstream, make: Make) -> None:
    failing = upstream.deployment("smart", "sim[error=503]")
    own = upstream.deployment("own", "sim[error=503]", options={"num_retries": 4})
    router = make(failing, own, clock=Stillness().clock, settings={"num_retries": 1})
    for alias, attempts in (("smart", 2), ("own", 5)):
        upstream.simulator.call_log.reset()
        with pytest.raises(errors.ServiceUnavailableError):
            await router.answer(chat(alias))
        assert len(upstream.calls) == attempts


async def test_what_fails_once_is_answered_in_the_end(upstream: Upstream, make: Make) -> None:
    router = make(upstream.deployment("smart", "sim[error=500;times=2]"), clock=Stillness().clock)
    answer = await router.answer(chat("smart"))
    assert [attempt.error for attempt in answer.attempts] == ["InternalServerError", "InternalServerError", None]
    assert [attempt.status for attempt in answer.attempts] == [500, 500, None]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
async def test_what_would_fail_again_is_not_asked_again(upstream: Upstream, make: Make, status: int) -> None:
    router = make(upstream.deployment("smart", f"sim[error={status}]"))
    with pytest.raises(errors.APIStatusError) as caught:
        await router.answer(chat("smart", num_retries=3))
    assert len(upstream.calls) == 1
    assert caught.value.status_code == status


async def test_retry_after_is_waited_for(upstream: Upstream, make: Make) -> None:
    still = Stillness()
    router = make(upstream.deployment("smart", "sim[error=429;retry-after=7;times=1]"), clock=still.clock)
    await router.answer(chat("smart"))
    assert still.slept == pytest.approx([7], abs=0.05)


@pytest.mark.parametrize("limits", [{"timeout": 5.0}, {"longest_wait": 5.0}])
async def test_a_longer_wait_than_there_is_time_for_is_an_answer(
    upstream: Upstream, make: Make, limits: dict[str, float]
) -> None:
    still = Stillness()
    router = make(upstream.deployment("smart", "sim[error=429;retry-after=7]"), clock=still.clock, settings=limits)
    with pytest.raises(errors.RateLimitError) as caught:
        await router.answer(chat("smart"))
    assert still.slept == []
    assert len(upstream.calls) == 1
    assert caught.value.retry_after == 7


async def test_another_deployment_is_asked_at_once(upstream: Upstream, make: Make) -> None:
    still = Stillness()
    router = make(
        upstream.deployment("smart", "good", number=0, order=2),
        upstream.deployment("smart", "sim[error=429;retry-after=30]", number=1, order=1),
        clock=still.clock,
    )
    answer = await router.answer(chat("smart"))
    assert [attempt.deployment for attempt in answer.attempts] == ["smart:1", "smart:0"]
    assert still.slept == []


async def test_deployments_share_one_budget(upstream: Upstream, make: Make) -> None:
    deployments = [upstream.deployment("smart", "sim[error=500]", number=number) for number in range(3)]
    router = make(*deployments, clock=Stillness().clock)
    with pytest.raises(errors.InternalServerError) as caught:
        await router.answer(chat("smart", num_retries=4))
    asked = [attempt.deployment for attempt in caught.value.attempts]
    assert sorted(asked) == ["smart:0", "smart:0", "smart:1", "smart:1", "smart:2"]
    assert asked[:3] == ["smart:0", "smart:1", "smart:2"]


@pytest.mark.parametrize("stream", [False, True])
async def test_fallbacks_cross_dialects(upstream: Upstream, make: Make, stream: bool) -> None:
    router = make(
        upstream.deployment("smart", "sim[error=401]", provider="anthropic"),
        upstream.deployment("backup", "sim[error=529]", provider="gemini"),
        upstream.deployment("last", "sim"),
        settings={"fallbacks": {"smart": ("backup", "last")}, "num_retries": 0},
    )
    answer = await router.answer(chat("smart", stream=stream))
    assert "Hello" in await text_of(answer)
    assert [(attempt.provider, attempt.status) for attempt in answer.attempts] == [
        ("anthropic", 401),
        ("gemini", 529),
        ("openai", None),
    ]


async def test_when_all_fail_the_callers_own_model_is_told_about(upstream: Upstream, make: Make) -> None:
    router = make(
        upstream.deployment("smart", "sim[error=500]"),
        upstream.deployment("backup", "sim[error=401]"),
        settings={"default_fallbacks": ("backup",), "num_retries": 0},
    )
    with pytest.raises(errors.InternalServerError) as caught:
        await router.answer(chat("smart"))
    assert [attempt.deployment for attempt in caught.value.attempts] == ["smart:0", "backup:0"]
    assert caught.value.message.startswith("smart (openai): ")


async def test_a_call_brings_its_own_fallbacks(upstream: Upstream, make: Make) -> None:
    router = make(
        upstream.deployment("smart", "sim[error=500]"),
        upstream.deployment("backup", "sim"),
        settings={"num_retries": 0},
    )
    own = ({"model": "backup", "temperature": 0.25, "metadata": {"a": 1}},)
    answer = await router.answer(chat("smart", fallbacks=own, request={"temperature": 1.0}))
    assert len(answer.attempts) == 2
    assert upstream.last["body"]["temperature"] == 0.25
    assert "metadata" not in upstream.last["body"]


@pytest.mark.parametrize(("error", "table"), [("context", "context_window"), ("filter", "content_policy")])
async def test_refused_contents_go_to_fallbacks_of_their_own(
    upstream: Upstream, make: Make, error: str, table: str
) -> None:
    deployments = [
        upstream.deployment("smart", f"sim[error={error}]"),
        upstream.deployment("special", "sim"),
        upstream.deployment("other", "sim"),
    ]
    settings: dict[str, Any] = {"fallbacks": {"smart": ("other",)}, f"{table}_fallbacks": {"smart": ("special",)}}
    answer = await make(*deployments, settings=settings).answer(chat("smart"))
    assert [attempt.deployment for attempt in answer.attempts] == ["smart:0", "special:0"]


async def test_a_bad_request_is_bad_everywhere(upstream: Upstream, make: Make) -> None:
    router = make(
        upstream.deployment("smart", "sim[error=400]"),
        upstream.deployment("smart", "sim", number=1),
        upstream.deployment("backup", "sim"),
        settings={"fallbacks": {"smart": ("backup",)}},
    )
    with pytest.raises(errors.BadRequestError):
        await router.answer(chat("smart"))
    assert len(upstream.calls) == 1


async def test_a_callers_key_and_private_parameters_stay_with_their_provider(upstream: Upstream, make: Make) -> None:
    router = make(upstream.deployment("backup", "sim", provider="anthropic"), settings={"num_retries": 0})
    answer = await router.answer(
        chat(
            "openai/sim[error=500]",
            api_key="sk-mine",
            api_base=upstream.base("openai"),
            extra_body={"private": 1},
            extra_headers={"x-private": "1"},
            fallbacks=("backup",),
        )
    )
    assert answer.provider == "anthropic"
    assert "sk-mine" not in str(upstream.last)
    assert "private" not in str(upstream.last)
    assert answer.dropped == ("extra_headers", "extra_body")


async def test_a_remote_caller_cannot_say_where_a_key_is_sent(upstream: Upstream, make: Make) -> None:
    router = make(upstream.deployment("smart", "sim"), allow_unlisted=False)
    with pytest.raises(errors.BadRequestError) as caught:
        await router.answer(chat("smart", fallbacks=({"model": "smart", "api_base": "http://127.0.0.1:1"},)))
    assert caught.value.param == "fallbacks.api_base"
    with pytest.raises(errors.NotFoundError):
        await router.answer(chat("openai/gpt-4o", api_key="sk-x"))
    assert upstream.calls == []


async def test_errors_name_the_deployment_and_never_the_key(upstream: Upstream, make: Make) -> None:
    deployment = upstream.deployment("smart", "sim[error=401]")
    with pytest.raises(errors.AuthenticationError) as caught:
        await make(deployment).answer(chat("smart"))
    error = caught.value
    assert str(error).startswith("smart (openai): ")
    assert (error.provider, error.model) == ("openai", "sim[error=401]")
    assert deployment.options.api_key is not None
    assert deployment.options.api_key not in f"{error!r} {error.body} {error.attempts}"


async def test_a_deployments_parameters_stand_under_the_callers(upstream: Upstream, make: Make) -> None:
    params = {"temperature": 0.1, "top_p": 0.2, "max_tokens": 5}
    router = make(upstream.deployment("smart", "sim", params=params, options={"extra_body": {"seed": 3}}))
    await router.answer(chat("smart", request={"temperature": 0.9, "max_completion_tokens": 7}, extra_query={"q": "1"}))
    body = upstream.last["body"]
    assert (body["temperature"], body["top_p"], body["seed"]) == (0.9, 0.2, 3)
    assert [value for name, value in body.items() if name.startswith("max_")] == [7]
    assert upstream.last["query"] == {"q": "1"}


async def test_what_cannot_be_expressed_is_refused_or_reported(upstream: Upstream, make: Make) -> None:
    router = make(upstream.deployment("smart", "sim", provider="anthropic"))
    asked = {"frequency_penalty": 0.5}
    with pytest.raises(errors.UnsupportedParamsError) as caught:
        await router.answer(chat("smart", request=asked))
    assert (caught.value.param, caught.value.provider) == ("frequency_penalty", "anthropic")
    answer = await router.answer(chat("smart", request=asked, drop_params=True))
    assert answer.dropped == ("frequency_penalty",)


async def test_a_wildcard_serves_every_model_that_fits(upstream: Upstream, make: Make) -> None:
    router = make(upstream.deployment("openai/*", "*"), upstream.deployment("ours-*", "sim-*"), allow_unlisted=False)
    for model, asked in (("openai/gpt-9", "gpt-9"), ("ours-x", "sim-x")):
        answer = await router.answer(chat(model))
        assert answer.model == asked
        assert upstream.last["body"]["model"] == asked


@pytest.mark.parametrize("turned", [False, True])
async def test_of_several_wildcards_the_one_that_says_most_serves(upstream: Upstream, make: Make, turned: bool) -> None:
    patterns = ["*", "openai/*", "openai/gpt-?", "openai/gpt-*"][:: -1 if turned else 1]
    router = make(
        *(upstream.deployment(pattern, "sim") for pattern in patterns), upstream.deployment("openai/gpt-x", "sim")
    )
    asked = ["openai/gpt-x", "openai/gpt-10", "openai/o9", "mistral/m"]
    first = "openai/gpt-*:0" if turned else "openai/gpt-?:0"
    expected = ["openai/gpt-x:0", "openai/gpt-*:0", "openai/*:0", "*:0", first]
    answers = [await router.answer(chat(model)) for model in (*asked, "openai/gpt-9")]
    assert [answer.attempts[0].deployment for answer in answers] == expected


async def test_everything_is_told_once(upstream: Upstream, make: Make) -> None:
    heard: list[Event] = []

    def broken(event: Event) -> None:
        raise RuntimeError("a listener's own mistake")

    router = make(
        upstream.deployment("smart", "sim[error=500;times=1]"),
        clock=Stillness().clock,
        listeners=(broken, heard.append),
    )
    answer = await router.answer(dataclasses.replace(chat("smart", stream=True), request_id="req_1"))
    assert [type(event) for event in heard] == [AttemptEnded, AttemptEnded]
    await text_of(answer)
    [told] = heard[2:]
    assert isinstance(told, CallSucceeded)
    record = told.record
    assert (record.request_id, record.model, record.operation, record.stream) == ("req_1", "smart", "chat", True)
    assert (record.alias, record.fallback, record.deployment, record.error) == ("smart", "", "smart:0", "")
    assert (record.provider, record.answered_model, len(record.attempts)) == ("openai", answer.model, 2)
    assert (record.usage, record.cost) == (answer.usage, answer.cost)
    assert answer.usage is not None
    heard.clear()
    with pytest.raises(errors.APIError):
        await router.answer(dataclasses.replace(chat("nothing/here"), request_id="req_2"))
    [failed] = heard
    assert isinstance(failed, CallFailed)
    assert (failed.request_id, failed.record.model, failed.record.alias) == ("req_2", "nothing/here", "")
    assert (failed.record.error, failed.record.attempts, failed.record.provider) == ("BadRequestError", [], "")


async def test_operations_beside_chat(upstream: Upstream, make: Make) -> None:
    router = make(
        upstream.deployment("openai", "sim"),
        upstream.deployment("claude", "sim", provider="anthropic"),
        upstream.deployment("gemini", "sim", provider="gemini"),
    )

    async def ask(operation: str, alias: str, request: dict[str, Any]) -> Any:
        answer = await router.answer(
            Call(operation=OPERATIONS[operation], model=alias, request={"model": alias, **request})
        )
        assert isinstance(answer, Answer)
        return answer.response

    for alias in ("openai", "gemini"):
        vectors = await ask("embedding", alias, {"input": ["one", "two"]})
        assert [row["index"] for row in vectors["data"]] == [0, 1]
    with pytest.raises(errors.NotFoundError, match="anthropic offers no embeddings"):
        await ask("embedding", "claude", {"input": ["one"]})
    for alias, estimated in (("openai", True), ("claude", False), ("gemini", False)):
        count = await ask("count_tokens", alias, {"chat": {"messages": HELLO}})
        assert count["input_tokens"] > 0
        assert count["estimated"] is estimated
    for alias in ("openai", "claude", "gemini"):
        text = await ask("text_completion", alias, {"prompt": "Hello", "max_tokens": 50})
        assert "Hello" in text["choices"][0]["text"]


async def test_a_bad_request_ends_a_call_that_had_failed_elsewhere(upstream: Upstream, make: Make) -> None:
    still = Stillness()
    deployments = (
        upstream.deployment("smart", "sim[error=500]"),
        upstream.deployment("smart", "sim[error=400]", number=1),
    )
    with pytest.raises(errors.BadRequestError):
        await make(*deployments, clock=still.clock).answer(chat("smart", num_retries=5))
    assert len(upstream.calls) == 2
    assert still.slept == []


async def test_a_moment_to_come_again_counts_from_now_where_the_answer_has_no_date(make: Make) -> None:
    moment = formatdate(time.time() + 3600, usegmt=True)
    limited = answer(b"{}", status="429 Too Many Requests", headers=(f"retry-after: {moment}",))
    async with serving(serve(limited)) as upstream:
        options = CallOptions(api_base=upstream.url, api_key="sk-x")
        record = Providers().find("openai")
        router = make(Deployment(id="smart:0", alias="smart", provider=record, model="sim", options=options))
        with pytest.raises(errors.RateLimitError) as caught:
            await router.answer(chat("smart"))
    assert caught.value.retry_after == pytest.approx(3600, abs=30)


async def test_a_request_that_is_too_deep_for_json_is_refused(upstream: Upstream, make: Make) -> None:
    deep: Any = "x"
    for _ in range(5000):
        deep = {"a": deep}
    tools = [{"type": "function", "function": {"name": "f", "parameters": deep}}]
    router = make(upstream.deployment("smart", "sim", tpm=10), upstream.deployment("smart", "sim", number=1))
    with pytest.raises(errors.BadRequestError):
        await router.answer(chat("smart", request={"tools": tools}))
    assert not upstream.calls
