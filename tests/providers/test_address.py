"""Where requests go: held against the addresses of the recorded exchanges, and every form in which a base is written."""

from __future__ import annotations

import functools
from urllib.parse import urlsplit

import pytest

from dragoman.dialects.codec import WireRequest
from dragoman.errors import BadRequestError
from dragoman.providers import Provider, Providers, address, base_address, missing_settings, provider_from_mapping
from tests.recordings import Recording, all_recordings, recordings

OPERATIONS: dict[str, str] = {
    "chat": "chat",
    "messages": "chat",
    "generateContent": "chat",
    "completions": "text_completion",
    "embeddings": "embedding",
    "count-tokens": "count_tokens",
}
EXCEPTIONS = {
    "https://api.anthropic.com/v1/chat/completions": "Anthropic's OpenAI-compatible endpoint; we speak its own",
    "https://api.anthropic.com/api/v1/messages": "a slip of the caller, answered with 404",
    "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions": "Gemini's OpenAI-compatible endpoint",
    "https://api.deepseek.com/chat/completions": "the row's /beta takes the same, and prefill and strict tools as well",
    **dict.fromkeys(
        (f"https://api.cohere.{ending}" for ending in ("ai/v1/chat", "ai/v2/chat", "ai/v1/embed")),
        "Cohere's own dialect; we speak OpenAI's to it",
    ),
    "https://api.venice.ai/api/api/v1/chat/completions": "the recorder's proxy doubled /api",
    "https://api.venice.ai/api/api/v1/embeddings": "the recorder's proxy doubled /api",
}
LOCAL = ("localhost", "127.0.0.1", "0.0.0.0")
"""Several services answer there: see the test of the addresses that users give."""


def bare(url: str) -> str:
    return urlsplit(url)._replace(query="").geturl()


def host(url: str) -> str:
    return urlsplit(url.replace("{", "_").replace("}", "_")).netloc


@functools.cache
def by_host() -> dict[str, list[Provider]]:
    known = Providers()
    found: dict[str, list[Provider]] = {}
    for provider in map(known.find, known.names()):
        found.setdefault(host(provider.base_url), []).append(provider)
    return found


def held(recording: Recording | None) -> bool:
    """Whether the recorded request went to the public host of a provider of ours, in a dialect of ours."""
    if recording is None:
        return True
    ours = host(recording.url) in by_host() and urlsplit(recording.url).hostname not in LOCAL
    routed = recording.provider == "huggingface" and "co/v1/" not in recording.url
    return ours and not routed and bare(recording.url) not in EXCEPTIONS and "input_tokens" not in recording.url


HELD = [param for param in recordings(*(("*", endpoint) for endpoint in OPERATIONS), ok=None) if held(param.values[0])]


