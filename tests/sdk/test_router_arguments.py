"""What `Router(...)` takes beside its list: every setting of routing, by LiteLLM's names."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

import dragoman
from dragoman.routing.settings.table import router_settings

LISTED = [
    {"model_name": "smart", "litellm_params": {"model": "openai/gpt-4o", "api_key": "sk-a-secret", "rpm": 3}},
    {"model_name": "smart", "litellm_params": {"model": "anthropic/x", "order": -1}, "model_info": {"id": "first"}},
    {"model_name": "backup", "params": {"model": "openai/gpt-4o-mini", "temperature": 0.5}},
]


def router(**said: Any) -> dragoman.Router:
    made = dragoman.Router(LISTED, **said)
    made.close()
    return made


def test_every_kind_of_setting_arrives() -> None:
    said = {
        "num_retries": 0,
        "timeout": 3,
        "fallbacks": [{"smart": ["backup"]}],
        "model_group_alias": {"gpt-4": "smart", "old": {"model": "backup", "hidden": True}},
        "routing_strategy": "least-busy",
        "retry_policy": {"TimeoutErrorRetries": 0},
        "allowed_fails": 1,
        "cooldown_time": 9,
        "enable_tag_filtering": True,
        "weights": {"smart": {"first": 1}},
        "default_litellm_params": {"max_tokens": 5},
        "idle_timeout": 7,
    }
    made = router(**said)
    assert made.settings == router_settings(said)
    assert made.settings.health.cooldown == 9
    assert router().settings == router_settings({})


def test_it_says_what_it_serves_and_no_secret() -> None:
    made = router(model_group_alias={"gpt-4": "smart", "old": {"model": "backup", "hidden": True}})
    assert made.model_names == made.get_model_names() == ["smart", "backup", "gpt-4"]
    entries = made.get_model_list()
    assert [entry["model_info"]["id"] for entry in entries] == ["first", "smart:0", "backup:0"]
    assert entries[1]["litellm_params"] == {"model": "openai/gpt-4o", "rpm": 3}
    assert entries[2]["litellm_params"] == {"model": "openai/gpt-4o-mini", "temperature": 0.5}
    assert made.get_model_list("gpt-4") == entries[:2]
    assert made.get_model_list("old") == made.get_model_list("backup") == entries[2:]
    assert made.get_model_list("nobody") == []
    assert "sk-a-secret" not in str(entries)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"num_retries": 101}, ["num_retries: expected a whole number from 0 to 100, got 101"]),
        (
            {"timeout": 0, "cooldown_time": "x", "retry_policy": {"Timeout": 1, "TimeoutErrorRetries": "x"}},
            [
                "timeout: expected a number of seconds of at least 0.001, got 0",
                "cooldown_time: expected a number of seconds, got a text",
                "retry_policy.Timeout: unknown key",
                "retry_policy.TimeoutErrorRetries: expected a number, got a text",
            ],
        ),
        (
            {"model_group_alias": {"a": "smrt"}},
            ["model_group_alias.a: 'smrt' is not in model_list (did you mean 'smart'?)"],
        ),
        ({"model_group_retry_policy": {"smrt": {}}}, ["model_group_retry_policy.smrt: 'smrt' is not in model_list"]),
        ({"cooldown_tme": 3}, ["Router: no argument 'cooldown_tme' (did you mean 'cooldown_time'?)"]),
        ({"num_retry": 3}, ["Router: no argument 'num_retry' (did you mean 'num_retries'?)"]),
        ({"zzz": 3}, ["Router: no argument 'zzz'"]),
    ],
)
def test_wrong_settings_are_told_with_their_path(said: dict[str, Any], told: list[str]) -> None:
    with pytest.raises(dragoman.ConfigError) as caught:
        router(**said)
    lines = caught.value.message.splitlines()
    assert len(lines) == len(told), lines
    for line, beginning in zip(lines, told, strict=True):
        assert line.startswith(beginning)


def test_what_has_no_effect_is_named_in_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "dragoman"):
        router(cache_responses=True, polling_interval=0.1, default_litellm_params={"max_budget": 1}, num_retries=1)
    assert [record.getMessage() for record in caplog.records] == [
        "Router: known and without effect yet: cache_responses, max_budget, polling_interval"
    ]


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("smrt", "'smrt' is not in model_list (did you mean 'smart'?)"),
        ("Smart", "'Smart' is not in model_list (did you mean 'smart'?)"),
        ("team/backup", "'team/backup' is not in model_list; unknown provider 'team'"),
        ("qqqqqqqq", "'qqqqqqqq' is not in model_list; the provider of model 'qqqqqqqq' is not known"),
        ("hiden", "'hiden' is not in model_list; the provider of model 'hiden' is not known"),
    ],
)
def test_a_model_that_does_not_exist_is_told_with_the_nearest(model: str, message: str) -> None:
    made = router(model_group_alias={"hidden": {"model": "backup", "hidden": True}})
    for ask in (made.completion, made.explain):
        with pytest.raises(dragoman.BadRequestError) as caught:
            ask(model, [{"role": "user", "content": "Hello"}])
        assert caught.value.message.startswith(message)
        assert caught.value.param == "model"


def test_without_a_list_only_providers_are_suggested() -> None:
    with pytest.raises(dragoman.BadRequestError, match=r"^the provider of model 'smrt' is not known"):
        dragoman.Router().completion("smrt", [{"role": "user", "content": "Hello"}])


def test_an_unknown_model_is_compared_with_few_of_many_names() -> None:
    """Any caller can name an unknown model: its price may not grow with the list."""
    rounds: list[int] = []
    for number in (1_000, 4_000):
        params = {"model": "openai/gpt-4o", "api_key": "k"}
        many = [{"model_name": f"model-number-{index:05}", "litellm_params": params} for index in range(number)]
        made = dragoman.Router(many)
        made.close()

        def ask(made: dragoman.Router = made) -> None:
            with pytest.raises(dragoman.BadRequestError, match="did you mean 'model-number-0000"):
                made.completion("model-nummer-00001", [{"role": "user", "content": "Hello"}])

        ask()
        rounds.append(compared(ask))
    assert rounds[0] == rounds[1] <= 200


def compared(work: Callable[[], None]) -> int:
    """Return the number of words that `work` holds against another one."""
    times = 0

    def count(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal times
        times += event == "call" and frame.f_code.co_name == "set_seq1"

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return times - 1


@pytest.mark.parametrize(
    "key", ["$OPENAI_API_KEY", "${OPENAI_API_KEY}", "os.environ/OPENAI_API_KEY", 'os.environ["OPENAI_API_KEY"]']
)
def test_a_reference_to_a_variable_is_never_sent_as_a_key(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    hello = [{"role": "user", "content": "Hello"}]
    for options in ({"api_key": key}, {"extra_headers": {"Authorization": f"Bearer {key}"}}):
        with pytest.raises(dragoman.BadRequestError, match="variable"):
            dragoman.completion("openai/gpt-4o", hello, api_base="http://127.0.0.1:1", **options)
        with pytest.raises(dragoman.ConfigError, match="variable"):
            dragoman.Router([{"model_name": "a", "litellm_params": {"model": "openai/gpt-4o", **options}}])


def test_a_misspelt_key_of_an_entry_is_one_problem() -> None:
    with pytest.raises(dragoman.ConfigError) as caught:
        dragoman.Router([{"model_name": "a", "litelm_params": {"model": "openai/gpt-4o"}}])
    assert caught.value.message == "model_list[0].litelm_params: unknown key (did you mean 'litellm_params'?)"
    with pytest.raises(dragoman.ConfigError, match=r"^model_list\[0\].litellm_params.model: expected a model"):
        dragoman.Router([{"model_name": "a"}])
