"""What our code cannot read of an answer, or cannot write for the caller, is a failure of the provider: another takes over."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson
import pytest

from dragoman import errors
from dragoman.dialects.codec import Payload
from dragoman.providers import Provider
from dragoman.routing import Answer, Deployment, StreamAnswer
from tests.routing.test_router import Make, chat, text_of
from tests.routing.upstream import Upstream

SETTINGS = {"fallbacks": {"smart": ("backup",)}, "num_retries": 0}


class _Broken:
    """A stream's reader with a fault that shows after some chunks."""

    def __init__(self, reader: Any, good: int) -> None:
        self._reader = reader
        self._good = good
        self.finished = self.complete = False

    def feed(self, data: bytes) -> Iterator[Any]:
        for chunk in self._reader.feed(data):
            if self._good == 0:
                raise KeyError("secret words of the answer")
            self._good -= 1
            yield chunk

    def close(self) -> Iterator[Any]:
        yield from self._reader.close()


def _broken_provider(upstream: Upstream, good: int = 0) -> Provider:
    """A provider of a dialect whose readers have a fault."""

    def fail(*_: Any) -> Any:
        raise KeyError("secret words of the answer")

    provider = upstream.provider("odd")
    endpoint = provider.endpoints["chat"]
    reader = endpoint.codec.stream_reader
    assert reader is not None
    codec = replace(
        endpoint.codec,
        read_response=fail,
        read_error=fail,
        stream_reader=lambda context: _Broken(reader(context), good),
        stream_relay=None,
    )
    return replace(provider, endpoints={**provider.endpoints, "chat": replace(endpoint, codec=codec)})


def _deployments(upstream: Upstream, model: str = "sim", good: int = 0) -> tuple[Deployment, Deployment]:
    return (
        replace(upstream.deployment("smart", model), provider=_broken_provider(upstream, good)),
        upstream.deployment("backup", "sim"),
    )


@pytest.mark.parametrize("stream", [False, True])
async def test_what_cannot_be_read_falls_over(
    upstream: Upstream, make: Make, stream: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        answer = await make(*_deployments(upstream), settings=SETTINGS).answer(chat("smart", stream=stream))
    assert "Hello" in await text_of(answer)
    failed, _ = answer.attempts
    assert (failed.error, failed.status, failed.code) == (
        "APIResponseValidationError",
        502,
        "invalid_provider_response",
    )
    [record] = [record for record in caplog.records if record.exc_info]
    assert record.exc_info is not None
    assert record.exc_info[0] is KeyError


@pytest.mark.parametrize("stream", [False, True])
async def test_an_error_that_cannot_be_read_keeps_its_status(upstream: Upstream, make: Make, stream: bool) -> None:
    answer = await make(*_deployments(upstream, "sim[error=429]"), settings=SETTINGS).answer(
        chat("smart", stream=stream)
    )
    assert answer.attempts[0].status == 429
    assert "Hello" in await text_of(answer)


async def test_what_cannot_be_read_in_the_middle_of_a_stream_ends_it(upstream: Upstream, make: Make) -> None:
    answer = await make(*_deployments(upstream, good=4), settings=SETTINGS).answer(chat("smart", stream=True))
    assert isinstance(answer, StreamAnswer)
    assert len(answer.attempts) == 1
    with pytest.raises(errors.APIResponseValidationError) as caught:
        await text_of(answer)
    assert "secret" not in str(caught.value)


async def test_what_cannot_be_written_falls_over(upstream: Upstream, make: Make) -> None:
    written = 0

    def write(response: Any) -> Payload:
        nonlocal written
        written += 1
        if written == 1:
            raise TypeError("unhashable type")
        return Payload(orjson.dumps(response), "application/json")

    deployments = upstream.deployment("smart", "sim"), upstream.deployment("backup", "sim")
    answer = await make(*deployments, settings=SETTINGS).answer(replace(chat("smart"), write=write))
    assert isinstance(answer, Answer)
    assert [attempt.error for attempt in answer.attempts] == ["APIResponseValidationError", None]
    assert answer.written == Payload(orjson.dumps(answer.response), "application/json")
