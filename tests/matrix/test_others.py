"""The rest of what the SDKs call: embeddings, counting tokens, listing models, and what a caller sends wrongly."""

from __future__ import annotations

from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import types

from tests.matrix.anthropic_caller import AnthropicCaller
from tests.matrix.conftest import MASTER_KEY, MODELS, Bench
from tests.matrix.gemini_caller import GeminiCaller
from tests.matrix.openai_caller import OpenAICaller
from tests.simulator.running import ask

EMBEDDERS = ["openai-embed", "google-embed"]
INPUTS = ["Grüße", "hello out there"]


def openai_sdk(bench: Bench) -> openai.OpenAI:
    caller = bench.caller("openai")
    assert isinstance(caller, OpenAICaller)
    return caller.client


def anthropic_sdk(bench: Bench) -> anthropic.Anthropic:
    caller = bench.caller("anthropic")
    assert isinstance(caller, AnthropicCaller)
    return caller.client


def gemini_sdk(bench: Bench) -> genai.Client:
    caller = bench.caller("gemini")
    assert isinstance(caller, GeminiCaller)
    return caller.client


def directly(bench: Bench, model: str) -> list[list[float]]:
    """What the provider itself answers."""
    if model == "openai-embed":
        body = {"model": "text-embedding-3-small", "input": INPUTS}
        return [entry["embedding"] for entry in ask(f"{bench.simulator}/v1/embeddings", body).json["data"]]
    requests = [{"model": "models/gemini-embedding-001", "content": {"parts": [{"text": text}]}} for text in INPUTS]
    url = f"{bench.simulator}/v1beta/models/gemini-embedding-001:batchEmbedContents"
    return [entry["values"] for entry in ask(url, {"requests": requests}).json["embeddings"]]


@pytest.mark.parametrize("model", EMBEDDERS)
@pytest.mark.parametrize("encoding", ["float", None])
def test_embeddings_by_openai(bench: Bench, model: str, encoding: Any) -> None:
    """Unless told otherwise the SDK asks for base64."""
    options: dict[str, Any] = {"encoding_format": encoding} if encoding else {}
    made = openai_sdk(bench).embeddings.create(model=model, input=INPUTS, **options)
    assert [entry.embedding for entry in made.data] == directly(bench, model)
    assert [entry.index for entry in made.data] == [0, 1]


@pytest.mark.parametrize("model", EMBEDDERS)
def test_embeddings_by_gemini(bench: Bench, model: str) -> None:
    made = gemini_sdk(bench).models.embed_content(model=model, contents=INPUTS)
    assert [entry.values for entry in made.embeddings or []] == directly(bench, model)


@pytest.mark.parametrize("provider", MODELS)
def test_count_tokens(bench: Bench, provider: str) -> None:
    """For every model, whether its provider can count or not."""
    few = anthropic_sdk(bench).messages.count_tokens(model=provider, messages=[{"role": "user", "content": "Hello"}])
    many = anthropic_sdk(bench).messages.count_tokens(
        model=provider, messages=[{"role": "user", "content": "Hello " * 500}]
    )
    assert 0 < few.input_tokens < many.input_tokens
    some = gemini_sdk(bench).models.count_tokens(model=provider, contents="Hello " * 500)
    assert few.input_tokens < (some.total_tokens or 0)


def test_list_models(bench: Bench) -> None:
    listed = [model.id for model in openai_sdk(bench).models.list()]
    assert set(MODELS) <= set(listed)
    assert set(MODELS) <= {model.id for model in anthropic_sdk(bench).models.list()}
    named = {
        (model.name or "").removeprefix("models/")
        for model in gemini_sdk(bench).models.list(config={"query_base": True})
    }
    assert set(MODELS) <= named


@pytest.mark.parametrize("provider", MODELS)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_text_completions(bench: Bench, provider: str, stream: bool) -> None:
    made: Any = openai_sdk(bench).completions.create(
        model=provider, prompt="Once upon a time", max_tokens=50, stream=stream
    )
    text = "".join(chunk.choices[0].text for chunk in made if chunk.choices) if stream else made.choices[0].text
    assert text == "You said: Once upon a time"


@pytest.mark.parametrize("provider", MODELS)
def test_a_forced_tool_and_none(bench: Bench, provider: str) -> None:
    tool: Any = {
        "type": "function",
        "function": {"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}},
    }
    chat = openai_sdk(bench).chat.completions
    messages: Any = [{"role": "user", "content": "Call f."}]
    named = chat.create(
        model=provider, messages=messages, tools=[tool], tool_choice={"type": "function", "function": {"name": "f"}}
    )
    assert named.choices[0].finish_reason in ("tool_calls", "stop")
    assert (named.choices[0].message.tool_calls or [])[0].type == "function"
    none = chat.create(model=provider, messages=messages, tools=[tool], tool_choice="none")
    assert not none.choices[0].message.tool_calls
    assert none.choices[0].message.content == "You said: Call f."


@pytest.mark.parametrize("provider", MODELS)
@pytest.mark.parametrize(("finish", "expected"), [("length", "length"), ("filter", "content_filter")])
def test_finish_reasons_are_of_the_closed_set(bench: Bench, provider: str, finish: str, expected: str) -> None:
    made = openai_sdk(bench).chat.completions.create(
        model=provider, messages=[{"role": "user", "content": f"Hi [[finish: {finish}]]"}]
    )
    assert made.choices[0].finish_reason == expected


def test_the_gemini_sdk_at_v1(bench: Bench) -> None:
    options = types.HttpOptions(base_url=bench.gateway, api_version="v1")
    with genai.Client(api_key=MASTER_KEY, http_options=options) as client:
        assert client.models.generate_content(model="anthropic", contents="Hello").text == "You said: Hello"


@pytest.mark.parametrize("provider", MODELS)
def test_every_chunk_of_a_text_has_a_text_for_the_gemini_sdk(bench: Bench, provider: str) -> None:
    """Its usual loop prints `chunk.text`: None at the end would be printed as "None"."""
    with genai.Client(api_key=MASTER_KEY, http_options=types.HttpOptions(base_url=bench.gateway)) as client:
        chunks = list(client.models.generate_content_stream(model=provider, contents="Hello"))
    assert "".join(str(chunk.text) for chunk in chunks) == "You said: Hello"
    assert chunks[-1].candidates is not None
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP
