"""Whom we trust."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from dragoman.errors import ConfigError
from dragoman.transport import Transport
from tests.transport.asking import post, refused
from tests.upstreams.certificates import Authority
from tests.upstreams.raw import answer, serve, serving


@pytest.mark.parametrize("how", ["file", "context", "nobody"])
async def test_trusted(tmp_path: Path, how: str) -> None:
    authority = Authority(tmp_path)
    verify = {"file": str(authority.file), "context": authority.client(), "nobody": False}[how]
    transport = Transport(verify=verify)  # type: ignore[arg-type]
    async with serving(serve(answer(b"ok")), tls=authority.server()) as up:
        for _ in range(2):
            assert await (await post(transport, up.url)).read() == b"ok"
        assert len(up.links) == 1
    await transport.aclose()


async def test_an_unknown_authority_is_refused(transport: Transport, tmp_path: Path) -> None:
    async with serving(serve(answer()), tls=Authority(tmp_path).server()) as up:
        error = await refused(transport, up.url)
        assert error.code == "tls_failure"
        assert f"127.0.0.1:{up.port}" in error.message
        assert "certificate" in error.message
        assert not up.requests


async def test_another_name_is_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    transport = Transport(verify=str(authority.file))
    async with serving(serve(answer()), tls=authority.server("other.test")) as up:
        error = await refused(transport, up.url)
        assert error.code == "tls_failure"
    await transport.aclose()


async def test_a_server_without_tls(transport: Transport) -> None:
    async def script(link: object) -> None:
        await link.reader.read(10)  # type: ignore[attr-defined]
        await link.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")  # type: ignore[attr-defined]

    async with serving(script) as up:
        assert (await refused(transport, up.url.replace("http:", "https:"))).code == "tls_failure"


async def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.pem"):
        await post(Transport(verify=str(tmp_path / "nowhere.pem")), "https://127.0.0.1:1/")


async def test_the_systems_authorities_can_be_named_in_the_environment(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    code = (
        "import asyncio, os, sys\n"
        "from dragoman.transport import Timeouts, Transport\n"
        "async def main():\n"
        "    reply = await Transport().send('POST', sys.argv[1], headers={}, body=b'', timeouts=Timeouts())\n"
        "    sys.stdout.write((await reply.read()).decode())\n"
        "asyncio.run(main())"
    )
    async with serving(serve(answer(b"ok")), tls=authority.server()) as up:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "error", "-c", code, up.url),
            env={"SSL_CERT_FILE": str(authority.file)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        output, _ = await asyncio.wait_for(process.communicate(), 30)
        assert output == b"ok"
