"""Keys in a configuration: as they are sent, never shown, and refused where they can be none."""

from __future__ import annotations

from typing import Any

import pytest

from dragoman.errors import ConfigError
from dragoman.gateway.config.gateway_config import GatewayConfig, parse_config
from dragoman.gateway.logs.redactor import Redactor
from dragoman.gateway.master_key import check_master_key

STRONG = "sk-Jf83kfLQmcbvsie93jdkAAmd02kd"


def config_of(
    master_key: object = STRONG, api_key: object = "abcdefgh", environment: Any = (), **params: Any
) -> GatewayConfig:
    data = {
        "model_list": [{"model_name": "a", "litellm_params": {"model": "openai/gpt-4o", "api_key": api_key, **params}}],
        "general_settings": {"master_key": master_key},
    }
    return parse_config(data, dict(environment))


def fault(**said: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        config_of(**said)
    return caught.value.message


@pytest.mark.parametrize("around", ["\n", "\r\n", " ", "\t\n"])
def test_white_space_around_a_key_is_not_part_of_it(around: str) -> None:
    variables = {"MASTER": f"{STRONG}{around}", "KEY": f"{around}abcdefgh{around}"}
    found = config_of("os.environ/MASTER", "os.environ/KEY", variables)
    assert (found.master_key, found.deployments[0].options.api_key) == (STRONG, "abcdefgh")
    found = config_of(f"{STRONG}{around}", f"abcdefgh{around}")
    assert (found.master_key, found.deployments[0].options.api_key) == (STRONG, "abcdefgh")


@pytest.mark.parametrize("inside", ["\n", "\r\n", "\r", "\0", "\x1b", "\x85", "\u2028", "\u2603"])
@pytest.mark.parametrize(
    ("name", "path"),
    [("master_key", "general_settings.master_key"), ("api_key", "model_list[0].litellm_params.api_key")],
)
def test_no_key_holds_what_no_header_can_carry(name: str, path: str, inside: str) -> None:
    broken = f"canary-{inside}-of-a-key-{STRONG}"
    assert fault(**{name: broken}).startswith(f"{path}: ")
    told = fault(**{name: "os.environ/KEY"}, environment={"KEY": broken})
    assert told.startswith(f"{path}: ")
    assert "canary" not in told


def test_the_key_of_the_environment_is_looked_at_too() -> None:
    told = fault(master_key=None, environment={"DRAGOMAN_MASTER_KEY": f"{STRONG}\nX: y"})
    assert told.startswith("the environment variable DRAGOMAN_MASTER_KEY: ")
    assert STRONG not in told


@pytest.mark.parametrize("name", ["extra_headers", "headers"])
@pytest.mark.parametrize("headers", [{"x-a": "b\r\nx-c: d"}, {"x-a\n": "b"}, {"x a": "b"}, {"": "b"}])
def test_no_header_begins_another_one(name: str, headers: dict[str, str]) -> None:
    assert fault(**{name: headers}).startswith(
        f"model_list[0].litellm_params.{name}: expected a mapping of header names"
    )


@pytest.mark.parametrize(
    "reference",
    ["$MY_KEY", "${MY_KEY}", "$(MY_KEY)", "%MY_KEY%", "os.environ[MY_KEY]", 'os.environ["MY_KEY"]', "os.environ.MY_KEY",
     "os.getenv('MY_KEY')", "os.environ.get('MY_KEY')", "env/MY_KEY", "env:MY_KEY"],
)  # fmt: skip
@pytest.mark.parametrize("name", ["master_key", "api_key"])
def test_a_reference_as_other_programs_write_it_is_no_key(name: str, reference: str) -> None:
    assert "which only `os.environ/MY_KEY` refers to" in fault(**{name: reference})


@pytest.mark.parametrize("name", ["api_base", "api_version", "base_model", "model"])
def test_no_other_text_is_such_a_reference_either(name: str) -> None:
    assert "which only `os.environ/MY_URL` refers to" in fault(**{name: "${MY_URL}"})
    assert "which only `os.environ/MY_URL` refers to" in fault(**{name: "$MY_URL"})


@pytest.mark.parametrize("name", ["master_key", "api_key"])
def test_an_empty_key_is_told(name: str) -> None:
    assert "expected a text that is not empty" in fault(**{name: " "})
    assert "the environment variable EMPTY is empty" in fault(**{name: "os.environ/EMPTY"}, environment={"EMPTY": "\n"})


@pytest.mark.parametrize("number", [73159264807315926480, 7315926480.5])
def test_a_secret_that_is_a_number_is_not_shown(number: float) -> None:
    for name in ("master_key", "api_key"):
        told = fault(**{name: number})
        assert "got a number (write it in quotes)" in told
        assert str(number) not in told
    assert str(number) in config_of(extra_body={"api_token": number}).secrets


@pytest.mark.parametrize(
    ("key", "is_strong"),
    [
        ("sk-Jf83kf-example-LQmcbvsie93jdk", True),
        ("example-Zk3nv92hsdLqpQmcv73b", True),
        (STRONG, True),
        ("correct horse battery staple", True),
        ("sk-1234567890abcdef", False),
        ("example-example-example", False),
        ("sk-your-secret-key-here-please", False),
        ("change-me-please-change-me-now", False),
        ("sk-example-aaaaaaaaaaaaaaaaaaaaaaaa", False),
    ],
)
def test_a_master_key_is_as_strong_as_what_is_left_without_samples(key: str, is_strong: bool) -> None:
    if is_strong:
        assert check_master_key(key, None, False) is None
    else:
        with pytest.raises(ConfigError):
            check_master_key(key, None, False)


def test_ten_thousand_secrets_are_taken_out() -> None:
    secrets = {f"sk-{number:08x}-{'x' * (number % 5)}" for number in range(10_000)} | {"sk-00000001-xand-more"}
    redactor = Redactor(secrets)
    text = "a sk-00000001-xand-more sk-0000000a- sk-0000000 sk-00000001-x, ssk-00000002-xx \u2603"
    assert redactor.text(text) == ("a [key removed] [key removed] sk-0000000 [key removed], s[key removed] \u2603")
    assert redactor.bytes(text.encode()) == redactor.text(text).encode()
    assert Redactor(()).text(text) == text


def test_a_key_among_the_environment_variables_has_one_line() -> None:
    data: dict[str, Any] = {"model_list": [{"model_name": "a", "params": {"model": "openai/gpt-4o"}}]}
    data["environment_variables"] = {"OPENAI_API_KEY": f"{STRONG}\n", "NOTE": "two\nlines"}
    assert parse_config(data, {}).environment == {"OPENAI_API_KEY": STRONG, "NOTE": "two\nlines"}
    data["environment_variables"] = {"OPENAI_API_KEY": f"{STRONG}\nX: y"}
    with pytest.raises(ConfigError) as caught:
        parse_config(data, {})
    assert caught.value.message == "environment_variables.OPENAI_API_KEY: holds a line break, which no key does"
