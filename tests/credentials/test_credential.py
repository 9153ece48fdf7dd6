"""Keys: where they are found, how they are sent, and that they show nowhere else."""

from __future__ import annotations

import pytest

from dragoman.credentials import ApiKey, FirstFound, NoCredential, lookup, missing
from dragoman.errors import AuthenticationError

KEY = "sk-canary-0123456789abcdef"
EITHER = FirstFound(
    ApiKey(env=("PERSIMMON_API_KEY",), header="x-api-key", scheme=""),
    ApiKey(env=("PERSIMMON_AUTH_TOKEN",), given_prefix="sk-token-"),
)


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PERSIMMON_API_KEY", "PERSIMMON_KEY", "PERSIMMON_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def test_a_given_key_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERSIMMON_API_KEY", "from-environment")
    credential = ApiKey(env=("PERSIMMON_API_KEY",))
    assert credential.headers(KEY, provider="persimmon") == {"authorization": f"Bearer {KEY}"}
    assert credential.headers(None, provider="persimmon") == {"authorization": "Bearer from-environment"}
    assert credential.headers("", provider="persimmon") == {"authorization": "Bearer from-environment"}


def test_the_first_variable_that_is_set_counts_and_blanks_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERSIMMON_API_KEY", "  ")
    monkeypatch.setenv("PERSIMMON_KEY", "second\n")
    credential = ApiKey(env=("PERSIMMON_API_KEY", "PERSIMMON_KEY"), header="x-key", scheme="")
    assert credential.headers(None, provider="persimmon") == {"x-key": "second"}
    assert lookup(("PERSIMMON_API_KEY",)) is None
    assert credential.found()
    assert missing(credential) == ()


def test_a_missing_key_names_the_variables_to_set() -> None:
    credential = ApiKey(env=("PERSIMMON_API_KEY", "PERSIMMON_KEY"))
    with pytest.raises(AuthenticationError) as caught:
        credential.headers(None, provider="persimmon")
    assert "PERSIMMON_API_KEY or PERSIMMON_KEY" in caught.value.message
    assert caught.value.provider == "persimmon"
    assert caught.value.code == "missing_api_key"
    assert not credential.found()
    assert missing(credential) == ("PERSIMMON_API_KEY", "PERSIMMON_KEY")


def test_a_provider_without_a_variable_says_that_a_key_must_be_passed() -> None:
    with pytest.raises(AuthenticationError) as caught:
        ApiKey().headers(None, provider="persimmon")
    assert caught.value.message.endswith("pass api_key")


def test_a_local_server_may_do_without() -> None:
    credential = ApiKey(env=("PERSIMMON_API_KEY",), optional=True)
    assert credential.headers(None, provider="persimmon") == {}
    assert credential.headers(KEY, provider="persimmon") == {"authorization": f"Bearer {KEY}"}
    assert missing(credential) == ()
    assert NoCredential().headers(KEY, provider="persimmon") == {}
    assert NoCredential().found()


@pytest.mark.parametrize(
    "slip", ["a\r\nx-injected: yes", "a\nb", "two words", "tab\there", "null\x00", "smart\u201dquote", "\x7f"]
)
def test_a_key_that_no_header_may_hold_is_refused_and_not_repeated(slip: str) -> None:
    for credential in (ApiKey(), EITHER):
        with pytest.raises(AuthenticationError) as caught:
            credential.headers(KEY + slip, provider="persimmon")
        assert KEY not in repr(caught.value) + str(caught.value) + repr(vars(caught.value))
        assert caught.value.code == "invalid_api_key"


def test_a_secret_shows_in_no_representation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERSIMMON_API_KEY", KEY)
    for credential in (ApiKey(env=("PERSIMMON_API_KEY",)), EITHER):
        credential.headers(None, provider="persimmon")
        credential.headers(KEY, provider="persimmon")
        assert KEY not in repr(credential) + str(credential)


def test_of_two_kinds_the_environment_decides_and_a_given_key_by_its_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    assert EITHER.env == ("PERSIMMON_API_KEY", "PERSIMMON_AUTH_TOKEN")
    with pytest.raises(AuthenticationError) as caught:
        EITHER.headers(None, provider="persimmon")
    assert "PERSIMMON_API_KEY or PERSIMMON_AUTH_TOKEN" in caught.value.message
    monkeypatch.setenv("PERSIMMON_AUTH_TOKEN", "sk-token-1")
    assert EITHER.headers(None, provider="persimmon") == {"authorization": "Bearer sk-token-1"}
    monkeypatch.setenv("PERSIMMON_API_KEY", "key-1")
    assert EITHER.headers(None, provider="persimmon") == {"x-api-key": "key-1"}
    assert EITHER.headers("sk-token-2", provider="persimmon") == {"authorization": "Bearer sk-token-2"}
    assert EITHER.headers("key-2", provider="persimmon") == {"x-api-key": "key-2"}
    assert EITHER.found()
