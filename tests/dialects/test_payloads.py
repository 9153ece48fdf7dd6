"""Bodies that are not JSON go through gateway and router byte for byte, in both directions, whole and streamed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from dragoman.dialects import registry
from dragoman.dialects.codec import Payload
from tests.dialects.sham_speech import read_form, write_form
from tests.gateway.serving import KEY, gateway

VOICE = b"\xef\xbb\xbf" + bytes(range(256)) + b"\r\n--\r\n"
AUDIO = b'\xef\xbb\xbf{"data": data: ' + bytes(range(256)) * 300 + b"\x00END"
"""It begins like a byte order mark, a JSON object and an event."""
ROW = {"name": "quarry", "base_url": "http://127.0.0.1:9/v1", "dialect": "sham_speech", "operations": ["speech"]}
Respond = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture(autouse=True)
def _installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    info = tmp_path / "sham_speech-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sham_speech\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        f"[{registry.ENTRY_POINTS}]\nsham_speech = tests.dialects.sham_speech:DIALECT\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    registry._installed.cache_clear()
    yield
    registry._installed.cache_clear()


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(headers={"authorization": f"Bearer {KEY}"}) as session:
        yield session


class Provider:
    """Notes what it is sent, and answers as the test says."""

    def __init__(self, respond: Respond) -> None:
        self.respond = respond
        self.forms: list[tuple[dict[str, str], bytes]] = []

    async def _speak(self, request: web.Request) -> web.StreamResponse:
        self.forms.append(read_form(Payload(await request.read(), request.headers["content-type"])))
        return await self.respond(request)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_post("/v1/speak", self._speak)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        finally:
            await runner.cleanup()


async def whole(request: web.Request) -> web.StreamResponse:
    return web.Response(body=AUDIO, content_type="audio/mpeg")


async def in_pieces(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "audio/l16"})
    await response.prepare(request)
    for start in range(0, len(AUDIO), 20_000):
        await response.write(AUDIO[start : start + 20_000])
        await asyncio.sleep(0.05)
    return response


def served(url: str, **params: Any) -> dict[str, Any]:
    return {"model_name": "voice", "litellm_params": {"model": "quarry/v1", "api_base": url, "api_key": "k", **params}}


async def test_a_form_goes_in_and_audio_comes_out(client: aiohttp.ClientSession) -> None:
    provider = Provider(whole)
    async with provider.running() as there, gateway([served(there)], providers=[ROW]) as here:
        form = write_form({"model": "voice", "text": "Grüße"}, VOICE)
        headers = {"content-type": form.content_type}
        async with client.post(f"{here}/v1/speak", data=form.data, headers=headers) as reply:
            assert reply.status == 200, await reply.text()
            assert await reply.read() == AUDIO
            assert reply.headers["content-type"] == "audio/mpeg"
            assert reply.headers["x-dragoman-provider"] == "quarry"
    assert provider.forms == [({"model": "v1", "text": "Grüße", "stream": "no"}, VOICE)]


async def test_a_caller_may_still_send_json(client: aiohttp.ClientSession) -> None:
    provider = Provider(whole)
    async with (
        provider.running() as there,
        gateway([served(there)], providers=[ROW]) as here,
        client.post(f"{here}/v1/speak", json={"model": "voice", "text": "hello"}) as reply,
    ):
        assert await reply.read() == AUDIO
    assert provider.forms == [({"model": "v1", "text": "hello", "stream": "no"}, b"")]


async def test_a_stream_of_audio_is_neither_guessed_at_nor_kept_alive_with_words(
    client: aiohttp.ClientSession,
) -> None:
    provider = Provider(in_pieces)
    settings = {"keep_alive_seconds": 0.01, "master_key": KEY}
    async with (
        provider.running() as there,
        gateway([served(there)], providers=[ROW], general_settings=settings) as here,
    ):
        body = {"model": "voice", "text": "hello", "stream": "yes"}
        async with client.post(f"{here}/v1/speak", json=body) as reply:
            assert (reply.status, reply.headers["content-type"]) == (200, "audio/l16")
            assert await reply.read() == AUDIO


async def test_a_stream_of_audio_that_breaks_off_is_no_whole_one(client: aiohttp.ClientSession) -> None:
    async def cut_off(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "audio/l16"})
        await response.prepare(request)
        await response.write(AUDIO[:1000])
        return response

    provider = Provider(cut_off)
    async with provider.running() as there, gateway([served(there)], providers=[ROW]) as here:
        body = {"model": "voice", "text": "hello", "stream": "yes"}
        async with client.post(f"{here}/v1/speak", json=body) as reply:
            with pytest.raises(aiohttp.ClientPayloadError):
                await reply.read()


@pytest.mark.parametrize("stream", ["yes", "no"])
async def test_without_audio_another_deployment_takes_over(client: aiohttp.ClientSession, stream: str) -> None:
    async def silent(request: web.Request) -> web.StreamResponse:
        return web.Response(body=b"", content_type="audio/l16")

    silence, speech = Provider(silent), Provider(in_pieces)
    async with silence.running() as first, speech.running() as second:
        models = [served(first, order=1), served(second, order=2)]
        async with gateway(models, providers=[ROW]) as here:
            body = {"model": "voice", "text": "hello", "stream": stream}
            async with client.post(f"{here}/v1/speak", json=body) as reply:
                assert await reply.read() == AUDIO
    assert (len(silence.forms), len(speech.forms)) == (1, 1)


async def test_errors_stay_json(client: aiohttp.ClientSession) -> None:
    async def refuse(request: web.Request) -> web.StreamResponse:
        return web.json_response({"error": "no such voice"}, status=400)

    async with Provider(refuse).running() as there, gateway([served(there)], providers=[ROW]) as here:
        form = write_form({"model": "voice"}, VOICE)
        headers = {"content-type": form.content_type}
        async with client.post(f"{here}/v1/speak", data=form.data, headers=headers) as reply:
            assert (reply.status, await reply.json()) == (400, {"trouble": "text: expected a field of the form"})
        async with client.post(f"{here}/v1/speak", json={"model": "voice", "text": "hello"}) as reply:
            assert reply.status == 400
            assert "no such voice" in (await reply.json())["trouble"]


async def test_fields_for_json_cannot_be_merged_into_a_form(client: aiohttp.ClientSession) -> None:
    provider = Provider(whole)
    async with (
        provider.running() as there,
        gateway([served(there, extra_body={"speed": 2})], providers=[ROW]) as here,
        client.post(f"{here}/v1/speak", json={"model": "voice", "text": "hello"}) as reply,
    ):
        assert reply.status == 400
        assert "extra_body: expected none" in (await reply.json())["trouble"]
    assert not provider.forms
