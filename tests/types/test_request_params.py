"""Every list that names the parameters of requests, held against the one table of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import pytest

from dragoman.dialects import anthropic_messages, gemini, openai_chat
from dragoman.dialects.anthropic_messages.params import PARAMS as ANTHROPIC_PARAMS
from dragoman.dialects.anthropic_messages.params import SERVICE_TIERS
from dragoman.dialects.anthropic_messages.params_read import READ_FIELDS
from dragoman.dialects.codec import RequestHints, Target, WireRequest
from dragoman.dialects.gemini.params import PARAMS as GEMINI_PARAMS
from dragoman.dialects.openai_chat.accent import ChatAccent
from dragoman.models.required_abilities import needed
from dragoman.sdk.params import ChatParams, EmbeddingParams, TextParams
from dragoman.types.chat import ChatRequest
from dragoman.types.embeddings import EmbeddingRequest
from dragoman.types.model_entry import ABILITIES
from dragoman.types.request_params import ALL_PARAMS, REQUEST_PARAMS, is_neutral
from dragoman.types.text_completion import TextCompletionRequest

CHAT, TEXT, EMBEDDING = (REQUEST_PARAMS[operation] for operation in ("chat", "text_completion", "embedding"))
CONTENT = {"model", "messages", "prompt", "input"}
OF_THE_FUNCTION = {"stream", "vendor_params", "title"}
"""Arguments of the SDK's functions themselves, or what only a gateway's caller of another dialect says."""

LISTS: list[tuple[str, Collection[str], Collection[str]]] = [
    ("types.chat.ChatRequest", ChatRequest.__annotations__, CHAT),
    ("types.text_completion.TextCompletionRequest", TextCompletionRequest.__annotations__, TEXT),
    ("types.embeddings.EmbeddingRequest", EmbeddingRequest.__annotations__, EMBEDDING),
    ("sdk.params.ChatParams", ChatParams.__annotations__, CHAT.keys() - OF_THE_FUNCTION),
    ("sdk.params.TextParams", TextParams.__annotations__, TEXT.keys() - OF_THE_FUNCTION),
    ("sdk.params.EmbeddingParams", EmbeddingParams.__annotations__, EMBEDDING.keys() - OF_THE_FUNCTION),
    ("dialects.anthropic_messages.params.PARAMS", ANTHROPIC_PARAMS, CHAT),
    ("dialects.gemini.params.PARAMS", GEMINI_PARAMS, CHAT),
]


@pytest.mark.parametrize(("place", "names", "params"), LISTS, ids=[place for place, _, _ in LISTS])
def test_no_list_lacks_a_parameter(place: str, names: Collection[str], params: Collection[str]) -> None:
    lacking = sorted(set(params) - set(names))
    assert not lacking, f"{place} lacks {lacking}"


@pytest.mark.parametrize(
    ("place", "names"), [(place, names) for place, names, _ in LISTS if not place.startswith("sdk")]
)
def test_no_list_has_a_parameter_of_its_own(place: str, names: Collection[str]) -> None:
    unknown = sorted(set(names) - CONTENT - ALL_PARAMS.keys())
    assert not unknown, f"types.request_params lacks {unknown} of {place}"


def test_accents_speak_of_known_parameters() -> None:
    assert set(ChatAccent().sampling_params) <= ALL_PARAMS.keys()


@pytest.mark.parametrize("name", CHAT)
def test_a_sample_has_the_type_of_its_parameter_and_a_neutral_value_too(name: str) -> None:
    param = CHAT[name]
    for value in (param.sample, *param.neutral):
        kinds = (int, float) if param.types == (float,) else param.types
        assert isinstance(value, kinds), f"{name}: {value!r}"
        assert isinstance(value, bool) is (bool in kinds), f"{name}: {value!r}"
    assert is_neutral(name, None)


@pytest.mark.parametrize("name", [name for name, param in CHAT.items() if param.ability])
def test_abilities_exist_and_a_neutral_value_needs_none(name: str) -> None:
    param = CHAT[name]
    assert param.ability in ABILITIES
    for value in param.neutral if name != "parallel_tool_calls" else ():
        assert not needed({name: value})


def written(codec: Any, params: Mapping[str, Any]) -> WireRequest:
    """What `codec` sends for these parameters; what it cannot express is left out and reported."""
    request = {"messages": [{"role": "user", "content": "x"}], **params}
    target = Target("provider", "m", codec.dialect, stream=bool(params.get("stream")), drop_params=True)
    result: WireRequest = codec.write_request(request, target)
    return result


@pytest.mark.parametrize("name", CHAT)
def test_openai_chat_passes_each_parameter(name: str) -> None:
    """The hub has the shape of Chat Completions, so that this dialect needs no table of names."""
    param = CHAT[name]
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}], **param.beside, name: param.sample}
    read: Any = openai_chat.CODEC.read_request(body, RequestHints())
    assert read[name] == param.sample
    sent = written(openai_chat.CODEC, {**param.beside, name: param.sample})
    without = written(openai_chat.CODEC, param.beside)
    if name not in ("stream_options", "vendor_params"):  # usage is always asked for; the sample is empty
        assert sent.body != without.body or name in sent.dropped


@pytest.mark.parametrize("name", CHAT)
def test_anthropic_is_sent_what_its_table_says(name: str) -> None:
    param = CHAT[name]
    sent = written(anthropic_messages.CODEC, {**param.beside, name: param.sample})
    without = written(anthropic_messages.CODEC, param.beside)
    if ANTHROPIC_PARAMS[name] is None:
        assert sent.body == without.body
        assert (name in sent.dropped) is not is_neutral(name, param.sample)
    elif name not in ("tool_choice", "function_call", "stream_options", "vendor_params"):  # `auto`; usage always comes
        assert sent.body != without.body or name in sent.dropped


def test_anthropic_reads_and_writes_the_same_fields() -> None:
    fields = {field for field in ANTHROPIC_PARAMS.values() if field}
    assert fields == READ_FIELDS - {"output_format"}, "`output_format` is the beta's name of `output_config.format`"
    assert len(set(SERVICE_TIERS.values())) == len(SERVICE_TIERS)


@pytest.mark.parametrize("name", CHAT)
def test_gemini_is_sent_what_its_table_says(name: str) -> None:
    param = CHAT[name]
    sent = written(gemini.CODEC, {**param.beside, name: param.sample})
    without = written(gemini.CODEC, param.beside)
    field = GEMINI_PARAMS[name]
    if field is None:
        assert sent.body == without.body
        assert (name in sent.dropped) is not is_neutral(name, param.sample)
    elif field and name not in ("service_tier", "tool_choice", "function_call"):  # `auto` is what happens anyway
        assert sent.body != without.body or name in sent.dropped
