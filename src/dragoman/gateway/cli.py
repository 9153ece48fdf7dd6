"""`dragoman serve | check | demo | simulate | prices | explain | replay | version`. What one needs is imported when it runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from socket import socket
from typing import TYPE_CHECKING, Annotated

import typer

from dragoman.gateway import explain_cli, prices_cli, replay_cli
from dragoman.gateway._terminal import DEFAULT_CONFIG, read_settings, refuse

if TYPE_CHECKING:
    from dragoman.gateway.config import GatewayConfig

__all__ = ["app", "check", "demo", "run", "serve", "simulate", "version"]

app = typer.Typer(
    name="dragoman",
    help="One gateway to every large language model.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(prices_cli.app)
app.command()(explain_cli.explain)
app.command()(replay_cli.replay)


def run() -> None:
    """The entry point."""
    app()


@app.command()
def serve(
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="The configuration; ./config.yaml if left out.")
    ] = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 4000,
) -> None:
    """Serve the models of a configuration."""
    settings = read_settings(config, host)
    _run(settings, host, port, lambda address: _announce(settings, address))


@app.command()
def demo(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 4000,
) -> None:
    """Serve something to try at once: the providers whose keys are set, or simulated ones."""
    from dragoman.gateway.demo import demo as prepared

    with prepared() as it:
        _run(read_settings(it.config, host), host, port, lambda address: typer.echo(it.invitation(address)))


@app.command()
def check(config: Annotated[Path, typer.Argument(help="The configuration to look at.")] = DEFAULT_CONFIG) -> None:
    """Say whether a configuration is in order, and all that is wrong with it."""
    settings = read_settings(config, None)
    count = len({deployment.alias for deployment in settings.deployments})
    typer.echo(f"{config}: in order (models: {count}, deployments: {len(settings.deployments)})")


@app.command(add_help_option=False, context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
def simulate(context: typer.Context) -> None:
    """Play the providers: a server that speaks OpenAI's, Anthropic's and Gemini's dialects."""
    from dragoman.simulator.cli import simulate as play

    program = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    program.command()(play)
    program(context.args, prog_name="dragoman simulate")


@app.command()
def version() -> None:
    """Print the version."""
    from importlib.metadata import version as installed

    typer.echo(installed("dragoman"))


def _run(settings: GatewayConfig, host: str, port: int, announce: Callable[[str], None]) -> None:
    """Serve until told to stop."""
    from dragoman.gateway import server
    from dragoman.gateway._secrets import Redactor
    from dragoman.gateway.app import Gateway
    from dragoman.gateway.config import export
    from dragoman.gateway.logs import set_up

    listener = _or_exit(lambda: server.bind(host, port))
    export(settings)
    set_up(
        Redactor(settings.secrets), json=settings.json_logs, verbose=settings.verbose, requests=settings.log_requests
    )
    gateway = Gateway(settings, loopback_only=not settings.permit_weak_key)
    address = f"http://{'[' + host + ']' if ':' in host else host}:{listener.getsockname()[1]}"
    server.serve(gateway, listener, lambda: announce(address))


def _or_exit(bind: Callable[[], socket]) -> socket:
    from dragoman.errors import ConfigError

    try:
        return bind()
    except ConfigError as error:
        refuse(error.message)


def _announce(settings: GatewayConfig, address: str) -> None:
    """What is served, once it is."""
    models: dict[str, list[str]] = {}
    for deployment in settings.deployments:
        models.setdefault(deployment.alias, []).append(f"{deployment.provider.name}/{deployment.model}")
    width = max(map(len, models), default=0)
    for alias, targets in models.items():
        typer.echo(f"  {alias:<{width}}  {', '.join(targets)}")
    for alias, target in settings.aliases.items():
        typer.echo(f"  {alias:<{width}}  = {target}")
    typer.echo(f"serving {len(models)} models on {address} (OpenAI: {address}/v1, Anthropic and Gemini: {address})")
