"""`dragoman serve | check | demo | simulate | prices | explain | replay | version`. A command imports what it needs late."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from socket import socket
from typing import TYPE_CHECKING, Annotated, TypeAlias, TypeVar

import typer

from dragoman.cli import explain, prices, replay
from dragoman.cli.terminal import DEFAULT_CONFIG, HELP, ConfigOption, exit_with_error, read_settings, tell_hints
from dragoman.gateway.logs.setup import Level, LogFormat, set_up
from dragoman.gateway.wording import counted

if TYPE_CHECKING:
    from dragoman.gateway.config.gateway_config import GatewayConfig

__all__ = ["app", "check", "demo", "run", "serve", "simulate", "version"]

app = typer.Typer(
    name="dragoman",
    help="One gateway to every large language model.",
    no_args_is_help=True,
    invoke_without_command=True,
    context_settings=HELP,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(prices.app)
app.command()(explain.explain)
app.command()(replay.replay)

_T = TypeVar("_T")
_CANNOT_START = 2
_MOST_MODELS = 50
"""Of the list at the start."""
_Host: TypeAlias = Annotated[str, typer.Option(help="The address to listen on.")]
_Port: TypeAlias = Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")]
_LogLevel: TypeAlias = Annotated[
    Level | None,
    typer.Option(
        envvar="DRAGOMAN_LOG_LEVEL",
        case_sensitive=False,
        help="The least important lines that are logged; info if left out.",
    ),
]
_LogFormat: TypeAlias = Annotated[
    LogFormat | None,
    typer.Option(
        envvar="DRAGOMAN_LOG_FORMAT",
        case_sensitive=False,
        help="Lines for people, or one JSON object a line.",
    ),
]


def run() -> None:
    """Run the command line: the entry point."""
    app()


def _print_version(wanted: bool) -> None:
    if wanted:
        version()
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version.")
    ] = False,
    config: Annotated[Path | None, typer.Option("--config", "-c", hidden=True)] = None,
) -> None:
    """One gateway to every large language model."""
    if config is not None:
        exit_with_error(f"--config belongs to a command: dragoman serve --config {config}")


@app.command()
def serve(
    path: Annotated[Path | None, typer.Argument(metavar="CONFIG", help="The configuration to serve.")] = None,
    config: ConfigOption = None,
    host: _Host = "127.0.0.1",
    port: _Port = 4000,
    log_level: _LogLevel = None,
    log_format: _LogFormat = None,
) -> None:
    """Serve the models of a configuration."""
    settings = read_settings(_one_of(path, config), host)
    tell_hints(settings)
    _run(settings, host, port, (log_level, log_format), lambda address: _announce(settings, address))


@app.command()
def demo(
    host: _Host = "127.0.0.1", port: _Port = 4000, log_level: _LogLevel = None, log_format: _LogFormat = None
) -> None:
    """Serve the providers whose keys are set, or simulated ones."""
    from dragoman.cli.demo import demo as prepared

    with prepared() as it:
        settings = read_settings(it.config, host)
        _run(settings, host, port, (log_level, log_format), lambda address: typer.echo(it.invitation(address)))


@app.command()
def check(
    path: Annotated[Path | None, typer.Argument(metavar="CONFIG", help="The configuration to look at.")] = None,
    config: ConfigOption = None,
) -> None:
    """Check a configuration, and name all that is wrong with it."""
    from dragoman.gateway.assembly import offline_router_of

    path = _one_of(path, config)
    settings = read_settings(path, None)
    path = path or DEFAULT_CONFIG
    tell_hints(settings)
    _or_exit(lambda: offline_router_of(settings))
    models = counted(len({deployment.alias for deployment in settings.deployments}), "model")
    typer.echo(f"{path}: in order ({models}, {counted(len(settings.deployments), 'deployment')})")


@app.command(
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
)
def simulate(context: typer.Context) -> None:
    """Play OpenAI, Anthropic and Gemini on one port."""
    from dragoman.simulator.cli import simulate as play

    program = typer.Typer(
        add_completion=False, context_settings=HELP, pretty_exceptions_enable=False, rich_markup_mode=None
    )
    program.command()(play)
    program(context.args, prog_name="dragoman simulate")


@app.command()
def version() -> None:
    """Print the version."""
    from dragoman import __version__

    typer.echo(__version__)


def _one_of(path: Path | None, config: Path | None) -> Path | None:
    """Return the configuration that is named, as an argument or as an option."""
    if path is not None and config is not None and path != config:
        exit_with_error("two configurations are named: name one")
    return path or config


def _run(
    settings: GatewayConfig,
    host: str,
    port: int,
    log: tuple[Level | None, LogFormat | None],
    announce: Callable[[str], None],
) -> None:
    """Serve until stopped. `log` is the level and the format; None: as configured."""
    from dragoman.gateway import server
    from dragoman.gateway.app import Gateway
    from dragoman.gateway.config.gateway_config import export
    from dragoman.gateway.logs.redactor import Redactor

    listener = _bound(host, port)
    export(settings)
    level, form = log
    set_up(
        Redactor(settings.secrets),
        level=level or (Level.DEBUG if settings.verbose else Level.INFO),
        json=form is LogFormat.JSON if form else settings.json_logs,
        requests=settings.log_requests,
    )
    with listener:
        gateway = _or_exit(lambda: Gateway(settings, loopback_only=not settings.permit_weak_key))
        address = server.address_of(listener, host)
        if not server.serve(gateway, listener, lambda: announce(address)):
            raise typer.Exit(_CANNOT_START)


def _or_exit(make: Callable[[], _T]) -> _T:
    """Return what `make` returns; a `ConfigError` ends the program."""
    from dragoman.errors import ConfigError

    try:
        return make()
    except ConfigError as error:
        exit_with_error("the configuration is refused:\n  " + error.message.replace("\n", "\n  "))


def _bound(host: str, port: int) -> socket:
    from dragoman.errors import ConfigError
    from dragoman.gateway.server import bind

    try:
        return bind(host, port)
    except ConfigError as error:
        exit_with_error(error.message)


def _announce(settings: GatewayConfig, address: str) -> None:
    """Print the models that are served, once they are."""
    models: dict[str, list[str]] = {}
    for deployment in settings.deployments:
        models.setdefault(deployment.alias, []).append(f"{deployment.provider.name}/{deployment.model}")
    shown = [(alias, ", ".join(targets)) for alias, targets in models.items()]
    shown += [(alias, f"= {target}") for alias, target in settings.aliases.items()]
    width = max((len(alias) for alias, _ in shown[:_MOST_MODELS]), default=0)
    for alias, target in shown[:_MOST_MODELS]:
        typer.echo(f"  {alias:<{width}}  {target}")
    if len(shown) > _MOST_MODELS:
        typer.echo(f"  ... and {len(shown) - _MOST_MODELS:,} more")
    patterns = sum("*" in alias for alias in models)
    number = counted(len(models) - patterns, "model")
    if patterns:
        number = (
            f"{number} and {counted(patterns, 'pattern')}" if patterns < len(models) else counted(patterns, "pattern")
        )
    typer.echo(f"serving {number} on {address} (OpenAI: {address}/v1, Anthropic and Gemini: {address})")
