"""`dragoman explain`: show what would happen to a request under a configuration, without sending it."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dragoman.cli.terminal import ConfigOption, exit_with_error, read_settings

if TYPE_CHECKING:
    from dragoman.gateway.config.gateway_config import GatewayConfig
    from dragoman.routing import Explanation

__all__ = ["explain"]

_FAILS = 1


def explain(
    request: Annotated[
        Path, typer.Argument(help="A file with the request's body, as it would be posted; -: standard input.")
    ],
    config: ConfigOption = None,
    dialect: Annotated[
        str | None, typer.Option(help="openai, anthropic or gemini, where that cannot be seen from the body.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as JSON.")] = False,
) -> None:
    """Show where a request would go and why, and what it can cost.

    It shows what follows if that fails, too. Nothing is sent. It is as if the gateway had just been started: all deployments are
    well and nothing of their limits is used. A running gateway answers the same for its own state at POST /v1/routing/explain."""
    from dragoman.cli.explain_text import explanation_text
    from dragoman.errors import DragomanError

    settings = read_settings(config, None)
    raw = _read(request)
    try:
        explained = asyncio.run(_explained(settings, raw, dialect))
    except DragomanError as error:
        exit_with_error(f"{request}: {error.message}")
    typer.echo(_redacted(settings, explained, as_json, explanation_text))
    if explained.refusal is not None:
        raise typer.Exit(_FAILS)


def _read(request: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(request) == "-" else request.read_bytes()
    except OSError as error:
        exit_with_error(f"{request} cannot be read: {error.strerror}")


def _redacted(settings: GatewayConfig, explained: Explanation, as_json: bool, text: Any) -> str:
    from dragoman.gateway.logs.redactor import Redactor

    said = json.dumps(explained.as_dict(), indent=2) if as_json else text(explained)
    return Redactor(settings.secrets).text(said)


async def _explained(settings: GatewayConfig, raw: bytes, dialect: str | None) -> Explanation:
    from dragoman.gateway.assembly import offline_router_of
    from dragoman.gateway.config.gateway_config import export
    from dragoman.gateway.pages.routing import read_call

    export(settings)
    return await offline_router_of(settings).explain(read_call(raw, settings.limits, {}, dialect))
