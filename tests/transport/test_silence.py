"""Whoever closes nothing sees nothing: no warning, no log line, even with warnings as errors."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from tests.upstreams.raw import CHUNKED, Link, answer, chunk, serving

SCRIPTS = {
    "asyncio.run": "asyncio.run(main())",
    "asyncio.run, twice": "asyncio.run(main()); asyncio.run(main())",
    "with aclose": "asyncio.run(main(close=True))",
    "stream left open": "asyncio.run(main(leave=True))",
    "cancelled": "asyncio.run(cancelled())",
    "uvloop": "import uvloop; uvloop.run(main())",
    "a loop ended by hand": "loop = asyncio.new_event_loop(); loop.run_until_complete(main());"
    "loop.run_until_complete(loop.shutdown_asyncgens()); loop.close()",
    "the bridge for sync callers": "from dragoman._sync import run; run(main()); run(main(leave=True))",
    "a loop cut off": "loop = asyncio.new_event_loop(); loop.run_until_complete(main()); loop.close()",
}
PRELUDE = """
import asyncio, gc, sys
from dragoman.transport import Timeouts, Transport
assert "aiohttp" not in sys.modules
transport = Transport()
async def send(path):
    return await transport.send("POST", sys.argv[1] + path, headers={}, body=b"{}", timeouts=Timeouts())
async def main(close=False, leave=False):
    replies = await asyncio.gather(*[send("/") for _ in range(3)])
    for reply in replies:
        await reply.read()
    if leave:
        global reply2
        reply2 = await send("/stream")
        async for piece in reply2.chunks():
            break
        other = await send("/stream")
    if close:
        await transport.aclose()
async def cancelled():
    try:
        async with asyncio.timeout(0.2):
            await send("/hang")
    except TimeoutError:
        pass
"""


@pytest.mark.parametrize("name", SCRIPTS)
async def test_nothing_is_printed_at_the_end(name: str) -> None:
    async def script(link: Link) -> None:
        while True:
            request = await link.request()
            if request.target == "/hang":
                await link.until_closed()
            elif request.target == "/stream":
                await link.send(CHUNKED + chunk(b"one"))
                await link.until_closed()
            await link.send(answer())

    async with serving(script) as up:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            # asyncio itself warns of open sockets when a loop is closed before its async generators.
            *(
                "-W",
                "ignore::ResourceWarning" if name == "a loop cut off" else "error",
                "-c",
                PRELUDE + SCRIPTS[name],
                up.url,
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        output, _ = await asyncio.wait_for(process.communicate(), 30)
        assert (output.decode(), process.returncode) == ("", 0)
