"""Read a configuration for a command, and report errors and warnings on the terminal."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeAlias

import typer

if TYPE_CHECKING:
    from dragoman.gateway.config.gateway_config import GatewayConfig

__all__ = ["DEFAULT_CONFIG", "HELP", "ConfigOption", "exit_with_error", "read_settings", "tell_hints", "warn"]

DEFAULT_CONFIG = Path("config.yaml")
_NUMBER = re.compile(r"\[\d+\]")
HELP: dict[str, Any] = {"help_option_names": ["-h", "--help"]}
"""Settings of every command."""
ConfigOption: TypeAlias = Annotated[
    Path | None, typer.Option("--config", "-c", help="The configuration; ./config.yaml if left out.")
]


def read_settings(path: Path | None, host: str | None) -> GatewayConfig:
    """Return the configuration. Problems end the program; what has no effect is a warning."""
    from dragoman.errors import ConfigError
    from dragoman.gateway.config.gateway_config import read_config
    from dragoman.gateway.master_key import check_master_key

    if path is None:
        if not DEFAULT_CONFIG.exists():
            exit_with_error("there is no configuration: name one with --config config.yaml (see docs/configuration.md)")
        path = DEFAULT_CONFIG
    try:
        settings = read_config(path)
        warning = check_master_key(settings.master_key, host, settings.permit_weak_key)
    except ConfigError as error:
        exit_with_error(f"{path} is refused:\n  " + error.message.replace("\n", "\n  "))
    if warning:
        warn(warning)
    if settings.unsupported:
        warn(_without_effect(settings.unsupported))
    return settings


def _without_effect(paths: Iterable[str]) -> str:
    """Name the paths without effect, and below them what to use instead."""
    from dragoman.litellm.unsupported import hint_of_key

    groups = list(_grouped(paths))
    hints: dict[str, list[str]] = {}
    for group in groups:
        if hint := hint_of_key(group.partition(" (")[0]):
            hints.setdefault(hint, []).append(group.partition(" (")[0].rpartition(".")[2])
    lines = [f"  {', '.join(dict.fromkeys(names))}: {hint}" for hint, names in hints.items()]
    first = f"known to LiteLLM and not supported here yet, so without effect: {', '.join(groups)}"
    return "\n".join((first, *lines))


def _grouped(paths: Iterable[str]) -> Iterator[str]:
    """Yield the paths, one for all that differ in the numbers of entries only."""
    groups: dict[str, list[str]] = {}
    for path in paths:
        groups.setdefault(_NUMBER.sub("[*]", path), []).append(path)
    for pattern, found in groups.items():
        yield found[0] if len(found) == 1 else f"{pattern} ({len(found):,} times)"


def tell_hints(settings: GatewayConfig) -> None:
    """Warn of what is allowed and probably a mistake."""
    for hint in settings.hints:
        warn(hint)


def exit_with_error(message: str) -> NoReturn:
    """End the program with status 2."""
    typer.echo(f"dragoman: {message}", err=True)
    sys.exit(2)


def warn(message: str) -> None:
    typer.secho(f"warning: {message}", fg=typer.colors.YELLOW, err=True)
