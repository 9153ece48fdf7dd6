"""The recorded traffic of real providers, read from `../shared/recordings` (see CONTRIBUTING.md).

Where they are missing, tests that need them are skipped with the reason; under CI=true they fail.
"""

from __future__ import annotations

import base64
import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

_FOLDER = Path(os.environ.get("DRAGOMAN_RECORDINGS") or Path(__file__).parents[2] / "shared" / "recordings")


@dataclass(frozen=True)
class Recording:
    """One HTTP exchange."""

    id: str
    provider: str
    endpoint: str
    stream: bool
    status: int
    model: str
    features: frozenset[str]
    fidelity: str

    @functools.cached_property
    def data(self) -> dict[str, Any]:
        loaded: dict[str, Any] = orjson.loads((_FOLDER / self.provider / f"{self.id}.json").read_bytes())
        return loaded

    @property
    def request_body(self) -> Any:
        """Parsed JSON, or None where no request was kept."""
        return (self.data.get("request") or {}).get("body")

    @property
    def url(self) -> str:
        return str((self.data.get("request") or {}).get("url") or "")

    @property
    def response_headers(self) -> dict[str, str]:
        return {name.lower(): str(value) for name, value in (self.data["response"].get("headers") or {}).items()}

    @property
    def response_body(self) -> Any:
        """Parsed JSON for whole answers; for streams see `response_bytes`."""
        return self.data["response"]["body"]

    @property
    def response_bytes(self) -> bytes:
        body = self.data["response"]["body"]
        if self.data["response"].get("encoding") == "base64":
            return base64.b64decode(body)
        return body.encode() if isinstance(body, str) else orjson.dumps(body)


@functools.cache
def all_recordings() -> tuple[Recording, ...]:
    index = _FOLDER / "index.jsonl"
    if not index.exists():
        return ()
    rows = (orjson.loads(line) for line in index.read_bytes().splitlines())
    return tuple(
        Recording(
            row["id"],
            row["provider"],
            row["endpoint"],
            bool(row["stream"]),
            row["status"],
            row["model"],
            frozenset(row["features"]),
            row["fidelity"],
        )
        for row in rows
    )


def recordings(
    *endpoints: tuple[str, str],
    stream: bool | None = None,
    ok: bool | None = True,
    where: Callable[[Recording], bool] = lambda _recording: True,
) -> list[Any]:
    """Parameters for `pytest.mark.parametrize`: the recordings of these (provider, endpoint) pairs, `*` for any provider."""
    chosen = [
        recording
        for recording in all_recordings()
        if any(
            endpoint == recording.endpoint and provider in ("*", recording.provider) for provider, endpoint in endpoints
        )
        and (stream is None or recording.stream == stream)
        and (ok is None or (recording.status < 400) == ok)
        and where(recording)
    ]
    if chosen:
        return [pytest.param(recording, id=f"{recording.provider}-{recording.id}") for recording in chosen]
    return [pytest.param(None, marks=_missing(), id="no-recordings")]


def pairs() -> list[Any]:
    """Parameters: one conversation in several dialects each, as parsed JSON."""
    files = sorted((_FOLDER / "_pairs").glob("*.json"))
    if files:
        return [pytest.param(orjson.loads(file.read_bytes()), id=file.stem) for file in files]
    return [pytest.param(None, marks=_missing(), id="no-recordings")]


def _missing() -> Any:
    if os.environ.get("CI") == "true":
        return pytest.mark.missing_recordings
    return pytest.mark.skip(reason=f"the recordings are not at {_FOLDER}")
