"""What callers write cannot be taken for lines of the log."""

from __future__ import annotations

import base64
import contextlib
import io
import logging

import aiohttp
import pytest

from dragoman.gateway.logs import setup
from dragoman.gateway.logs.redactor import Redactor
from tests.gateway.serving import KEY, gateway, model

pytestmark = pytest.mark.usefixtures("_loggers_as_they_were")


@pytest.mark.parametrize("json", [False, True])
def test_a_caller_cannot_forge_a_line(json: bool) -> None:
    with contextlib.redirect_stderr(io.StringIO()) as out:
        setup.set_up(Redactor(frozenset()), level=setup.Level.INFO, json=json, requests=True)
    path, model = "/a\r\n2026 WARNING \x1b[31mforged\x85", "x\nlevel=CRITICAL \u2603"
    logging.getLogger("dragoman.gateway.requests").info("GET %s 404", path, extra={"model": model})
    written = out.getvalue()
    assert written.count("\n") == 1
    assert not {"\r", "\x1b"} & set(written)
    assert "\u2603" in written


def test_a_traceback_keeps_its_lines() -> None:
    with contextlib.redirect_stderr(io.StringIO()) as out:
        setup.set_up(Redactor(frozenset({"canary-0123456789"})), level=setup.Level.INFO, json=False, requests=False)
    try:
        raise ValueError("canary-0123456789")
    except ValueError:
        logging.getLogger("dragoman.gateway").exception("failed")
    assert out.getvalue().count("\n") > 3
    assert "canary" not in out.getvalue()


async def test_a_caller_cannot_fill_the_log_nor_the_answer_with_a_name(client: aiohttp.ClientSession) -> None:
    name = "m" * 20_000
    with contextlib.redirect_stderr(io.StringIO()) as out:
        setup.set_up(Redactor(frozenset()), level=setup.Level.INFO, json=False, requests=True)
        general = {"master_key": KEY, "log_requests": True}
        async with gateway([model("http://127.0.0.1:1", "*")], general_settings=general) as here:
            calls = (
                ("/v1/chat/completions", {"model": name, "messages": [{"role": "user", "content": "hi"}]}),
                (f"/v1beta/models/{name[:6000]}:generateContent", {"contents": [{"parts": [{"text": "hi"}]}]}),
            )
            for path, body in calls:
                async with client.post(f"{here}{path}", json=body) as reply:
                    assert reply.status == 404
                    assert len(await reply.read()) < 1000
    assert out.getvalue().count(" 404 ") == 2
    assert len(out.getvalue()) < 3000


def test_a_secret_in_base64_is_removed() -> None:
    secret = "canary-0123456789"
    redactor = Redactor(frozenset({secret}))
    for text in (secret, f"Bearer {secret}", f"{secret} and more"):
        encoded = base64.b64encode(text.encode()).decode()
        assert encoded[:16] not in redactor.text(f"header {encoded}!")
        assert encoded[:16].encode() not in redactor.bytes(f"header {encoded}!".encode())
