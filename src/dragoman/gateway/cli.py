"""`dragoman serve | check | demo | simulate | version`. What a command needs is imported when it runs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from socket import socket
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

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
_DEFAULT = Path("config.yaml")


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
    settings = _read(config, host)
    _run(settings, host, port, lambda address: _announce(settings, address))


@app.command()
def demo(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 4000,
) -> None:
    """Serve something to try at once: the providers whose keys are set, or simulated ones."""
    from dragoman.gateway.demo import demo as prepared

    with prepared() as it:
        _run(_read(it.config, host), host, port, lambda address: typer.echo(it.invitation(address)))


@app.command()
def check(config: Annotated[Path, typer.Argument(help="The configuration to look at.")] = _DEFAULT) -> None:
    """Say whether a configuration is in order, and all that is wrong with it."""
    settings = _read(config, None)
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


def _read(path: Path | None, host: str | None) -> GatewayConfig:
    """The configuration; what is wrong with it ends the program, what is doubtful is told."""
    from dragoman.errors import ConfigError
    from dragoman.gateway.config import read_config
    from dragoman.gateway.gate import check_master_key

    if path is None:
        if not _DEFAULT.exists():
            _refuse("there is no configuration: name one with --config config.yaml (see docs/configuration.md)")
        path = _DEFAULT
    try:
        settings = read_config(path)
        warning = check_master_key(settings.master_key, host, settings.permit_weak_key)
    except ConfigError as error:
        _refuse(f"{path} is refused:\n  " + error.message.replace("\n", "\n  "))
    if warning:
        _warn(warning)
    if settings.unsupported:
        _warn("known to LiteLLM and not supported here yet, so without effect: " + ", ".join(settings.unsupported))
    return settings


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
        _refuse(error.message)


def _refuse(message: str) -> NoReturn:
    typer.echo(f"dragoman: {message}", err=True)
    sys.exit(2)


def _warn(message: str) -> None:
    typer.secho(f"warning: {message}", fg=typer.colors.YELLOW, err=True)


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
