"""Keys: where they are found, how they are sent, and that they show nowhere else."""

from __future__ import annotations

import pytest

from dragoman.credentials import ApiKey, FirstAvailable, HttpRequest, NoCredential, QueryKey, lookup, missing
from dragoman.errors import AuthenticationError
from tests.credentials.signing import signed_headers

KEY = "sk-canary-0123456789abcdef"
EITHER = FirstAvailable(
    ApiKey(env=("PERSIMMON_API_KEY",), header="x-api-key", scheme=""),
    ApiKey(env=("PERSIMMON_AUTH_TOKEN",), prefix="sk-token-"),
)


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PERSIMMON_API_KEY", "PERSIMMON_KEY", "PERSIMMON_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)


async def test_a_given_key_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERSIMMON_API_KEY", "from-environment")
    credential = ApiKey(env=("PERSIMMON_API_KEY",))
    assert await signed_headers(credential, KEY) == {"authorization": f"Bearer {KEY}"}
    assert await signed_headers(credential, None) == {"authorization": "Bearer from-environment"}
    assert await signed_headers(credential, "") == {"authorization": "Bearer from-environment"}


async def test_the_first_variable_that_is_set_counts_and_blanks_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERSIMMON_API_KEY", "  ")
    monkeypatch.setenv("PERSIMMON_KEY", "second\n")
    credential = ApiKey(env=("PERSIMMON_API_KEY", "PERSIMMON_KEY"), header="x-key", scheme="")
    assert await signed_headers(credential, None) == {"x-key": "second"}
    assert lookup(("PERSIMMON_API_KEY",)) is None
    assert credential.is_available()
    assert missing(credential) == ()


async def test_a_missing_key_names_the_variables_to_set() -> None:
    credential = ApiKey(env=("PERSIMMON_API_KEY", "PERSIMMON_KEY"))
    with pytest.raises(AuthenticationError) as caught:
        await signed_headers(credential, None)
    assert "PERSIMMON_API_KEY or PERSIMMON_KEY" in caught.value.message
    assert caught.value.provider == "persimmon"
    assert caught.value.code == "missing_api_key"
    assert not credential.is_available()
    assert missing(credential) == ("PERSIMMON_API_KEY", "PERSIMMON_KEY")


async def test_a_provider_without_a_variable_says_that_a_key_must_be_passed() -> None:
    with pytest.raises(AuthenticationError) as caught:
        await signed_headers(ApiKey(), None)
    assert caught.value.message.endswith("pass api_key")


async def test_a_local_server_may_do_without() -> None:
    credential = ApiKey(env=("PERSIMMON_API_KEY",), optional=True)
    assert await signed_headers(credential, None) == {}
    assert await signed_headers(credential, KEY) == {"authorization": f"Bearer {KEY}"}
    assert missing(credential) == ()
    assert await signed_headers(NoCredential(), KEY) == {}
    assert NoCredential().is_available()


@pytest.mark.parametrize(
    "slip", ["a\r\nx-injected: yes", "a\nb", "two words", "tab\there", "null\x00", "smart\u201dquote", "\x7f"]
)
async def test_a_key_that_no_header_may_hold_is_refused_and_not_repeated(slip: str) -> None:
    for credential in (ApiKey(), QueryKey(), EITHER):
        with pytest.raises(AuthenticationError) as caught:
            await signed_headers(credential, KEY + slip)
        assert KEY not in repr(caught.value) + str(caught.value) + repr(vars(caught.value))
        assert caught.value.code == "invalid_api_key"


async def test_a_secret_shows_in_no_representation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERSIMMON_API_KEY", KEY)
    for credential in (ApiKey(env=("PERSIMMON_API_KEY",)), QueryKey(env=("PERSIMMON_API_KEY",)), EITHER):
        await signed_headers(credential, None)
        await signed_headers(credential, KEY)
        assert KEY not in repr(credential) + str(credential)


async def test_of_two_kinds_the_environment_decides_and_a_given_key_by_its_beginning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert EITHER.env == ("PERSIMMON_API_KEY", "PERSIMMON_AUTH_TOKEN")
    with pytest.raises(AuthenticationError) as caught:
        await signed_headers(EITHER, None)
    assert "PERSIMMON_API_KEY or PERSIMMON_AUTH_TOKEN" in caught.value.message
    monkeypatch.setenv("PERSIMMON_AUTH_TOKEN", "sk-token-1")
    assert await signed_headers(EITHER, None) == {"authorization": "Bearer sk-token-1"}
    monkeypatch.setenv("PERSIMMON_API_KEY", "key-1")
    assert await signed_headers(EITHER, None) == {"x-api-key": "key-1"}
    assert await signed_headers(EITHER, "sk-token-2") == {"authorization": "Bearer sk-token-2"}
    assert await signed_headers(EITHER, "key-2") == {"x-api-key": "key-2"}
    assert EITHER.is_available()


async def test_a_key_in_the_query_is_found_as_one_in_a_header_is(monkeypatch: pytest.MonkeyPatch) -> None:
    credential = QueryKey(env=("PERSIMMON_API_KEY",))
    request = HttpRequest("POST", "https://persimmon.test/v1/chat", {}, b"{}")
    with pytest.raises(AuthenticationError) as caught:
        await credential.sign(request, None, provider="persimmon")
    assert caught.value.code == "missing_api_key"
    assert await QueryKey(optional=True).sign(request, None, provider="persimmon") == request
    monkeypatch.setenv("PERSIMMON_API_KEY", "k")
    assert (await credential.sign(request, None, provider="persimmon")).url == "https://persimmon.test/v1/chat?key=k"
    assert credential.is_available()


async def test_a_header_that_the_sender_has_set_stays() -> None:
    request = HttpRequest("POST", "https://persimmon.test/v1/chat", {"authorization": "Basic own"}, b"{}")
    assert await ApiKey().sign(request, KEY, provider="persimmon") == request
