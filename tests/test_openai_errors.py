"""Our errors caught as errors of the openai package, which nothing of ours imports."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from typing import Any

import openai
import pytest

from dragoman import errors

OURS = [getattr(errors, name) for name in errors.__all__ if isinstance(getattr(errors, name), type)]
CALLS = [kind for kind in OURS if issubclass(kind, errors.APIError)]
STATUSES = [kind for kind in CALLS if issubclass(kind, (errors.APIStatusError, errors.APIResponseValidationError))]
THEIRS = [
    kind
    for name in openai.__all__
    if isinstance(kind := getattr(openai, name), type) and issubclass(kind, openai.APIError)
]


@pytest.mark.parametrize("theirs", [kind for kind in THEIRS if "OAuth" not in kind.__name__])
def test_each_class_of_openais_tree_catches_ours(theirs: type[openai.APIError]) -> None:
    ours = {"APITimeoutError": "Timeout"}.get(theirs.__name__, theirs.__name__)
    with pytest.raises(theirs) as caught:
        raise getattr(errors, ours)("no")
    assert type(caught.value) is getattr(errors, ours)


@pytest.mark.parametrize("kind", OURS)
def test_only_errors_of_calls_are_in_openais_tree(kind: Any) -> None:
    error = kind("no", code="word", param="n", body={"a": 1}, request_id="r", retry_after=3.0)
    assert isinstance(error, openai.APIError) == (kind in CALLS)
    assert isinstance(error, kind)
    assert str(error) == error.message == "no"


@pytest.mark.parametrize("kind", OURS)
def test_errors_are_copied_and_pickled_whole(kind: Any) -> None:
    error = kind("no", status_code=499, body={"a": 1}, retry_after=3.0)
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(other) is kind
        assert (vars(other), other.args) == (vars(error), error.args)


@pytest.mark.parametrize("kind", STATUSES)
@pytest.mark.parametrize("body", [{"a": 1}, "text", None, b"bytes"])
def test_a_response_as_code_for_openai_reads_it(kind: Any, body: Any) -> None:
    error = kind("no", status_code=429, body=body, request_id="r", retry_after=3.0)
    assert (error.status_code, error.response.status_code) == (429, 429)
    assert (error.response.headers["x-request-id"], error.response.headers["retry-after"]) == ("r", "3.0")
    assert error.response.json() == body if isinstance(body, dict) else error.response.text is not None
    assert error.request.method == error.response.request.method == "POST"


def test_an_error_of_a_connection_has_a_request_and_no_response() -> None:
    error = errors.Timeout("late")
    assert error.request.method == "POST"
    assert not hasattr(error, "response")


def test_a_class_of_a_users_own_is_caught_too() -> None:
    class Own(errors.RateLimitError):
        pass

    class Both(errors.RateLimitError, openai.RateLimitError):  # type: ignore[misc]
        pass

    for kind in (Own, Both):
        with pytest.raises(openai.RateLimitError):
            raise kind("no")


SCRIPT = """
import sys
from dragoman.errors import APIError, RateLimitError
early = RateLimitError("no")
assert "openai" not in sys.modules
assert not hasattr(early, "response") and not hasattr(early, "request")
import openai
APIError("another")
assert isinstance(early, openai.RateLimitError)
"""


def test_openai_is_not_imported_for_it() -> None:
    done = subprocess.run([sys.executable, "-W", "error", "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
