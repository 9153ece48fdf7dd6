"""Who cannot take a call: each check by itself, and through real sockets with what follows where nobody can."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest

from dragoman import errors
from dragoman.models import Catalogue, tally_tokens, tokens_lower_bound
from dragoman.routing import Answer, Call, CallOptions, CallRouter, Deployment, RouterSettings
from dragoman.routing.admission.refusal import no_deployment_error
from dragoman.routing.selection import Choice, NoDeployment
from dragoman.routing.settings.checks import CheckPolicy
from dragoman.routing.settings.table import router_settings
from dragoman.state import Outage, View
from dragoman.types.operations import CHAT
from tests.routing.choosing import NOW, asked_of, chance_of, deployment, group_of
from tests.routing.upstream import Stillness, Upstream

EMPTY = View()
TAGS = CheckPolicy(tags=True)
WINDOW = CheckPolicy(window=True)
PICTURE = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://pictures.example/a.png"}}]}]
Make = Callable[..., CallRouter]


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    """Routers that are closed at the end."""
    made: list[CallRouter] = []

    def router(*deployments: Deployment, **settings: Any) -> CallRouter:
        made.append(CallRouter(deployments, settings=RouterSettings(**settings), clock=Stillness().clock))
        return made[-1]

    yield router
    for router_made in made:
        await router_made.aclose()


def left(deployments: list[Deployment], policy: CheckPolicy, request: Any = None, **options: Any) -> set[int]:
    """The numbers of those that may be asked."""
    group = group_of(deployments, policy=policy)
    found: set[int] = set()
    for chance in (0.01, 0.3, 0.5, 0.7, 0.99):
        choice = group.choose(asked_of(group, request, random=chance_of(chance), **options), EMPTY)
        if isinstance(choice, Choice):
            found.add(int(choice.member.deployment.id.partition(":")[2]))
    return found


def refused(deployments: list[Deployment], policy: CheckPolicy, request: Any = None, **options: Any) -> NoDeployment:
    group = group_of(deployments, policy=policy)
    found = group.choose(asked_of(group, request, **options), EMPTY)
    assert isinstance(found, NoDeployment)
    return found


# --- tags

TAGGED = [
    deployment(0, tags=("free",)),
    deployment(1, tags=("paid", "fast")),
    deployment(2, tags=("default",)),
    deployment(3),
]


@pytest.mark.parametrize(
    ("tags", "any_is_enough", "expected"),
    [
        (["free"], True, {0}),
        (["free", "fast"], True, {0, 1}),
        (["free", "fast"], False, {2}),
        (["paid", "fast"], False, {1}),
        (["unknown"], True, {2}),
        ([], True, {2}),
        (["!free"], True, {2}),
        (["!default"], True, {0, 1, 3}),
        (["paid", "!fast"], True, {2}),
        (["&fast"], True, {1}),
        (["&fast", "free"], True, set()),
        (["&nowhere"], True, set()),
    ],
)
def test_tags_choose_as_litellms_do(tags: list[str], any_is_enough: bool, expected: set[int]) -> None:
    policy = replace(TAGS, match_any=any_is_enough)
    assert left(TAGGED, policy, metadata={"tags": tags}) == expected


def test_without_deployments_for_everybody_untagged_calls_go_anywhere_and_unknown_tags_nowhere() -> None:
    found = TAGGED[:2]
    assert left(found, TAGS) == {0, 1}
    nobody = refused(found, TAGS, metadata={"tags": ["unknown"]})
    assert nobody.error is errors.PermissionDeniedError
    assert nobody.skipped[0].reason == "tags: its tags do not fit 'unknown'"


def test_tags_mean_nothing_unless_it_is_said() -> None:
    assert left(TAGGED, CheckPolicy(), metadata={"tags": ["free"]}) == {0, 1, 2, 3}


def test_a_client_may_be_known_by_its_name() -> None:
    found = [deployment(0, tag_regex=(r"^User-Agent: claude-code/",)), deployment(1, tags=("default",))]
    assert left(found, TAGS, metadata={"user_agent": "claude-code/1.2"}) == {0}
    assert left(found, TAGS, metadata={"user_agent": "curl/8"}) == {1}
    assert left(found, TAGS) == {1}


@pytest.mark.parametrize("agent", [{"name": "curl"}, ["curl"], 5])
def test_a_client_whose_name_is_no_text_is_not_known(agent: Any) -> None:
    found = [deployment(0, tags=("cli",), tag_regex=("curl",)), deployment(1, tags=("default",))]
    assert left(found, TAGS, metadata={"user_agent": agent}) == {1}


def test_what_callers_make_up_is_not_kept() -> None:
    group = group_of([deployment(0, tags=("a",)), deployment(1, tags=("a",))], policy=TAGS)
    for number in range(40):
        group.choose(asked_of(group, metadata={"tags": ["a", f"{number}" * 10_000]}), EMPTY)
    assert group._all_healthy.eligible == {}
    group.choose(asked_of(group, metadata={"tags": ["a"]}), EMPTY)
    assert len(group._all_healthy.eligible) == 1


# --- region, data policy, blocked


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({}, {0, 1, 2, 3}),
        ({"region": "eu"}, {0, 1}),
        ({"allowed_model_region": "us"}, {2}),
        ({"region": ["eu-west-1", "us-east-1"]}, {0, 2}),
        ({"data_residency": "EU"}, {0, 1}),
        ({"region": "asia"}, set()),
    ],
)
def test_a_region_is_kept_and_an_unknown_one_is_none(metadata: dict[str, Any], expected: set[int]) -> None:
    regions = ("eu-west-1", "europe-west4", "us-east-1", None)
    found = [deployment(number, region=region) for number, region in enumerate(regions)]
    assert left(found, CheckPolicy(), metadata=metadata) == expected


def test_of_several_words_for_a_region_all_hold() -> None:
    found = [deployment(0, region="eu-west-1"), deployment(1, region="us-east-1")]
    assert left(found, CheckPolicy(), metadata={"allowed_model_region": "us", "data_residency": "eu"}) == set()
    said = {"allowed_model_region": ["eu", "us"], "data_residency": "eu"}
    assert left(found, CheckPolicy(), metadata=said) == {0}


@pytest.mark.parametrize("name", ["allowed_model_region", "region", "data_residency", "data_policy"])
@pytest.mark.parametrize("said", [{"zdr": True}, 5, True, ["eu", 5]])
async def test_a_demand_that_nobody_understands_is_not_dropped(
    upstream: Upstream, make: Make, name: str, said: Any
) -> None:
    router = make(upstream.deployment("smart", "sim"), upstream.deployment("smart", "sim", number=1))
    with pytest.raises(
        errors.BadRequestError, match=rf"metadata\.{name}: expected a text or a list of texts"
    ) as caught:
        await router.answer(chat("smart", metadata={name: said}))
    assert (caught.value.param, len(upstream.calls)) == (f"metadata.{name}", 0)
    assert (await router.answer(chat("smart", metadata={name: []}))).attempts


@pytest.mark.parametrize("said", [{"paid": True}, 5])
async def test_tags_that_are_none_are_refused(upstream: Upstream, make: Make, said: Any) -> None:
    tagged = upstream.deployment("smart", "sim", tags=("paid",)), upstream.deployment("smart", "sim", number=1)
    router = make(*tagged, checks=CheckPolicy(tags=True))
    with pytest.raises(errors.BadRequestError, match=r"metadata\.tags: expected a text or a list of texts"):
        await router.answer(chat("smart", metadata={"tags": said}))
    assert not upstream.calls


def test_the_region_of_all_calls_is_narrowed_and_never_widened() -> None:
    found = [
        deployment(number, region=region) for number, region in enumerate(("eu-west-1", "eu-north-1", "us-east-1"))
    ]
    eu = router_settings({"allowed_model_region": "eu"}).checks
    assert left(found, eu) == {0, 1}
    assert left(found, eu, metadata={"region": "eu-west-1"}) == {0}
    assert left(found, eu, metadata={"region": "us"}) == set()
    assert refused(found[2:], eu).error is errors.PermissionDeniedError


def test_a_data_policy_demands_all_its_tags() -> None:
    found = [deployment(0, tags=("zdr", "eu")), deployment(1, tags=("zdr", "default")), deployment(2)]
    assert left(found, CheckPolicy(), metadata={"data_policy": ["zdr", "eu"]}) == {0}
    assert left(found, CheckPolicy(), metadata={"data_policy": "zdr"}) == {0, 1}
    nobody = refused(found[1:], CheckPolicy(), metadata={"data_policy": ["zdr", "eu"]})
    assert nobody.error is errors.PermissionDeniedError
    assert "'eu', 'zdr'" in nobody.skipped[1].reason


def test_what_is_blocked_is_not_asked() -> None:
    assert left([deployment(0, blocked=True), deployment(1)], CheckPolicy()) == {1}
    assert refused([deployment(0, blocked=True)], CheckPolicy()).error is errors.PermissionDeniedError


# --- abilities


def test_only_those_that_can_see_get_pictures() -> None:
    found = [deployment(0, "o3-mini"), deployment(1, "gpt-4.1"), deployment(2, "unheard-of")]
    assert left(found, CheckPolicy(), {"messages": PICTURE}) == {1, 2}
    assert left(found, CheckPolicy(), {"messages": PICTURE}, allowed_openai_params=("vision",)) == {0, 1, 2}
    assert left(found, CheckPolicy()) == {0, 1, 2}


def test_where_nobody_can_the_error_says_what_is_missing() -> None:
    nobody = refused([deployment(0, "o3-mini"), deployment(1, "gpt-3.5-turbo")], CheckPolicy(), {"messages": PICTURE})
    error = no_deployment_error("smart", nobody, NOW)
    assert type(error) is errors.UnsupportedAbilityError
    assert (error.status_code, error.code) == (400, "unsupported_ability")
    assert "messages[0].content[0] needs vision" in error.message


def test_one_that_could_but_is_out_is_waited_for() -> None:
    group = group_of([deployment(0, "o3-mini"), deployment(1, "gpt-4.1")])
    outages = {"smart:1": Outage("429", "RateLimitError", NOW, NOW + 3)}
    nobody = group.choose(asked_of(group, {"messages": PICTURE}), View(outages=outages))
    assert isinstance(nobody, NoDeployment)
    assert (nobody.error, nobody.ready, nobody.is_limited) == (None, NOW + 3, True)


# --- context window


def words(count: int) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "word " * count}]}


def narrow(number: int, window: int | None, model: str = "gpt-4.1") -> Deployment:
    row = Catalogue().find("openai", "gpt-4.1")
    assert row is not None
    return deployment(number, model, entry=replace(row, model=model, max_input_tokens=window, context_window=window))


def test_what_fits_is_asked_and_what_cannot_fit_is_not() -> None:
    found = [narrow(0, 2000), narrow(1, 100_000), narrow(2, None)]
    assert left(found, WINDOW) == {0, 1, 2}
    assert left(found, WINDOW, words(10_000)) == {1, 2}
    assert left(found, WINDOW, words(300_000)) == {2}
    assert left(found, CheckPolicy(), words(300_000)) == {0, 1, 2}


@pytest.mark.parametrize("model", ["gpt-4.1", "some-model"])
def test_a_limit_is_not_refused_by_less_than_is_known(model: str) -> None:
    request = words(5000)
    tally = tally_tokens(request["messages"], model=model)
    assert left([narrow(0, tally.tokens, model)], WINDOW, request) == {0}
    assert left([narrow(0, int(tally.tokens * 0.8), model)], WINDOW, request) == set()
    if not tally.exact:  # an estimate is not believed to the last token
        assert left([narrow(0, int(tally.tokens * 0.95), model)], WINDOW, request) == {0}


@pytest.mark.parametrize("count", [10, 400, 5000, 60_000])
def test_nobody_is_refused_for_less_than_the_least_that_the_request_holds(count: int) -> None:
    request = words(count)
    least = tokens_lower_bound(request, provider="openai", model="gpt-4.1")
    exact = tally_tokens(request["messages"], model="gpt-4.1").tokens
    for window in (least // 2, least, exact - 1, exact, exact * 2):
        if window > 0 and left([narrow(0, window)], WINDOW, request) == set():
            assert exact > window


def test_only_one_prompt_fills_a_window() -> None:
    texts = {"input": ["word " * 900] * 50}
    assert left([narrow(0, 1000)], WINDOW, texts, operation="embedding") == {0}
    counting = {"chat": words(10_000)}
    assert left([narrow(0, 1000)], WINDOW, counting, operation="count_tokens") == {0}
    for prompt, expected in (("word " * 5000, set()), (["word " * 900] * 5, {0})):
        assert left([narrow(0, 1000)], WINDOW, {"prompt": prompt}, operation="text_completion") == expected


# --- through real sockets


def chat(model: str, request: dict[str, Any] | None = None, **options: Any) -> Call:
    said = {"model": model, "messages": [{"role": "user", "content": "Hello"}], **(request or {})}
    return Call(operation=CHAT, model=model, request=said, options=CallOptions(**options))


def of_size(upstream: Upstream, alias: str, window: int, number: int = 0) -> Deployment:
    return upstream.deployment(alias, "sim", number=number, model_info={"max_input_tokens": window})


async def test_a_request_that_fits_nowhere_goes_to_the_fallback_for_it_unasked(upstream: Upstream, make: Make) -> None:
    router = make(
        of_size(upstream, "smart", 1000),
        of_size(upstream, "smart", 2000, 1),
        of_size(upstream, "big", 100_000),
        of_size(upstream, "other", 100_000),
        checks=WINDOW,
        fallbacks={"smart": ("other",)},
        context_window_fallbacks={"smart": ("big",)},
    )
    answer = await router.answer(chat("smart", words(10_000)))
    assert isinstance(answer, Answer)
    assert [attempt.alias for attempt in answer.attempts] == ["big"]
    assert len(upstream.calls) == 1


async def test_where_no_fallback_is_set_the_caller_hears_that_it_is_too_long(upstream: Upstream, make: Make) -> None:
    router = make(of_size(upstream, "smart", 1000), checks=WINDOW)
    with pytest.raises(errors.ContextWindowExceededError, match="do not fit into 1000") as caught:
        await router.answer(chat("smart", words(10_000)))
    assert (caught.value.status_code, caught.value.code) == (400, "context_length_exceeded")
    assert upstream.calls == []


async def test_the_larger_of_two_windows_takes_the_longer_request(upstream: Upstream, make: Make) -> None:
    router = make(of_size(upstream, "smart", 1000), of_size(upstream, "smart", 100_000, 1), checks=WINDOW)
    answer = await router.answer(chat("smart", words(10_000)))
    assert [attempt.deployment for attempt in answer.attempts] == ["smart:1"]
    assert answer.attempts[0].passed_over[0][0] == "smart:0"


async def test_a_banned_group_leaves_the_call_to_its_fallback(upstream: Upstream, make: Make) -> None:
    router = make(
        upstream.deployment("smart", "sim", tags=("provider:a",)),
        upstream.deployment("spare", "sim", tags=("provider:b",)),
        checks=TAGS,
        fallbacks={"smart": ("spare",)},
    )
    answer = await router.answer(chat("smart", metadata={"tags": ["!provider:a"]}))
    assert [attempt.alias for attempt in answer.attempts] == ["spare"]
    with pytest.raises(errors.PermissionDeniedError, match="which the request excludes"):
        await router.answer(chat("smart", metadata={"tags": ["!provider:a", "!provider:b"]}))
    assert len(upstream.calls) == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_a_fallback_in_another_region_is_not_asked_either(upstream: Upstream, make: Make, stream: bool) -> None:
    router = make(
        upstream.deployment("smart", "sim[error=500]", region="eu-west-1"),
        upstream.deployment("spare", "sim", region="us-east-1"),
        fallbacks={"smart": ("spare",)},
        num_retries=0,
    )
    call = chat("smart", metadata={"region": "eu"})
    call.stream = stream
    with pytest.raises(errors.InternalServerError):
        await router.answer(call)
    assert len(upstream.calls) == 1


def test_who_is_able_when_nothing_is_asked_for() -> None:
    group = group_of([deployment(0), deployment(1, blocked=True), narrow(2, 1000)], policy=WINDOW)
    assert group.eligible_ids(asked_of(group)) == {"smart:0", "smart:2"}
    assert group.eligible_ids(asked_of(group, words(5000))) == {"smart:0"}