@pytest.mark.parametrize("recording", HELD)
def test_the_address_is_where_the_real_request_went(recording: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDFLARE_ACCOUNT_ID", "0" * 32)
    monkeypatch.setenv("SNOWFLAKE_ACCOUNT_ID", "test-account")
    url, operation = bare(recording.url), OPERATIONS[recording.endpoint]
    model, _, method = urlsplit(url).path.partition("/models/")[2].rpartition(":")
    wire = WireRequest({}, path=f"/models/{{model}}:{method}" if method else None)  # Gemini says there what is asked
    written = {
        address(provider, provider.endpoints[operation], api_base=None, wire=wire, model=model)
        for provider in by_host()[host(recording.url)]
        if operation in provider.endpoints
    }
    assert url in written


def test_most_recorded_addresses_are_held_and_every_exception_occurs() -> None:
    if all_recordings():
        assert len(HELD) > 350
        assert EXCEPTIONS.keys() <= {bare(recording.url) for recording in all_recordings()}


SELF_HOSTED = [
    ("ollama", "http://localhost:11434", "chat", "http://localhost:11434/v1/chat/completions"),
    ("ollama", "http://0.0.0.0:11434/v1", "chat", "http://0.0.0.0:11434/v1/chat/completions"),
    ("ollama", "http://0.0.0.0:11434/", "text_completion", "http://0.0.0.0:11434/v1/completions"),
    ("ollama", "http://127.0.0.1:11434", "embedding", "http://127.0.0.1:11434/v1/embeddings"),
    ("llamafile", "http://localhost:8080", "chat", "http://localhost:8080/v1/chat/completions"),
    ("llamacpp", "http://localhost:8080/v1", "embedding", "http://localhost:8080/v1/embeddings"),
    ("mistralrs", "http://localhost:1234", "chat", "http://localhost:1234/v1/chat/completions"),
    ("hosted_vllm", "http://localhost:8000", "chat", "http://localhost:8000/v1/chat/completions"),
    ("hosted_vllm", "http://localhost:5002/v1", "text_completion", "http://localhost:5002/v1/completions"),
    ("gpustack", "http://localhost:8080/gpustack/v1", "chat", "http://localhost:8080/gpustack/v1/chat/completions"),
    ("heroku", "https://us.inference.heroku.com", "chat", "https://us.inference.heroku.com/v1/chat/completions"),
    (
        "databricks",
        "https://adb-138962681435081.1.azuredatabricks.net/serving-endpoints",
        "chat",
        "https://adb-138962681435081.1.azuredatabricks.net/serving-endpoints/chat/completions",
    ),
    (
        "azure_ai",
        "https://test-resource.services.ai.azure.com/models",
        "chat",
        "https://test-resource.services.ai.azure.com/models/chat/completions",
    ),
    (
        "huggingface",
        "https://router.huggingface.co/together/v1",
        "chat",
        "https://router.huggingface.co/together/v1/chat/completions",
    ),
    (
        "huggingface",
        "https://router.huggingface.co/novita/v3/openai",
        "chat",
        "https://router.huggingface.co/novita/v3/openai/chat/completions",
    ),
    (
        "openai",
        "https://test-resource.openai.azure.com/openai/v1",
        "chat",
        "https://test-resource.openai.azure.com/openai/v1/chat/completions",
    ),
    (
        "anthropic",
        "https://test-resource.services.ai.azure.com/anthropic",
        "chat",
        "https://test-resource.services.ai.azure.com/anthropic/v1/messages",
    ),
    ("deepseek", "https://api.deepseek.com", "chat", "https://api.deepseek.com/chat/completions"),
    ("together_ai", "https://api.together.xyz/v1", "chat", "https://api.together.xyz/v1/chat/completions"),
]


@pytest.mark.parametrize(("name", "api_base", "operation", "url"), SELF_HOSTED)
def test_the_addresses_that_users_give_lead_where_recorded_requests_went(
    name: str, api_base: str, operation: str, url: str
) -> None:
    provider = Providers().find(name)
    assert address(provider, provider.endpoints[operation], api_base=api_base, model="m") == url
    if all_recordings():
        assert any(bare(recording.url) == url for recording in all_recordings())


FORMS = [
    ("anthropic", "https://proxy.test", "https://proxy.test/v1/messages"),
    ("anthropic", "https://proxy.test/v1", "https://proxy.test/v1/messages"),
    ("anthropic", "https://proxy.test/v1/", "https://proxy.test/v1/messages"),
    ("anthropic", "https://proxy.test/v1/messages", "https://proxy.test/v1/messages"),
    ("anthropic", "https://proxy.test/a/b", "https://proxy.test/a/b/v1/messages"),
    ("openai", "https://proxy.test/v1/chat/completions", "https://proxy.test/v1/chat/completions"),
    ("openai", "https://proxy.test/v1/chat/completions/", "https://proxy.test/v1/chat/completions"),
    ("openai", "https://proxy.test", "https://proxy.test/chat/completions"),
    ("openai", "https://proxy.test//v1//", "https://proxy.test/v1/chat/completions"),
    ("openai", "http://[::1]:8000/v1", "http://[::1]:8000/v1/chat/completions"),
    ("openai", " https://proxy.test/v1\n", "https://proxy.test/v1/chat/completions"),
    ("openai", "https://proxy.test/v1?api-version=2", "https://proxy.test/v1/chat/completions?api-version=2"),
    ("gemini", "https://proxy.test", "https://proxy.test/v1beta/models/m:generateContent"),
    ("gemini", "https://proxy.test/v1", "https://proxy.test/v1/models/m:generateContent"),
    ("gemini", "https://proxy.test/v1beta/", "https://proxy.test/v1beta/models/m:generateContent"),
    ("gemini", "https://proxy.test/a/b", "https://proxy.test/a/b/models/m:generateContent"),
    ("hosted_vllm", "https://proxy.test/a/b", "https://proxy.test/a/b/chat/completions"),
    ("ollama", "https://proxy.test/openai/", "https://proxy.test/openai/chat/completions"),
    (
        "anthropic",
        "https://gateway.ai.cloudflare.com/v1/account/gateway/anthropic",
        "https://gateway.ai.cloudflare.com/v1/account/gateway/anthropic/v1/messages",
    ),
    ("bailing", "", "https://api.tbox.cn/api/llm/v1/chat/completions"),
]


@pytest.mark.parametrize("name", Providers().names())
def test_the_path_of_a_base_is_honoured(name: str) -> None:
    """Nothing is put between what was given and the endpoint's own path."""
    provider = Providers().find(name)
    for endpoint in provider.endpoints.values():
        url = address(provider, endpoint, api_base="https://proxy.test/some/path", model="m")
        assert url == f"https://proxy.test/some/path{endpoint.path.replace('{model}', 'm')}"


@pytest.mark.parametrize(("name", "api_base", "url"), FORMS)
def test_a_base_may_be_written_in_many_forms(name: str, api_base: str, url: str) -> None:
    provider = Providers().find(name)
    assert address(provider, provider.endpoints["chat"], api_base=api_base, model="m") == url


@pytest.mark.parametrize(
    "api_base",
    [
        "ftp://host/v1",
        "file:///etc/passwd",
        "host/v1",
        "//host/v1",
        "https://",
        "https://host:port/v1",
        "https://host:99999/v1",
        "https://ho st/v1",
        "https://host/v1\r\nx: y",
        "javascript:alert(1)",
        "https://host\\@other/v1",
    ],
)
def test_an_address_that_is_not_http_is_refused(api_base: str) -> None:
    provider = Providers().find("openai")
    with pytest.raises(BadRequestError) as caught:
        address(provider, provider.endpoints["chat"], api_base=api_base, model="m")
    assert caught.value.param == "api_base"


def test_a_query_of_the_wire_request_is_sent() -> None:
    provider = Providers().find("gemini")
    wire = WireRequest({}, path="/models/{model}:streamGenerateContent", query={"alt": "sse"})
    url = address(
        provider, provider.endpoints["chat"], api_base="https://proxy.test/v1beta?tenant=a%20b", wire=wire, model="m"
    )
    assert url == "https://proxy.test/v1beta/models/m:streamGenerateContent?tenant=a+b&alt=sse"


@pytest.mark.parametrize(
    ("model", "written"),
    [
        ("gemini-2.5-flash", "gemini-2.5-flash"),
        ("a b?c#d", "a%20b%3Fc%23d"),
        ("with%2e", "with%252e"),
        ("claude@20250219", "claude@20250219"),
        ("äö", "%C3%A4%C3%B6"),
    ],
)
def test_a_model_in_a_path_cannot_leave_it(model: str, written: str) -> None:
    provider = Providers().find("gemini")
    for wire in (None, WireRequest({}, path=f"/models/{model}:generateContent")):
        url = address(
            provider, provider.endpoints["chat"], api_base="https://proxy.test/v1beta", wire=wire, model=model
        )
        assert url == f"https://proxy.test/v1beta/models/{written}:generateContent"


@pytest.mark.parametrize("model", ["..", "../../secret", "a/../b", "", "./a", "x" * 3000])
def test_a_model_that_climbs_out_of_the_path_is_refused(model: str) -> None:
    provider = Providers().find("gemini")
    with pytest.raises(BadRequestError) as caught:
        address(provider, provider.endpoints["chat"], api_base=None, model=model)
    assert caught.value.param == "model"
    wire = WireRequest({}, path=f"/models/{model}/../:generateContent")
    with pytest.raises(BadRequestError):
        address(provider, provider.endpoints["chat"], api_base=None, wire=wire, model="m")


def test_the_environment_replaces_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Providers()
    for name in known.names():
        stem = "".join(sign if sign.isascii() and sign.isalnum() else "_" for sign in name.upper())
        for ending in ("_API_BASE", "_BASE_URL"):
            with monkeypatch.context() as context:
                context.setenv(stem + ending, "https://elsewhere.test/v1")
                assert base_address(known.find(name)) == "https://elsewhere.test/v1", name
                assert base_address(known.find(name), "https://given.test") == "https://given.test"


def test_a_placeholder_is_filled_in_from_the_environment_when_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = Providers().find("cloudflare")
    monkeypatch.delenv("CLOUDFLARE_ACCOUNT_ID", raising=False)
    with pytest.raises(BadRequestError) as caught:
        base_address(provider)
    assert "CLOUDFLARE_ACCOUNT_ID" in caught.value.message
    assert "cloudflare" in caught.value.message
    assert caught.value.code == "missing_api_base"
    monkeypatch.setenv("CLOUDFLARE_ACCOUNT_ID", "00000000000000000000000000000000")
    url = address(provider, provider.endpoints["chat"], api_base=None, model="m")
    if all_recordings():
        assert url in {recording.url for recording in all_recordings() if recording.provider == "cloudflare"}


def test_an_address_given_with_the_call_is_not_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_SECRET", "canary")
    provider = Providers().find("openai")
    assert "canary" not in address(
        provider, provider.endpoints["chat"], api_base="https://x.test/{SOME_SECRET}", model="m"
    )


def test_missing_settings_names_key_and_address(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CLOUDFLARE_API_KEY", "CLOUDFLARE_API_TOKEN", "CLOUDFLARE_ACCOUNT_ID"):
        monkeypatch.delenv(name, raising=False)
    provider = Providers().find("cloudflare")
    assert missing_settings(provider) == ("CLOUDFLARE_API_KEY", "CLOUDFLARE_API_TOKEN", "CLOUDFLARE_ACCOUNT_ID")
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "k")
    assert missing_settings(provider) == ("CLOUDFLARE_ACCOUNT_ID",)
    monkeypatch.setenv("CLOUDFLARE_API_BASE", "https://elsewhere.test")
    assert missing_settings(provider) == ()


def test_a_path_of_a_rows_own_wins() -> None:
    provider = provider_from_mapping({"name": "x", "base_url": "https://x.test", "paths": {"embedding": "/v2/embed"}})
    assert address(provider, provider.endpoints["embedding"], api_base=None) == "https://x.test/v2/embed"
    assert address(provider, provider.endpoints["chat"], api_base=None) == "https://x.test/chat/completions"
