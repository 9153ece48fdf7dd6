"""Routes by what a call is like."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from dragoman.errors import ConfigError
from dragoman.routing import Call, CallOptions, CallRouter, Deployment, RouterSettings
from dragoman.routing.choice.routes import matching_route
from dragoman.routing.settings.routes import parse_routes
from dragoman.types.operations import OPERATIONS
from tests.routing.upstream import Stillness, Upstream

PICTURE = {"type": "image_url", "image_url": {"url": "https://pictures.example/a.png"}}
TOOL = {"type": "function", "function": {"name": "look"}}


def chat(model: str = "smart", *, stream: bool = False, operation: str = "chat", **said: Any) -> Call:
    options = CallOptions(metadata=said.pop("metadata", {}))
    request = {"model": model, "messages": [{"role": "user", "content": said.pop("content", "Hello")}], **said}
    return Call(operation=OPERATIONS[operation], model=model, request=request, stream=stream, options=options)


def fits(condition: dict[str, Any], call: Call) -> bool:
    routes = parse_routes([{"if": condition, "use": "there"}], "routes")
    return matching_route(routes, call) is not None


@pytest.mark.parametrize(
    ("condition", "yes", "no"),
    [
        ({"model": "smart"}, chat(), chat("other")),
        ({"model": ["a", "gpt-*"]}, chat("gpt-9"), chat("smart")),
        ({"tokens_above": 1000}, chat(content="word " * 2000), chat()),
        ({"tokens_below": 1000}, chat(), chat(content="word " * 2000)),
        ({"tools": True}, chat(tools=[TOOL]), chat()),
        ({"tools": False}, chat(), chat(tools=[TOOL])),
        ({"images": True}, chat(content=[PICTURE]), chat()),
        ({"stream": True}, chat(stream=True), chat()),
        ({"schema": True}, chat(response_format={"type": "json_schema", "json_schema": {}}), chat()),
        ({"operation": "chat"}, chat(), chat(operation="text_completion")),
        ({"tags": ["a", "b"]}, chat(metadata={"tags": ["b", "c"]}), chat(metadata={"tags": ["c"]})),
        ({"metadata.plan": "pro"}, chat(metadata={"plan": "pro"}), chat(metadata={"plan": "free"})),
        ({"metadata.plan": ["pro", "team"]}, chat(metadata={"plan": "team"}), chat()),
        ({"metadata.a.b": 1}, chat(metadata={"a": {"b": 1}}), chat(metadata={"a": {"b": True}})),
        ({"metadata.beta": True}, chat(metadata={"beta": True}), chat(metadata={"beta": 1})),
        ({"team": "red"}, chat(metadata={"user_api_key_team_id": "red"}), chat(metadata={"user_api_key_team_id": "x"})),
        ({"key": "k"}, chat(metadata={"user_api_key_alias": "k"}), chat()),
        ({"user": "u"}, chat(metadata={"user": "u"}), chat(metadata={"user": "v"})),
        ({"tools": True, "stream": True}, chat(tools=[TOOL], stream=True), chat(tools=[TOOL])),
    ],
)
def test_each_condition(condition: dict[str, Any], yes: Call, no: Call) -> None:
    assert fits(condition, yes)
    assert not fits(condition, no)


def test_what_the_gateway_knows_of_a_team_wins_over_what_the_caller_says() -> None:
    metadata = {"user_api_key_team_id": "blue", "team": "red"}
    assert not fits({"team": "red"}, chat(metadata=metadata))
    assert fits({"team": "blue"}, chat(metadata=metadata))


@pytest.mark.parametrize("words", [100, 300, 999, 1001, 3000, 20_000])
def test_near_a_limit_it_is_counted(words: int) -> None:
    """One token a word, which the length alone does not tell."""
    call = chat(content="I " * words)
    assert fits({"tokens_above": 1000}, call) is not fits({"tokens_below": 1001}, call)


def test_the_first_that_fits_decides_and_no_call_is_routed_twice() -> None:
    said = [
        {"if": {"stream": True, "tools": True}, "use": "both"},
        {"if": {"stream": True}, "use": "smart"},
        {"if": {"tools": True}, "use": "able"},
    ]
    routes = parse_routes(said, "routes")

    def goes(**more: Any) -> str:
        found = matching_route(routes, chat(**more))
        return "as said" if found is None else found.use

    assert goes(stream=True, tools=[TOOL]) == "both"
    assert goes(stream=True) == "as said"
    assert goes(tools=[TOOL]) == "able"
    assert goes() == "as said"


@pytest.mark.parametrize(
    ("said", "lines"),
    [
        ({"if": {}}, ["routes: expected a list"]),
        ([7], ["routes[0]: expected a mapping"]),
        ([{"if": {}, "use": "x"}], ["routes[0].if: expected at least one condition"]),
        ([{"use": "x"}], ["routes[0].if: expected a mapping"]),
        ([{"if": {"stream": True}}], ["routes[0].use: expected a text"]),
        ([{"if": {"strem": True}, "use": "x"}], ["routes[0].if.strem: unknown condition (did you mean 'stream'?)"]),
        ([{"if": {"stream": "yes"}, "use": "x"}], ["routes[0].if.stream: expected true or false"]),
        ([{"if": {"operation": "chats"}, "use": "x"}], ["routes[0].if.operation: unknown operation; known are chat"]),
        ([{"if": {"tokens_above": -1}, "use": "x"}], ["routes[0].if.tokens_above: expected a whole number"]),
        ([{"if": {"metadata.a": {}}, "use": "x"}], ["routes[0].if.metadata.a: expected a text, a number"]),
        ([{"if": {"stream": True}, "then": 1, "use": "x"}], ["routes[0].then: unknown key"]),
        ([{"if": {"model": "x", "stream": True}, "use": "x"}], ["routes[0].use: a loop"]),
        (
            [{"if": {"stream": 1, "tools": "no"}, "use": ""}, {"if": {"a": 1}, "use": "x"}],
            ["routes[0].if.stream", "routes[0].if.tools", "routes[0].use", "routes[1].if.a"],
        ),
    ],
)
def test_what_is_wrong_is_refused_with_its_path(said: Any, lines: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_routes(said, "routes")
    told = caught.value.message.splitlines()
    assert len(told) == len(lines)
    for line, start in zip(told, lines, strict=True):
        assert line.startswith(start)


# --- in a router


@pytest.fixture
async def make() -> AsyncIterator[Callable[..., CallRouter]]:
    made: list[CallRouter] = []

    def router(*deployments: Deployment, routes: list[dict[str, Any]], **more: Any) -> CallRouter:
        settings = RouterSettings(routes=parse_routes(routes, "routes"), **more)
        made.append(CallRouter(deployments, settings=settings, clock=Stillness().clock, allow_unlisted=False))
        return made[-1]

    yield router
    for each in made:
        await each.aclose()


async def test_a_call_goes_where_its_route_leads_and_then_to_that_models_fallbacks(
    upstream: Upstream, make: Callable[..., CallRouter]
) -> None:
    router = make(
        upstream.deployment("smart", "sim"),
        upstream.deployment("big", "sim[error=500]"),
        upstream.deployment("spare", "sim"),
        routes=[{"if": {"model": "smart", "tokens_above": 1000}, "use": "big"}],
        fallbacks={"big": ("spare",)},
        num_retries=0,
    )
    short = await router.answer(chat())
    assert [attempt.alias for attempt in short.attempts] == ["smart"]
    long = await router.answer(chat(content="word " * 2000))
    assert [attempt.alias for attempt in long.attempts] == ["big", "spare"]
    assert long.attempts[0].why == "routes[0] sends it to big; the only deployment"
    assert len(upstream.calls) == 3


async def test_a_name_that_only_routes_know_is_answered(upstream: Upstream, make: Callable[..., CallRouter]) -> None:
    router = make(upstream.deployment("smart", "sim"), routes=[{"if": {"model": "auto"}, "use": "smart"}])
    answer = await router.answer(chat("auto"))
    assert [attempt.alias for attempt in answer.attempts] == ["smart"]


async def test_a_callers_own_key_does_not_follow_a_route_to_another_provider(
    upstream: Upstream, make: Callable[..., CallRouter]
) -> None:
    router = make(
        upstream.deployment("smart", "sim"),
        upstream.deployment("other", "sim", provider="anthropic"),
        routes=[{"if": {"tools": True}, "use": "other"}],
    )
    call = chat(tools=[TOOL])
    call.options = CallOptions(api_key="sk-" + "callers" * 3)
    answer = await router.answer(call)
    assert answer.provider == "anthropic"
    assert upstream.last["headers"]["x-api-key"] == "sk-" + "secret" * 4
    at_home = chat()
    at_home.options = call.options
    await router.answer(at_home)
    assert upstream.last["headers"]["authorization"] == "Bearer sk-" + "callers" * 3


def test_a_route_that_leads_nowhere_is_refused_at_once(upstream: Upstream, make: Callable[..., CallRouter]) -> None:
    with pytest.raises(ConfigError, match=r"routes\[0\]\.use: the model 'nowhere' does not exist"):
        make(upstream.deployment("smart", "sim"), routes=[{"if": {"stream": True}, "use": "nowhere"}])
