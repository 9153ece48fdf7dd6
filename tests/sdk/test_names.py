"""The public names: listed once, found lazily, and all seen by type checkers."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import dragoman
from dragoman import errors
from dragoman.litellm.unsupported import hint_of, unsupported_names
from dragoman.sdk.settings import SETTINGS, Settings
from dragoman.types import results, router

TREE = ast.parse(Path(dragoman.__file__ or "").read_text())


def checker_block() -> list[ast.stmt]:
    for node in TREE.body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            return node.body
    raise AssertionError("no block for type checkers")


def test_type_checkers_see_what_is_listed() -> None:
    imported = {
        alias.asname or alias.name
        for node in checker_block()
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("dragoman")
        for alias in node.names
    }
    assert imported == set(dragoman.__all__)
    assert {*dragoman._PLACES, "exceptions"} - {"__version__"} == set(dragoman.__all__)


def test_every_error_is_public() -> None:
    assert set(errors.__all__) - {"error_for_status"} <= set(dragoman.__all__)


def test_type_checkers_see_the_settings() -> None:
    declared = {ast.unparse(node.target) for node in checker_block() if isinstance(node, ast.AnnAssign)}
    settings = {name for name in vars(Settings) if not name.startswith("_")} - {"options"}
    assert declared == {*settings, "__version__"}


PATHS = ["main", "utils", "router", "cost_calculator", "types.utils"]


@pytest.mark.parametrize("path", PATHS)
def test_litellms_paths_hold_the_same_objects(path: str) -> None:
    module = importlib.import_module(f"dragoman.{path}")
    renamed = {"ChatCompletionDeltaToolCall": "DeltaToolCall"}
    for name in module.__all__:
        own = renamed.get(name, name.removesuffix("Wrapper") if name.endswith("DetailsWrapper") else name)
        places: list[Any] = [dragoman, results, router]
        place = next(place for place in places if hasattr(place, own))
        assert getattr(module, name) is getattr(place, own)


def test_litellms_paths_are_attributes_too() -> None:
    code = "import dragoman as litellm; print(litellm.utils.token_counter(text='x'), litellm.main.completion)"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize("name", ["success_callback", "aresponses", "RetryPolicy", "image_generation", "provider_list"])
def test_names_of_litellm_that_are_absent_say_what_to_use_instead(name: str) -> None:
    hint = hint_of("sdk", name)
    assert hint
    with pytest.raises(AttributeError) as caught:
        getattr(dragoman, name)
    assert str(caught.value) == f"module 'dragoman' has no attribute {name!r}; {hint}"


def test_no_hint_speaks_of_a_name_that_is_here() -> None:
    assert [name for name in unsupported_names("sdk") if hasattr(dragoman, name)] == []


def test_unknown_names_are_unknown() -> None:
    with pytest.raises(AttributeError, match="no attribute 'complete'"):
        dragoman.complete  # noqa: B018
    assert dragoman.exceptions.RateLimitError is dragoman.RateLimitError


def test_settings_are_one_object() -> None:
    dragoman.num_retries = 7
    try:
        assert SETTINGS.options()["num_retries"] == 7
    finally:
        del dragoman.num_retries
    assert SETTINGS.num_retries is None
    dragoman.set_verbose = False


def test_what_is_no_setting_is_said(caplog: pytest.LogCaptureFixture) -> None:
    module: Any = dragoman
    module.success_callback = ["langfuse"]
    del module.success_callback
    assert "dragoman.success_callback is no setting" in caplog.text


def test_exceptions_are_a_module_too() -> None:
    from dragoman.exceptions import RateLimitError

    assert RateLimitError is dragoman.RateLimitError is dragoman.exceptions.RateLimitError


@pytest.mark.parametrize(
    ("module", "name", "remark"),
    [
        ("dragoman", "compltion", " (did you mean 'completion'?)"),
        ("dragoman", "Roter", " (did you mean 'Router'?)"),
        ("dragoman", "ssl_verify", "; pass verify to Router: False, or the path of a CA bundle"),
        ("dragoman.utils", "token_countr", " (did you mean 'token_counter'?)"),
        ("dragoman.utils", "trim_messages", "; cost_bounds and token_counter say what a prompt takes; leave"),
        ("dragoman.main", "batch_completion", "; gather acompletion calls with asyncio.gather"),
        ("dragoman.router", "Routr", " (did you mean 'Router'?)"),
        ("dragoman.cost_calculator", "completion_costs", " (did you mean 'completion_cost'?)"),
        ("dragoman.exceptions", "RateLimitErrors", " (did you mean 'RateLimitError'?)"),
    ],
)
def test_a_name_that_is_absent_says_which_was_meant(module: str, name: str, remark: str) -> None:
    with pytest.raises(AttributeError) as caught:
        getattr(importlib.import_module(module), name)
    assert str(caught.value).startswith(f"module {module!r} has no attribute {name!r}{remark}")


def test_a_mistyped_setting_says_which_was_meant(caplog: pytest.LogCaptureFixture) -> None:
    module: Any = dragoman
    module.drop_parms = True
    del module.drop_parms
    assert "dragoman.drop_parms is no setting, and has no effect (did you mean 'drop_params'?)" in caplog.text


def test_errors_of_litellm_with_another_name_here_can_be_caught() -> None:
    assert dragoman.exceptions.InvalidRequestError is dragoman.InvalidRequestError is dragoman.BadRequestError
    assert dragoman.exceptions.ImageFetchError is dragoman.BadRequestError
    assert dragoman.exceptions.OpenAIError is dragoman.DragomanError
    assert dragoman.exceptions.JSONSchemaValidationError is dragoman.APIResponseValidationError
