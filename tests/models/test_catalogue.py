"""The catalogue: exact look-ups, rows laid over it, from many threads."""

from __future__ import annotations

import concurrent.futures
import random
import threading
from pathlib import Path

import pytest

from dragoman.errors import ConfigError
from dragoman.models import Catalogue
from dragoman.models._catalogue import _KEPT
from dragoman.models._names import LONGEST_NAME
from dragoman.models.provider_rows import SHIPPED
from dragoman.providers import Providers
from dragoman.types.model_entry import ModelEntry, PricePeriod, Rate


def entry(provider: str, model: str, dollars: int = 1, *aliases: str) -> ModelEntry:
    rates = {"input": Rate(dollars * 1_000_000_000)}
    return ModelEntry(provider=provider, model=model, aliases=aliases, prices=(PricePeriod(rates),))


def input_rate(found: ModelEntry | None) -> int | None:
    return None if found is None else found.prices[0].rates["input"].base // 1_000_000_000


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue()


def test_it_knows_thousands_of_models_with_their_prices(catalogue: Catalogue) -> None:
    entries = list(catalogue.entries())
    assert len(entries) >= 4_000
    assert len({(found.provider, found.model.lower()) for found in entries}) == len(entries)
    priced = [found for found in entries if found.prices]
    assert len(priced) > 0.9 * len(entries)
    for found in priced:
        said = found.price_provenance
        assert said is not None
        assert said.version
        assert said.as_of is not None
    assert all(type(rate.base) is int for found in priced for period in found.prices for rate in period.rates.values())


def test_every_row_is_found_by_its_name_and_its_aliases_and_no_name_is_there_twice(catalogue: Catalogue) -> None:
    for provider in {found.provider for found in catalogue.entries()}:
        entries = list(catalogue.entries(provider))
        names = [name.lower() for found in entries for name in (found.model, *found.aliases)]
        assert len(set(names)) == len(names), provider
        for found in entries[:40]:
            assert catalogue.find(provider, found.model) == found
            assert all(getattr(catalogue.find(provider, alias), "model", "") == found.model for alias in found.aliases)


def test_a_found_entry_is_kept(catalogue: Catalogue) -> None:
    assert catalogue.find("openai", "gpt-4o") is catalogue.find("openai", "gpt-4o")


def test_what_is_kept_is_bounded(catalogue: Catalogue) -> None:
    for number in range(_KEPT + 10):
        catalogue.find("openai", f"no-such-{number}")
    assert len(catalogue._found) <= _KEPT
    assert catalogue.find("openai", "x" * (LONGEST_NAME + 1)) is None
    assert ("openai", "x" * (LONGEST_NAME + 1)) not in catalogue._found


def test_an_added_row_wins_and_is_gone_when_removed(catalogue: Catalogue) -> None:
    shipped = catalogue.find("openai", "gpt-4o")
    version = catalogue.version
    catalogue.add(entry("openai", "GPT-4o", 77))
    assert catalogue.version > version
    assert input_rate(catalogue.find("openai", "gpt-4o")) == 77
    assert [found.model for found in catalogue.entries("openai") if found.model.lower() == "gpt-4o"] == ["GPT-4o"]
    catalogue.add(entry("openai", "gpt-4o", 78))
    assert input_rate(catalogue.find_named("gpt-4o")) == 78
    version = catalogue.version
    assert catalogue.remove("openai", "gpt-4o")
    assert catalogue.version > version
    assert catalogue.find("openai", "gpt-4o") == shipped
    assert not catalogue.remove("openai", "gpt-4o")
    assert Catalogue().find("openai", "gpt-4o") == shipped


def test_an_added_row_is_found_by_alias_and_rule_and_under_every_name_of_its_provider(catalogue: Catalogue) -> None:
    catalogue.add(entry("fireworks-ai", "mine", 5, "ours"))
    assert input_rate(catalogue.find("fireworks_ai", "mine")) == 5
    assert input_rate(catalogue.find("fireworks", "OURS")) == 5
    assert getattr(catalogue.find("fireworks", "ours"), "matched_by", None) == "alias"
    dated = catalogue.find("fireworks_ai", "mine-2025-01-01")
    assert dated is not None
    assert (dated.model, dated.matched_by) == ("mine", "date suffix")
    catalogue.add(entry("my-own-server", "m"))
    assert catalogue.find_named("my-own-server/m") is not None
    assert [found.name for found in catalogue.entries("my-own-server")] == ["my-own-server/m"]


def test_a_row_over_a_shipped_one_counts_for_the_shipped_aliases_too(catalogue: Catalogue) -> None:
    assert getattr(catalogue.find("openai", "gpt-4-0613"), "matched_by", None) == "alias"
    catalogue.add(entry("openai", "gpt-4", 77))
    assert input_rate(catalogue.find("openai", "gpt-4-0613")) == 77


def test_many_rows_change_in_one_step(catalogue: Catalogue) -> None:
    catalogue.update([entry("p", "a"), entry("p", "b"), entry("q", "c")])
    version = catalogue.version
    assert catalogue.update([entry("p", "d")], [("p", "a"), ("q", "c"), ("q", "never")])
    assert catalogue.version == version + 1
    assert [found.name for provider in "pq" for found in catalogue.entries(provider)] == ["p/b", "p/d"]
    assert not catalogue.update([], [("p", "never")])
    assert catalogue.version == version + 1


def test_every_provider_is_known_under_every_name_it_has(catalogue: Catalogue) -> None:
    providers = Providers()
    for name in providers.names():
        for alias in providers.find(name).aliases:
            assert catalogue.provider_name(alias) == catalogue.provider_name(name), alias


def test_a_folder_of_somebody_else_may_be_written_otherwise(tmp_path: Path) -> None:
    (tmp_path / "sources.json").write_bytes((SHIPPED / "sources.json").read_bytes())
    (tmp_path / "p.jsonl").write_text(
        '{ "model": "Größe", "aliases": ["Grösse"], "provider": "p" }\n{"provider":"p","model":"b","can":["vision"]}'
    )
    own = Catalogue(tmp_path)
    assert [found.model for found in own.entries()] == ["b", "Größe"]
    assert own.find_named("p/GRÖSSE") is not None
    assert own.find("openai", "gpt-4o") is None


def test_a_file_that_is_no_catalogue_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "sources.json").write_bytes((SHIPPED / "sources.json").read_bytes())
    (tmp_path / "q.jsonl").write_text('{"provider":"q","model":"b"}\n{"model":1}\n')
    with pytest.raises(ConfigError, match=r"q\.jsonl:2"):
        Catalogue(tmp_path).find("q", "b")


def test_fifty_threads_find_and_add_at_once(catalogue: Catalogue) -> None:
    start = threading.Barrier(50)

    def work(number: int) -> None:
        order = random.Random(number)
        start.wait(30)
        for step in range(1, 41):
            catalogue.add(entry("shared", f"m{number}", step))
            # What was added is seen by whoever added it, also right after somebody else's change.
            assert input_rate(catalogue.find("shared", f"m{number}")) == step
            assert catalogue.find("openai", order.choice(("gpt-4o", "gpt-4.1", "gpt-4o-2024-08-06"))) is not None
            assert catalogue.find("shared", f"never-{step}") is None
            other = input_rate(catalogue.find("shared", f"m{order.randrange(50)}"))
            assert other is None or 1 <= other <= 40

    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        list(pool.map(work, range(50)))
    assert catalogue.version == 50 * 40
    assert [input_rate(found) for found in catalogue.entries("shared")] == [40] * 50
