"""`dragoman replay`: what the calls of a log would have done under another configuration."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dragoman.gateway._terminal import read_settings, refuse

if TYPE_CHECKING:
    from dragoman.gateway.config import GatewayConfig
    from dragoman.routing._logged import Log
    from dragoman.routing._replay import Replay, Total

__all__ = ["replay"]

_MOST_ROWS = 30


def replay(
    log: Annotated[Path, typer.Option("--log", help="Calls, one JSON object a line.")],
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="The configuration; ./config.yaml if left out.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of chance, where a strategy uses it.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="The same as JSON.")] = False,
) -> None:
    """Show what the calls of a log would have done under a configuration: where they go, what they cost, how long they take.

    The log is the gateway's own, with log_requests and json_logs. Nothing is sent; a call is taken to be answered where it goes."""
    from dragoman.errors import ConfigError
    from dragoman.gateway._secrets import Redactor
    from dragoman.routing._logged import read_log

    settings = read_settings(config, None)
    try:
        with log.open("rb") as lines:
            known = read_log(lines)
    except OSError as error:
        refuse(f"{log} cannot be read: {error.strerror}")
    if not known.calls:
        refuse(f"{log} tells of no call ({known.skipped} other lines): see docs/routing.md for what a line holds")
    try:
        replayed = asyncio.run(_replayed(settings, known, seed))
    except ConfigError as error:
        refuse(error.message)
    said = json.dumps(replayed.as_dict(), indent=2) if as_json else "\n".join(_lines(replayed))
    typer.echo(Redactor(settings.secrets).text(said))


async def _replayed(settings: GatewayConfig, log: Log, seed: int) -> Replay:
    from dragoman.gateway._assembly import offline_router_of
    from dragoman.routing._replay import Then, replay

    then = Then(seed)
    return await replay(offline_router_of(settings, then.clock), log, then)


def _lines(replayed: Replay) -> Iterator[str]:
    yield f"{replayed.calls:,} calls ({replayed.skipped:,} lines tell of none)"
    for name, count in (
        ("as before", replayed.unchanged),
        ("another deployment of the same model", replayed.elsewhere),
        ("another model or provider", replayed.moved),
        ("nowhere", replayed.unroutable),
    ):
        yield f"  {count:>9,}  {name}"
    if replayed.by_fallback:
        yield f"  {replayed.by_fallback:>9,}  of all by a fallback"
    yield f"cost     {_total(replayed.cost, 'US dollars')}"
    yield f"latency  {_total(replayed.milliseconds, 'ms on average')}"
    if replayed.moves:
        yield ""
        yield "moved:"
    for move in replayed.moves[:_MOST_ROWS]:
        yield f"  {move.calls:>9,}  {move.before} -> {move.after}"
        yield f"             cost {_total(move.cost, 'US dollars')}"
        yield f"             latency {_total(move.milliseconds, 'ms on average')}"
    if len(replayed.moves) > _MOST_ROWS:
        yield f"  and {len(replayed.moves) - _MOST_ROWS} more"
    if replayed.reasons:
        yield ""
        yield "nowhere:"
    for reason, count in list(replayed.reasons.items())[:_MOST_ROWS]:
        yield f"  {count:>9,}  {reason}"


def _total(total: Total, unit: str) -> str:
    unknown = f" (unknown for {total.unknown:,} calls)" if total.unknown else ""
    if total.before is None or total.after is None:
        return f"unknown{unknown}"
    return f"{total.before} -> {total.after} {unit}{_change(total)}{unknown}"


def _change(total: Total) -> str:
    before, after = float(total.before or 0), float(total.after or 0)
    return f", {100 * (after / before - 1):+.1f} %" if before else ""
