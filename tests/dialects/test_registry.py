"""Dialects are found by one registry, and one from another distribution is played like ours: provider, gateway, router, replay."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from dragoman.dialects import registry
from dragoman.dialects.dialect import CallerRoute, Dialect
from dragoman.errors import ConfigError, NotFoundError
from dragoman.gateway.config.gateway_config import parse_config
from dragoman.gateway.routes import RouteTable
from dragoman.providers import Providers, provider_from_mapping
from dragoman.routing import Answer, Call, CallOptions, CallRouter, Deployment
from dragoman.routing.settings.routes import parse_routes
from dragoman.types.operations import EMBEDDING, OPERATIONS, Operation
from tests.dialects.sham_rerank import DIALECT, RERANK
from tests.gateway.replaying import call, entry, kinds, run
from tests.gateway.serving import KEY, Upstream, gateway, serving

BODY = {"model": "ranker", "question": "Which?", "texts": ["a cat", "a dog"]}
REPLY = {"ranking": [[1, 0.9], [0, 0.2]], "read": 7}
ROW = {"name": "quarry", "base_url": "http://127.0.0.1:9/v1", "dialect": "sham", "operations": ["rerank"]}
Install = Callable[[str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs a distribution with entry points, as an installer leaves it behind."""

    def add(entry_points: str) -> None:
        info = tmp_path / "sham-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sham\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{registry.ENTRY_POINTS}]\n{entry_points}\n")
        registry._installed.cache_clear()

    monkeypatch.syspath_prepend(str(tmp_path))
    yield add
    registry._installed.cache_clear()


@pytest.fixture
def sham(install: Install) -> None:
    install("sham = tests.dialects.sham_rerank:DIALECT")


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    """A caller with the gateway's key."""
    async with aiohttp.ClientSession(headers={"authorization": f"Bearer {KEY}"}) as session:
        yield session


def served(url: str, name: str = "ranker", **more: Any) -> dict[str, Any]:
    return {"model_name": name, "litellm_params": {"model": f"quarry/{name}", "api_base": url, "api_key": "k", **more}}


def test_every_built_in_dialect_is_one_record_of_its_folder() -> None:
    for dialect in registry.dialects():
        assert registry.find_dialect(dialect.name) is dialect
        assert set(dialect.usual_operations) <= set(dialect.endpoints) <= set(OPERATIONS)
        for name, endpoint in dialect.endpoints.items():
            assert endpoint.codec.operation is OPERATIONS[name]
        for route in dialect.routes:
            assert route.codec.operation.name in dialect.endpoints
        markers = [route.marker for route in dialect.routes if route.marker]
        assert len(set(markers)) == len(markers)


@pytest.mark.parametrize("record", [Dialect, CallerRoute, Operation])
def test_the_page_describes_every_field(record: type[Any]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "add-a-dialect.md").read_text()
    assert not [each.name for each in fields(record) if f"`{each.name}`" not in page]


@pytest.mark.usefixtures("sham")
def test_an_installed_dialect_is_known_by_name() -> None:
    assert registry.find_dialect("sham") is DIALECT
    assert registry.dialects()[-1] is DIALECT
    assert registry.dialect_names()[-1] == "sham"
    assert registry.find_operation("rerank") is RERANK
    assert registry.operation_names()[-1] == "rerank"


@pytest.mark.usefixtures("sham")
def test_no_provider_offers_an_operation_that_its_record_does_not_name() -> None:
    known = Providers()
    assert not [name for name in known.names() if "rerank" in known.find(name).endpoints]
    assert "rerank" not in provider_from_mapping({**ROW, "operations": []}).endpoints
    assert "rerank" in provider_from_mapping(ROW).endpoints
    with pytest.raises(ConfigError, match="'openai_chat' has no operation 'rerank'"):
        list(provider_from_mapping({**ROW, "dialect": "openai_chat"}).endpoints)


def test_without_the_distribution_neither_is_known() -> None:
    with pytest.raises(ConfigError, match=r"no operation 'rerank', of \["):
        provider_from_mapping({**ROW, "dialect": "openai_chat"})
    with pytest.raises(ConfigError, match="no dialect 'sham'"):
        provider_from_mapping(ROW)


@pytest.mark.parametrize(
    ("entry_points", "problem"),
    [
        ("sham = tests.dialects.sham_rerank:GONE", "cannot be loaded"),
        ("sham = tests.dialects.sham_rerank:RERANK", "expected a Dialect of that name"),
        ("other = tests.dialects.sham_rerank:DIALECT", "expected a Dialect of that name"),
    ],
)
def test_a_broken_dialect_is_named(install: Install, entry_points: str, problem: str) -> None:
    install(entry_points)
    with pytest.raises(ConfigError, match=problem):
        registry.dialects()


def test_a_built_in_name_stays_with_the_built_in_dialect(install: Install) -> None:
    install("gemini = tests.dialects.sham_rerank:DIALECT")
    assert registry.find_dialect("gemini").vendor == "google"


