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
from dragoman.litellm.unsupported import _HINTS, instead_of
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
    hint = instead_of(name)
    assert hint
    with pytest.raises(AttributeError) as caught:
        getattr(dragoman, name)
    assert str(caught.value) == f"module 'dragoman' has no attribute {name!r}; {hint}"


def test_no_hint_speaks_of_a_name_that_is_here() -> None:
    assert [name for names in _HINTS for name in names.split() if hasattr(dragoman, name)] == []


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
