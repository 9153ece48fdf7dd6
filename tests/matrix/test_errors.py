"""Each SDK raises through the gateway what it raises without one."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from tests.matrix._answer import Asked, Caller
from tests.matrix.conftest import CALLERS, MASTER_KEY, MODELS, PROVIDER_KEY, Bench

every_provider = pytest.mark.parametrize("provider", MODELS)
every_caller = pytest.mark.parametrize("caller", CALLERS)
OUR_KEYS = (PROVIDER_KEY, MASTER_KEY)


def raised(caller: Caller, model: str, *, stream: bool = False, **asked: Any) -> Exception:
    with pytest.raises(Exception) as caught:
        caller.ask(Asked(model, stream, **asked), [caller.user("Hello out there, dear friends")])
    return caught.value


def status(error: Exception) -> int:
    """Each SDK's own name for it."""
    found: Any = getattr(error, "status_code", None) or getattr(error, "code", 0)
    return int(found)


def retry_after(error: Any) -> str | None:
    found = error.response.headers.get("retry-after")
    return str(found) if found is not None else None


@every_caller
@every_provider
@pytest.mark.parametrize("code", [400, 401, 403, 404, 429, 500, 529])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_a_providers_error(bench: Bench, caller: str, provider: str, code: int, stream: bool) -> None:
    directly = raised(bench.direct(caller), f"sim[error={code}; retry-after=2]", stream=stream)
    through = raised(bench.caller(caller), f"{provider}-{code}", stream=stream)
    assert type(through) is type(directly)
    assert not any(key in f"{through!r} {through}" for key in OUR_KEYS)
    if code == 429:
        assert retry_after(through) == "2"
    if code < 500:
        assert status(through) == code


@every_caller
@every_provider
def test_a_providers_401_names_the_deployment(bench: Bench, caller: str, provider: str) -> None:
    """So that nobody takes it for a refusal of his own key; and it never shows the deployment's."""
    through = raised(bench.caller(caller), f"{provider}-401")
    assert f"{provider}-401 ({provider})" in str(through)
    own = raised(bench.caller(caller, "sk-not-ours"), f"{provider}-401")
    assert "gateway" in str(own)
    assert f"{provider}-401 ({provider})" not in str(own)


@every_caller
def test_the_callers_own_bad_key(bench: Bench, caller: str) -> None:
    directly = raised(bench.direct(caller, "sim-bad-key"), "sim")
    through = raised(bench.caller(caller, "sk-not-ours"), "openai")
    assert type(through) is type(directly)
    assert status(through) == 401
    assert "sk-not-ours" not in str(through)


@every_caller
def test_a_model_that_is_not_there(bench: Bench, caller: str) -> None:
    directly = raised(bench.direct(caller), "nonexistent")
    through = raised(bench.caller(caller), "nonexistent")
    assert type(through) is type(directly)
    assert status(through) == 404


@every_caller
@every_provider
@pytest.mark.parametrize("ending", ["cut", "broken"])
def test_a_stream_that_ends_badly_ends_in_an_error(bench: Bench, caller: str, provider: str, ending: str) -> None:
    """Never as if the answer were complete."""
    error = raised(bench.caller(caller), f"{provider}-{ending}", stream=True)
    assert inspect.getmodule(type(error)).__name__.split(".")[0] in ("openai", "anthropic", "google")  # type: ignore[union-attr]
