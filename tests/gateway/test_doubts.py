"""What a configuration may say and probably does not mean is told as a hint, and refused by nobody."""

from __future__ import annotations

from typing import Any

import pytest

from dragoman.errors import ConfigError
from dragoman.gateway.config.gateway_config import parse_config

KEYED = {"api_key": "abcdefgh"}


def hints(*params: dict[str, Any], environment: Any = (), **router: Any) -> tuple[str, ...]:
    models = [{"model_name": "abc"[position], "litellm_params": said} for position, said in enumerate(params)]
    data = {
        "model_list": models,
        "router_settings": router,
        "general_settings": {"master_key": "sk-Jf83kfLQmcbvsie93jdk"},
    }
    return parse_config(data, dict(environment)).hints


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def test_a_deployment_without_a_key_is_told() -> None:
    told = "model_list[0].litellm_params: no api_key is given, and OPENAI_API_KEY is not set, so its calls will fail"
    asked = {"model": "openai/gpt-4o"}
    assert hints(asked) == (told,)
    assert hints(asked | {"api_key": None}) == (told,)
    assert hints(asked | KEYED) == ()
    assert hints(asked, environment={"OPENAI_API_KEY": "abcdefgh"}) == ()
    assert hints(asked | {"extra_headers": {"Authorization": "Bearer abcdefgh"}}) == ()
    assert hints(asked | {"mock_response": "hi"}) == ()
    (told,) = hints({"model": "anthropic/claude-opus-4-5"})
    assert "none of ANTHROPIC_API_KEY, ANTHROPIC_AUTH_TOKEN is set" in told


def test_a_model_that_no_catalogue_knows_is_told_with_the_nearest() -> None:
    assert hints({"model": "openai/gpt-4oo", **KEYED}) == (
        "model_list[0].litellm_params.model: 'gpt-4oo' of openai is in no catalogue (did you mean 'gpt-4o'?): "
        "its price and its abilities are not known",
    )
    own = {"api_base": "http://127.0.0.1:1/v1"}
    for model in ({"model": "openai/mine", **own}, {"model": "openai/*"}, {"model": "openai/gpt-4o"}):
        assert hints(model | KEYED) == ()
    assert hints({"model": "openai/mine", "base_model": "gpt-4o", **KEYED}) == ()


def test_of_many_hints_the_first_are_told() -> None:
    models = [{"model_name": f"m{n}", "litellm_params": {"model": f"openai/own-{n}", **KEYED}} for n in range(30)]
    told = parse_config({"model_list": models}, {}).hints
    assert len(told) == 21
    assert told[-1] == "and 10 more of the same kind"


@pytest.mark.parametrize("name", ["fallbacks", "context_window_fallbacks", "content_policy_fallbacks"])
def test_fallbacks_that_lead_nowhere_new_are_told(name: str) -> None:
    deployments = [{"model": "openai/gpt-4o", **KEYED, "temperature": number} for number in range(3)]
    assert hints(*deployments, **{name: [{"a": ["b", "c"]}, {"b": "c"}]}) == ()
    assert hints(*deployments, **{name: [{"a": ["b", {"model": "b"}, "a"]}]}) == (
        f"router_settings.{name}.a: 'a' is a fallback of itself",
        f"router_settings.{name}.a: 'b' is given twice",
    )
    with pytest.raises(ConfigError) as caught:
        hints(*deployments, **{name: [{"a": ["b"]}, {"b": ["c"]}, {"a": ["c"]}]})
    assert caught.value.message == f"router_settings.{name}[2].a: the fallbacks of 'a' are given twice"


def test_litellms_settings_that_do_nothing_yet_are_named_and_not_refused() -> None:
    data = {
        "model_list": [
            {"model_name": "a", "litellm_params": {"model": "openai/gpt-4o", **KEYED, "langfuse_secret_key": "x"}}
        ],
        "litellm_settings": {"datadog_use_v1": True, "azure_key": "abc"},
        "router_settings": {"fallback_on_unsupported_params": True},
    }
    config = parse_config(data, {})
    assert set(config.unsupported) == {
        "model_list[0].litellm_params.langfuse_secret_key",
        "litellm_settings.datadog_use_v1",
        "litellm_settings.azure_key",
        "router_settings.fallback_on_unsupported_params",
    }
    assert config.deployments[0].params == {}


@pytest.mark.parametrize(
    "key", ["your-api-key", "YOUR_OPENAI_KEY", "<your-key>", "sk-xxxxxxxx", "sk-...", "changeme", "api_key"]
)
def test_a_placeholder_instead_of_a_key_is_told(key: str) -> None:
    (told,) = hints({"model": "openai/gpt-4o", "api_key": key})
    assert told == "model_list[0].litellm_params.api_key: looks like a placeholder, not like a key"
    assert hints({"model": "openai/own", "api_key": key, "api_base": "http://127.0.0.1:1/v1"}) == ()


def test_a_provider_that_serves_nothing_yet_is_told() -> None:
    told = hints({"model": "chatgpt/gpt-5", **KEYED})
    assert "model_list[0].litellm_params.model: nothing of chatgpt is served yet, so its calls will fail" in told


def test_an_effort_that_does_not_exist_is_told() -> None:
    (told,) = hints({"model": "openai/gpt-4o", "reasoning_effort": "hihg", **KEYED})
    assert (
        told
        == "model_list[0].litellm_params.reasoning_effort: 'hihg' is no effort that is known (did you mean 'high'?)"
    )
    assert hints({"model": "openai/gpt-4o", "reasoning_effort": "minimal", **KEYED}) == ()


def test_a_mistyped_fact_is_told_and_a_note_of_ones_own_is_not() -> None:
    info = {"suports_vision": True, "supports_vision": True, "cost_center": 3, "max_output_token": 5}
    entry = {"model_name": "a", "litellm_params": {"model": "openai/gpt-4o", **KEYED}, "model_info": info}
    told = parse_config({"model_list": [entry]}, {}).hints
    assert told == (
        "model_list[0].model_info.suports_vision: is no known fact, and without effect (did you mean 'supports_vision'?)",
        "model_list[0].model_info.max_output_token: is no known fact, and without effect (did you mean 'max_output_tokens'?)",
    )
