"""Who answered last is asked again, while he is well, for a while, and no more than he is remembered."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from dragoman.errors import ConfigError
from dragoman.routing import Call, CallOptions, CallRouter, Deployment, RouterSettings
from dragoman.routing.choice import affinity as affinity_module
from dragoman.routing.choice.affinity import Affinity
from dragoman.routing.choice.group import ModelGroup
from dragoman.routing.request import GroupRequest
from dragoman.routing.selection import Choice
from dragoman.routing.settings.affinity import AffinityPolicy, affinity_kinds
from dragoman.state import Outage, View
from dragoman.types.operations import CHAT
from tests.routing.choosing import NOW, asked_of, chance_of, deployment, group_of
from tests.routing.upstream import Stillness, Upstream

EMPTY = View()
SYSTEM = {"role": "system", "content": "Be brief. " * 600}
MARK = {"type": "ephemeral"}


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


class Scene:
    """Two deployments, and a memory whose clock stands still."""

    def __init__(self, *kinds: str, found: list[Deployment] | None = None, **policy: Any) -> None:
        self.now = NOW
        self.found = found or [deployment(0), deployment(1)]
        self.group = group_of(self.found)
        self.affinity = Affinity(AffinityPolicy(kinds=frozenset(kinds), **policy), lambda: self.now)

    def asked(self, *messages: dict[str, Any], chance: float = 0.1, **metadata: Any) -> GroupRequest:
        """Chance alone would choose the first."""
        request = {"messages": list(messages)} if messages else None
        return asked_of(
            self.group,
            request,
            metadata=metadata,
            affinity=self.affinity,
            random=chance_of(chance),
            now=lambda: self.now,
        )

    def choice(self, *messages: dict[str, Any], view: View = EMPTY, **metadata: Any) -> Choice:
        found = self.group.choose(self.asked(*messages, **metadata), view)
        assert isinstance(found, Choice)
        return found

    def answered(self, number: int, *messages: dict[str, Any], **metadata: Any) -> None:
        self.affinity.answered(self.asked(*messages, **metadata), self.found[number])


@pytest.mark.parametrize(
    ("kind", "metadata", "other"),
    [
        ("session_affinity", {"session_id": "a"}, {"session_id": "b"}),
        ("session_affinity", {"litellm_session_id": "a"}, {}),
        ("deployment_affinity", {"user_api_key_hash": "k1"}, {"user_api_key_hash": "k2"}),
    ],
)
def test_who_answered_last_is_asked_again(kind: str, metadata: dict[str, Any], other: dict[str, Any]) -> None:
    scene = Scene(kind)
    assert scene.choice(**metadata).member.deployment.id == "smart:0"
    scene.answered(1, **metadata)
    kept = scene.choice(**metadata)
    assert kept.member.deployment.id == "smart:1"
    assert kept.why.startswith(kind.replace("_", " "))
    assert scene.choice(**other).member.deployment.id == "smart:0"


def test_a_kind_that_is_not_wanted_is_not_kept() -> None:
    scene = Scene("prompt_caching")
    scene.answered(1, session_id="a", user_api_key_hash="k")
    assert scene.choice(session_id="a", user_api_key_hash="k").member.deployment.id == "smart:0"


def test_it_is_forgotten_after_a_while() -> None:
    scene = Scene("session_affinity", ttl=100)
    scene.answered(1, session_id="a")
    scene.now += 99
    assert scene.choice(session_id="a").member.deployment.id == "smart:1"
    scene.now += 1
    assert scene.choice(session_id="a").member.deployment.id == "smart:0"


def test_one_that_is_out_is_not_asked_and_is_asked_again_when_it_is_back() -> None:
    scene = Scene("session_affinity", found=[deployment(0), deployment(1), deployment(2)])
    scene.answered(1, session_id="a")
    view = View(outages={"smart:1": Outage("500", "InternalServerError", NOW, NOW + 9)})
    assert scene.choice(session_id="a", view=view).member.deployment.id == "smart:0"
    assert scene.choice(session_id="a").member.deployment.id == "smart:1"


def test_a_session_does_not_stay_with_a_lower_priority() -> None:
    scene = Scene("session_affinity", found=[deployment(0), deployment(1), deployment(2, order=1)])
    scene.answered(2, session_id="a")
    assert scene.choice(session_id="a").member.deployment.id == "smart:0"


def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(affinity_module, "_REMEMBERED", 10)
    scene = Scene("session_affinity")
    for number in range(12):
        scene.answered(1, session_id=f"s{number}")
    kept = [scene.choice(session_id=f"s{number}").member.deployment.id for number in range(12)]
    assert kept == ["smart:0"] * 2 + ["smart:1"] * 10


def test_of_a_long_name_a_digest_is_kept() -> None:
    scene = Scene("session_affinity")
    long = "s" * 1_000_000
    scene.answered(1, session_id=long)
    assert scene.choice(session_id=long).member.deployment.id == "smart:1"
    assert scene.choice(session_id=f"{long}s").member.deployment.id == "smart:0"
    assert len(repr(scene.affinity._sessions._known)) < 1000


# --- prompt caches


def test_the_holder_of_the_longest_beginning_is_preferred() -> None:
    scene = Scene("prompt_caching")
    scene.answered(1, SYSTEM, user("First"))
    following = scene.choice(SYSTEM, user("First"), {"role": "assistant", "content": "Yes"}, user("Second"))
    assert following.member.deployment.id == "smart:1"
    assert following.why.startswith("prompt-cache affinity: it holds about 15")
    other_question = scene.choice(SYSTEM, user("Something else"))
    assert other_question.member.deployment.id == "smart:1"
    assert scene.choice({**SYSTEM, "content": "Be long. " * 600}, user("First")).member.deployment.id == "smart:0"
    scene.now += 301
    assert scene.choice(SYSTEM, user("First")).member.deployment.id == "smart:0"


def test_of_two_holders_the_one_with_more_is_preferred() -> None:
    scene = Scene("prompt_caching", found=[deployment(0), deployment(1), deployment(2)])
    conversation = [SYSTEM, user("First"), {"role": "assistant", "content": "Yes. " * 900}]
    scene.answered(1, *conversation)
    scene.answered(2, SYSTEM, user("Another"))
    assert scene.choice(*conversation, user("Second")).member.deployment.id == "smart:1"
    assert scene.choice(SYSTEM, user("Third")).member.deployment.id == "smart:2"


def test_short_beginnings_are_in_no_cache() -> None:
    scene = Scene("prompt_caching")
    scene.answered(1, user("Hello"))
    assert scene.choice(user("Hello")).member.deployment.id == "smart:0"


def test_marks_are_no_part_of_what_is_cached_and_only_marks_are_cached_where_writing_costs() -> None:
    claude = [deployment(number, "claude-sonnet-4-5", provider="anthropic") for number in range(2)]

    def marked(text: str) -> dict[str, Any]:
        return {"role": "user", "content": [{"type": "text", "text": text, "cache_control": MARK}]}

    scene = Scene("prompt_caching", found=claude)
    scene.answered(1, SYSTEM, user("First"))
    assert scene.choice(SYSTEM, user("First")).member.deployment.id == "smart:0"
    scene.answered(1, SYSTEM, marked("First"))
    for turn in (user("First"), marked("First")):
        following = scene.choice(SYSTEM, turn, {"role": "assistant", "content": "Yes"}, marked("Second"))
        assert following.member.deployment.id == "smart:1"
    assert scene.choice(SYSTEM, user("Other")).member.deployment.id == "smart:0"  # the mark was further on


def test_tools_are_part_of_the_beginning() -> None:
    scene = Scene("prompt_caching")
    tools = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]

    def asking(**more: Any) -> GroupRequest:
        return asked_of(
            scene.group, {"messages": [SYSTEM, user("Hi")], **more}, affinity=scene.affinity, random=chance_of(0.1)
        )

    scene.affinity.answered(asking(tools=tools), scene.found[1])
    for more, expected in (({"tools": tools}, "smart:1"), ({}, "smart:0")):
        choice = scene.group.choose(asking(**more), EMPTY)
        assert isinstance(choice, Choice)
        assert choice.member.deployment.id == expected


@pytest.mark.parametrize("messages", ["no list", [None, 7], [{"role": "user", "content": {"odd": {1, 2}}}]])
def test_malformed_messages_are_no_beginning(messages: Any) -> None:
    scene = Scene("prompt_caching")
    asked = asked_of(scene.group, {"messages": messages}, affinity=scene.affinity)
    scene.affinity.answered(asked, scene.found[0])
    assert scene.affinity.cached_prefix(asked) is None


# --- settings, and real sockets


def test_the_kinds_are_read(caplog: pytest.LogCaptureFixture) -> None:
    assert affinity_kinds(["prompt_caching", "session_affinity"], "x") == {"prompt_caching", "session_affinity"}
    with caplog.at_level(logging.WARNING, "dragoman"):
        assert affinity_kinds(["router_budget_limiting", "enforce_model_rate_limits"], "x") == frozenset()
    assert "router_budget_limiting has no effect yet" in caplog.text
    with pytest.raises(ConfigError, match=r"x: unknown check \(did you mean 'prompt_caching'\?\)"):
        affinity_kinds(["prompt_cachin"], "x")
    with pytest.raises(ConfigError, match="x: expected a list of texts"):
        affinity_kinds(5, "x")


@pytest.fixture
async def router(upstream: Upstream) -> AsyncIterator[Callable[..., CallRouter]]:
    made: list[CallRouter] = []

    def make(*models: str, **settings: Any) -> CallRouter:
        found = [upstream.deployment("smart", model, number=number, order=0) for number, model in enumerate(models)]
        made.append(CallRouter(found, settings=RouterSettings(**settings), clock=Stillness(0.1).clock))
        return made[-1]

    yield make
    for each in made:
        await each.aclose()


def call(stream: bool = False, **metadata: Any) -> Call:
    request = {"model": "smart", "messages": [user("Hello")]}
    options = CallOptions(metadata=metadata)
    return Call(operation=CHAT, model="smart", request=request, stream=stream, options=options)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_session_stays_where_it_was_answered(router: Callable[..., CallRouter], stream: bool) -> None:
    policy = AffinityPolicy(kinds=frozenset({"session_affinity"}))
    routing = router("sim[error=500;times=1]", "sim", affinity=policy)
    first = await routing.answer(call(stream, session_id="a"))
    assert [attempt.deployment for attempt in first.attempts] == ["smart:0", "smart:1"]
    await first.aclose() if stream else None  # type: ignore[union-attr]
    for session, expected in (("a", "smart:1"), ("b", "smart:0")):
        answer = await routing.answer(call(stream, session_id=session))
        assert answer.attempts[-1].deployment == expected
        assert ("session affinity" in answer.attempts[-1].why) is (session == "a")
        await answer.aclose() if stream else None  # type: ignore[union-attr]


def test_a_group_without_affinity_asks_nothing_of_it() -> None:
    group: ModelGroup = group_of([deployment(0), deployment(1)])
    assert asked_of(group).cached_prefix is None


def test_what_is_explained_is_what_would_be_done() -> None:
    scene = Scene("session_affinity")
    scene.answered(1, session_id="a")
    asked = asked_of(scene.group, metadata={"session_id": "a"}, affinity=scene.affinity, explaining=True)
    choice = scene.group.choose(asked, EMPTY)
    assert isinstance(choice, Choice)
    assert (choice.member.deployment.id, choice.why[:16]) == ("smart:1", "session affinity")
    assert choice.scores is not None
