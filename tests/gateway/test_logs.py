"""What callers write cannot be taken for lines of the log."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator

import pytest

from dragoman.gateway import logs
from dragoman.gateway._secrets import Redactor


@pytest.fixture(autouse=True)
def _loggers_as_they_were() -> Iterator[None]:
    names = (*logs._LOGGERS, "dragoman.gateway.requests")
    before = [(one := logging.getLogger(name), one.handlers, one.propagate, one.level) for name in names]
    yield
    for logger, handlers, propagate, level in before:
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)


@pytest.mark.parametrize("json", [False, True])
def test_a_caller_cannot_forge_a_line(json: bool) -> None:
    with contextlib.redirect_stderr(io.StringIO()) as out:
        logs.set_up(Redactor(frozenset()), json=json, verbose=False, requests=True)
    path, model = "/a\r\n2026 WARNING \x1b[31mforged\x85", "x\nlevel=CRITICAL \u2603"
    logging.getLogger("dragoman.gateway.requests").info("GET %s 404", path, extra={"model": model})
    written = out.getvalue()
    assert written.count("\n") == 1
    assert not {"\r", "\x1b"} & set(written)
    assert "\u2603" in written


def test_a_traceback_keeps_its_lines() -> None:
    with contextlib.redirect_stderr(io.StringIO()) as out:
        logs.set_up(Redactor(frozenset({"canary-0123456789"})), json=False, verbose=False, requests=False)
    try:
        raise ValueError("canary-0123456789")
    except ValueError:
        logging.getLogger("dragoman.gateway").exception("failed")
    assert out.getvalue().count("\n") > 3
    assert "canary" not in out.getvalue()
