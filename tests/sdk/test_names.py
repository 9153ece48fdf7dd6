"""The public names: listed once, found lazily, and all seen by type checkers."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

import dragoman
from dragoman import errors
from dragoman.sdk._settings import SETTINGS, Settings

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
    assert {*dragoman._PLACES, "exceptions"} == set(dragoman.__all__)


def test_every_error_is_public() -> None:
    assert set(errors.__all__) - {"error_for_status"} <= set(dragoman.__all__)


def test_type_checkers_see_the_settings() -> None:
    declared = {ast.unparse(node.target) for node in checker_block() if isinstance(node, ast.AnnAssign)}
    settings = {name for name in vars(Settings) if not name.startswith("_")} - {"options"}
    assert declared == {*settings, "__version__"}


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
