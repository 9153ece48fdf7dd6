"""`dragoman simulate`: a plain function, for typer to mount."""

from __future__ import annotations

from typing import Annotated, NoReturn

import typer

from dragoman.simulator.app import SimulatorSettings
from dragoman.simulator.faults import Faults
from dragoman.simulator.server import serve

__all__ = ["app", "simulate"]


def simulate(
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on; 0: any free one.")] = 4010,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    seed: Annotated[int, typer.Option(help="Another seed gives other answers.")] = 0,
    latency: Annotated[float, typer.Option(help="Seconds before the headers.")] = 0.0,
    rate: Annotated[float, typer.Option(help="Chunks per second of a stream; 0: as fast as can be.")] = 0.0,
    slow_first: Annotated[float, typer.Option(help="Seconds between the headers and the first chunk.")] = 0.0,
    error: Annotated[
        str, typer.Option(help="Every call fails with this status, or: context, filter, quota, overloaded.")
    ] = "",
    error_rate: Annotated[float, typer.Option(help="The share of calls that fail, from 0 to 1.")] = 0.0,
    retry_after: Annotated[str, typer.Option(help="Seconds that a failing call names.")] = "",
    faults: Annotated[str, typer.Option(help="Anything of `x-simulate`, e.g. 'cut=3; times=1'.")] = "",
    fast: Annotated[bool, typer.Option(help="Fixed answers, nothing checked: for load tests.")] = False,
) -> None:
    """Play OpenAI, Anthropic and Gemini on one port."""
    try:
        base = Faults(
            latency=latency,
            rate=rate,
            slow_first=slow_first,
            error=error,
            error_rate=error_rate,
            retry_after=retry_after,
        )
        settings = SimulatorSettings(seed, base.with_changes(faults), fast)
    except ValueError as invalid:
        _exit_with_error(str(invalid))
    try:
        serve(settings, host=host, port=port)
    except OSError as failure:
        _exit_with_error(f"cannot listen on {host}:{port}: {failure.strerror}")


def _exit_with_error(message: str) -> NoReturn:
    typer.echo(f"dragoman: {message}", err=True)
    raise typer.Exit(2)


app = typer.Typer(add_completion=False)
app.command()(simulate)


if __name__ == "__main__":
    app()
