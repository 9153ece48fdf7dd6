"""`dragoman replay`: what the calls of a log would have done under another configuration."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from dragoman.cli.terminal import ConfigOption, exit_with_error, read_settings

if TYPE_CHECKING:
    from dragoman.gateway.config.gateway_config import GatewayConfig
    from dragoman.routing.clock import Clock
    from dragoman.routing.replay import Log, ReplayedRouter

__all__ = ["replay"]


def replay(
    log: Annotated[Path, typer.Option("--log", help="Calls, one JSON object a line.")],
    config: ConfigOption = None,
    seed: Annotated[int, typer.Option(help="Of chance, where a strategy uses it.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="The same as JSON.")] = False,
) -> None:
    """Replay the calls of a log under another configuration.

    It shows where they go, what they cost, and how long they take. Nothing is sent. The log is the gateway's own, with log_requests
    and json_logs, that of a CallLog, or LiteLLM's spend logs."""
    from dragoman.cli.replay_text import replay_text
    from dragoman.errors import ConfigError
    from dragoman.gateway.logs.redactor import Redactor
    from dragoman.routing.replay import replay as replayed

    settings = read_settings(config, None)
    try:
        with contextlib.closing(_read(log)) as calls:
            report = replayed(calls, lambda clock: _router(settings, clock), seed)
    except ConfigError as error:
        exit_with_error(error.message)
    said = json.dumps(report.as_dict(), indent=2) if as_json else replay_text(report)
    typer.echo(Redactor(settings.secrets).text(said))


def _read(path: Path) -> Log:
    from dragoman.routing.replay import read_log

    try:
        with path.open("rb") as lines:
            log = read_log(lines)
    except OSError as error:
        exit_with_error(f"{path} cannot be read: {error.strerror}")
    if not log.calls:
        _refuse_empty(path, log)
    return log


def _refuse_empty(path: Path, log: Log) -> NoReturn:
    if not (log.skipped or log.malformed):
        exit_with_error(f"{path} is empty")
    if log.malformed and not log.skipped and all("not JSON" in reason for _, reason in log.malformed_lines):
        exit_with_error(
            f"{path} is no JSON log: write it with `dragoman serve --log-format json` and log_requests: true"
        )
    wrong = "".join(f"\n  line {number}: {reason}" for number, reason in log.malformed_lines)
    others = f"lines that tell of something else: {log.skipped}, malformed: {log.malformed}"
    exit_with_error(f"{path} tells of no call ({others}): see docs/observability.md for what a line holds{wrong}")


def _router(config: GatewayConfig, clock: Clock) -> ReplayedRouter:
    """It asks nobody how he is, and its calls are no reason for an alarm."""
    from dragoman.gateway.assembly import router_of_kind, without_shared_state
    from dragoman.routing.replay import ReplayedRouter
    from dragoman.routing.settings.fallback_alert import FallbackAlert

    settings = replace(without_shared_state(config).router, health_check=None, fallback_alert=FallbackAlert(rate=1.0))
    return router_of_kind(ReplayedRouter, replace(config, router=settings), clock=clock)[0]