def test_two_dialects_cannot_serve_one_path() -> None:
    with pytest.raises(ConfigError, match="/v1/rerank is served by two dialects, 'sham' and 'shim'"):
        RouteTable((DIALECT, replace(DIALECT, name="shim")))


@pytest.mark.usefixtures("sham")
async def test_the_gateway_serves_it(client: aiohttp.ClientSession) -> None:
    upstream = Upstream(lambda upstream: upstream.json(REPLY))
    async with serving(upstream) as there, gateway([served(there)], providers=[ROW]) as here:
        async with client.post(f"{here}/v1/rerank", json=BODY) as reply:
            assert reply.status == 200, await reply.text()
            assert await reply.json() == {"model": "ranker", **REPLY}
            assert reply.headers["x-dragoman-provider"] == "quarry"
            assert reply.headers["x-sham-id"] == reply.headers["x-dragoman-request-id"]
        assert upstream.paths == ["/rerank"]
        assert upstream.bodies == [BODY]
        async with client.post(f"{here}/v1/routing/explain", json=BODY) as reply:
            assert (await reply.json())["operation"] == "rerank"
        async with client.get(f"{here}/v1/models", headers={"x-sham-version": "1"}) as reply:
            assert await reply.json() == {"models": [{"called": "ranker"}]}
    assert len(upstream.bodies) == 1


@pytest.mark.usefixtures("sham")
async def test_the_gateway_reports_errors_in_its_words(client: aiohttp.ClientSession) -> None:
    broken = Upstream(lambda upstream: upstream.json({}, status=400))
    async with serving(broken) as there:
        models = [served(there), {"model_name": "chats", "litellm_params": {"model": "openai/gpt-4o", "api_key": "k"}}]
        async with gateway(models, providers=[ROW]) as here:
            for body, status, said in (
                ({"model": "ranker"}, 400, "question: expected a string"),
                ({**BODY, "model": "chats"}, 404, "openai offers no reranking"),
                ({**BODY, "model": "gone"}, 404, "gone"),
                (BODY, 400, "quarry"),
            ):
                async with client.post(f"{here}/v1/rerank", json=body) as reply:
                    assert reply.status == status, await reply.text()
                    assert said in (await reply.json())["trouble"]
            async with client.post(f"{here}/v1/sham/nothing") as reply:
                assert (reply.status, list(await reply.json())) == (404, ["trouble"])
            async with aiohttp.ClientSession() as stranger, stranger.post(f"{here}/v1/rerank", json=BODY) as reply:
                assert (reply.status, list(await reply.json())) == (401, ["trouble"])


@pytest.mark.usefixtures("sham")
async def test_the_router_of_the_sdk_calls_it_and_falls_over() -> None:
    down = Upstream(lambda upstream: upstream.json({}, status=503))
    empty = Upstream(lambda upstream: upstream.json({"ranking": [], "read": 7}))
    up = Upstream(lambda upstream: upstream.json(REPLY))
    provider = provider_from_mapping(ROW)
    async with serving(down) as first, serving(empty) as second, serving(up) as third:
        router = CallRouter(
            Deployment(
                id=url, alias="ranker", provider=provider, model="m", options=CallOptions(api_base=url, api_key="k"),
                order=order,
            )
            for order, url in enumerate((first, second, third), 1)
        )  # fmt: skip
        request = {"model": "ranker", "query": "Which?", "documents": ["a cat", "a dog"]}
        answer = await router.answer(Call(operation=RERANK, model="ranker", request=request))
        await router.aclose()
    assert isinstance(answer, Answer)
    assert answer.response["results"][0] == {"index": 1, "relevance_score": 0.9}
    assert answer.usage == {"prompt_tokens": 7, "total_tokens": 7}
    assert [attempt.code for attempt in answer.attempts][1:] == ["empty_answer", ""]
    assert [attempt.deployment for attempt in answer.attempts] == [first, second, third]


@pytest.mark.usefixtures("sham")
async def test_it_is_not_asked_for_what_it_does_not_offer() -> None:
    deployment = Deployment(id="a", alias="ranker", provider=provider_from_mapping(ROW), model="m")
    router = CallRouter([deployment])
    with pytest.raises(NotFoundError, match="quarry offers no embeddings"):
        await router.answer(Call(operation=EMBEDDING, model="ranker", request={"model": "ranker", "input": "x"}))
    await router.aclose()


@pytest.mark.usefixtures("sham")
def test_configurations_and_logs_may_name_it(tmp_path: Path) -> None:
    (route,) = parse_routes([{"if": {"operation": "rerank"}, "use": "ranker"}], "routes")
    assert route.conditions[0].expected == ("rerank",)
    data = {"providers": [ROW], "model_list": [served("http://127.0.0.1:9")], "general_settings": {"master_key": KEY}}
    assert parse_config(data, {}).deployments[0].provider.endpoints["rerank"].codec.operation is RERANK
    told = run(tmp_path, [call(operation="rerank", deployment="smart:0")], [entry("smart", "openai/new")], "--json")
    assert sum(kinds(told).values()) == 1
    assert told["malformed_lines"] == []
