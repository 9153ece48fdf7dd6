"""Code as LiteLLM's users write it, with `import dragoman as litellm`, against real sockets."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import openai.types.chat
import pydantic
import pytest

import dragoman as litellm
from tests.routing.upstream import Upstream

HELLO = [{"role": "user", "content": "Hello"}]
UNLISTED: Any = {"caching": True}
PROVIDERS = ["openai", "anthropic", "gemini"]
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather of a city",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
]


@pytest.fixture(autouse=True)
def _environment(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    for provider in PROVIDERS:
        monkeypatch.setenv(f"{provider.upper()}_API_KEY", "sk-" + "secret" * 4)
        monkeypatch.setenv(f"{provider.upper()}_API_BASE", upstream.base(provider))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_plain_call(provider: str) -> None:
    response = litellm.completion(model=f"{provider}/sim", messages=HELLO, max_tokens=100)
    assert isinstance(response, litellm.ModelResponse)
    content = response.choices[0].message.content
    assert content is not None
    assert "Hello" in content
    assert response["choices"][0]["message"]["content"] == content
    assert response.get("choices")[0].get("message").get("nothing") is None
    assert "usage" in response
    assert response.usage is not None
    assert response.usage.total_tokens == response.usage.prompt_tokens + response.usage.completion_tokens
    assert response.choices[0].finish_reason == "stop"
    assert response.choices[0].message.tool_calls is None
    assert json.loads(response.model_dump_json())["choices"][0]["message"]["role"] == "assistant"
    assert json.loads(response.json()) == response.model_dump()
    openai.types.chat.ChatCompletion.model_validate(response.model_dump())
    assert response._hidden_params["custom_llm_provider"] == provider
    assert len(response._hidden_params["attempts"]) == 1
    assert response._hidden_params["headers"]["content-type"].startswith("application/json")
    assert response._hidden_params["request_id"].startswith("req_")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_streamed_call(provider: str) -> None:
    response = litellm.completion(model=f"{provider}/sim", messages=HELLO, stream=True)
    chunks: list[Any] = []
    text = ""
    for chunk in response:
        text += chunk.choices[0].delta.content or ""
        chunks.append(chunk)
        openai.types.chat.ChatCompletionChunk.model_validate(chunk.model_dump())
    assert "Hello" in text
    assert isinstance(response, litellm.CustomStreamWrapper)
    assert response.usage is not None
    rebuilt = litellm.stream_chunk_builder(chunks, messages=HELLO)
    assert rebuilt is not None
    assert rebuilt.choices[0].message.content == text
    assert rebuilt.choices[0].finish_reason == "stop"
    assert rebuilt.usage is not None
    assert rebuilt.usage.completion_tokens > 0


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_async_calls(provider: str) -> None:
    response = await litellm.acompletion(model=f"{provider}/sim", messages=HELLO)
    assert "Hello" in (response.choices[0].message.content or "")
    text = ""
    async for chunk in await litellm.acompletion(model=f"{provider}/sim", messages=HELLO, stream=True):
        text += chunk.choices[0].delta.content or ""
    assert text == response.choices[0].message.content


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("include", [False, True])
def test_usage_comes_in_one_last_chunk_and_only_when_asked_for(provider: str, include: bool) -> None:
    options: dict[str, Any] = {"stream_options": {"include_usage": True}} if include else {}
    stream = litellm.completion(model=f"{provider}/sim", messages=HELLO, stream=True, **options)
    chunks = list(stream)
    told = [chunk.usage for chunk in chunks if chunk.usage is not None]
    assert len(told) == int(include)
    if include:
        assert chunks[-1].usage == told[0] == stream.usage
        assert chunks[-1].choices == []
        rebuilt = litellm.stream_chunk_builder(chunks)
        assert rebuilt is not None
        assert rebuilt.usage == told[0]


def as_it_is(message: Any) -> Any:
    return message


def as_openais(message: Any) -> Any:
    return openai.types.chat.ChatCompletionMessage.model_validate(message.model_dump())


def dumped(message: Any) -> Any:
    return message.model_dump()


FORMS = [as_it_is, dict, dumped, as_openais, litellm.Message.to_dict]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_loop_of_tool_calls(provider: str, stream: bool, form: Any) -> None:
    asked = '[[tools: get_weather {"city": "Paris"}; get_weather {"city": "Rome"}]]'
    messages: list[Any] = [{"role": "user", "content": asked}]
    if stream:
        chunks = list(litellm.completion(model=f"{provider}/sim", messages=messages, tools=TOOLS, stream=True))
        response = litellm.stream_chunk_builder(chunks)
        assert response is not None
    else:
        response = litellm.completion(
            model=f"{provider}/sim", messages=messages, tools=TOOLS, tool_choice="auto", parallel_tool_calls=True
        )
    response_message = response.choices[0].message
    tool_calls = response_message.tool_calls
    assert tool_calls is not None
    assert response.choices[0].finish_reason == "tool_calls"
    messages.append(form(response_message))
    cities = []
    for tool_call in tool_calls:
        assert tool_call.function.name == "get_weather"
        cities.append(json.loads(tool_call.function.arguments)["city"])
        messages.append(
            {"tool_call_id": tool_call.id, "role": "tool", "name": tool_call.function.name, "content": '{"t": 20}'}
        )
    assert cities == ["Paris", "Rome"]
    second = litellm.completion(model=f"{provider}/sim", messages=messages, tools=TOOLS)
    assert second.choices[0].message.content


class Step(pydantic.BaseModel):
    explanation: str
    output: str = "x"


class Solution(pydantic.BaseModel):
    steps: list[Step]
    best: Step | None = None
    answer: int


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_pydantic_class_as_the_format(provider: str) -> None:
    response = litellm.completion(model=f"{provider}/sim", messages=HELLO, response_format=Solution, max_tokens=500)
    solution = Solution.model_validate_json(response.choices[0].message.content or "")
    assert isinstance(solution.answer, int)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("401", "AuthenticationError"),
        ("404", "NotFoundError"),
        ("429", "RateLimitError"),
        ("500", "InternalServerError"),
        ("overloaded", "ServiceUnavailableError"),
        ("context", "ContextWindowExceededError"),
    ],
)
def test_exceptions(provider: str, fault: str, kind: str) -> None:
    try:
        litellm.completion(model=f"{provider}/sim[error={fault}]", messages=HELLO, num_retries=0)
    except getattr(litellm.exceptions, kind) as error:
        assert type(error) is getattr(litellm, kind)
        assert error.llm_provider == provider
        assert error.status_code == int({"context": "400", "overloaded": "503"}.get(fault, fault))
        assert error.message in str(error)
    else:
        pytest.fail("it should have raised")


def test_fallbacks_retries_and_metadata_of_a_call(upstream: Upstream) -> None:
    response = litellm.completion(
        model="openai/sim[error=401]",
        messages=HELLO,
        fallbacks=["anthropic/sim[error=403]", {"model": "gemini/sim", "temperature": 0.5}],
        metadata={"trace": "1"},
        num_retries=0,
        **UNLISTED,
    )
    assert response._hidden_params["custom_llm_provider"] == "gemini"
    assert [attempt.status for attempt in response._hidden_params["attempts"]] == [401, 403, None]
    assert response._hidden_params["ignored_params"] == ("caching",)
    assert upstream.last["body"]["generationConfig"]["temperature"] == 0.5
    assert "trace" not in str(upstream.last["body"])


def test_settings_of_the_module(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(litellm.UnsupportedParamsError):
        litellm.completion(model="anthropic/sim", messages=HELLO, frequency_penalty=0.5)
    monkeypatch.setattr(litellm, "drop_params", True)
    monkeypatch.setattr(litellm, "num_retries", 0)
    monkeypatch.setattr(litellm, "headers", {"x-team": "a"})
    response = litellm.completion(model="anthropic/sim", messages=HELLO, frequency_penalty=0.5)
    assert response.dropped_params == ("frequency_penalty",)
    assert upstream.last["headers"]["x-team"] == "a"
    stream = litellm.completion(model="anthropic/sim", messages=HELLO, frequency_penalty=0.5, stream=True)
    assert stream.dropped_params == ("frequency_penalty",)
    stream.close()
    upstream.simulator.call_log.reset()
    with pytest.raises(litellm.InternalServerError):
        litellm.completion(model="openai/sim[error=500]", messages=HELLO)
    assert len(upstream.calls) == 1
    with pytest.raises(litellm.UnsupportedParamsError):
        litellm.completion(model="anthropic/sim", messages=HELLO, frequency_penalty=0.5, drop_params=False)


def test_an_api_key_of_the_module_and_of_a_call(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(litellm, "api_key", "sk-module-" + "k" * 20)
    litellm.completion(model="openai/sim", messages=HELLO)
    assert upstream.last["headers"]["authorization"] == "Bearer sk-module-" + "k" * 20
    litellm.completion(model="openai/sim", messages=HELLO, api_key="sk-call-" + "k" * 20)
    assert upstream.last["headers"]["authorization"] == "Bearer sk-call-" + "k" * 20


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"temperature": "hot"}, "temperature"),
        ({"tools": "none"}, "tools"),
        ({"timeout": "soon"}, "timeout"),
        ({"num_retries": -1}, "num_retries"),
        ({"messages": "Hello"}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user", "content": 3}]}, "messages[0].content"),
        ({"response_format": int}, "response_format"),
        ({"fallbacks": ["anthropic/sim", "antropic/sim"]}, "fallbacks[1]"),
        ({"model": None}, "model"),
        ({"model": "nobody/x"}, "model"),
    ],
)
def test_wrong_parameters_are_named(upstream: Upstream, wrong: dict[str, Any], param: str) -> None:
    call: Any = litellm.completion
    with pytest.raises(litellm.BadRequestError) as caught:
        call(**{"model": "openai/sim", "messages": HELLO, **wrong})
    assert caught.value.param == param
    assert upstream.calls == []


def test_numbers_out_of_range_are_shown() -> None:
    with pytest.raises(litellm.BadRequestError, match=r"num_retries: expected a whole number from 0 to 100, got -1$"):
        litellm.completion("openai/sim", HELLO, num_retries=-1)
    with pytest.raises(litellm.BadRequestError, match=r"timeout: expected a number of seconds, got a text$"):
        litellm.completion("openai/sim", HELLO, timeout="sk-secret")  # type: ignore[call-overload]


def test_litellms_own_switches_are_not_sent(upstream: Upstream) -> None:
    call: Any = litellm.completion
    response = call(
        model="openai/sim", messages=HELLO, mock_testing_rate_limit_error=False, verbose=True, logger_fn=print
    )
    assert response._hidden_params["ignored_params"] == ("verbose", "logger_fn")
    assert not {"mock_testing_rate_limit_error", "verbose", "logger_fn"} & set(upstream.last["body"])


def test_only_near_names_are_suggested() -> None:
    with pytest.raises(litellm.BadRequestError, match=r"\(did you mean 'openai'\?\)$"):
        litellm.get_llm_provider("opnai/x")
    with pytest.raises(litellm.BadRequestError, match=r"unknown provider 'nope'$"):
        litellm.get_llm_provider("nope/x")


def test_unknown_parameters_and_extra_bodies_reach_the_provider(upstream: Upstream) -> None:
    call: Any = litellm.completion
    with pytest.raises(litellm.BadRequestError):  # this provider does not know them
        call(model="openai/sim", messages=HELLO, some_new_param=5, mock_response=None, extra_body={"b": 2}, timeout=5)
    body = upstream.last["body"]
    assert (body["some_new_param"], body["b"]) == (5, 2)
    assert not {"timeout", "mock_response", "extra_body"} & set(body)


@pytest.mark.parametrize("provider", ["openai", "gemini"])
async def test_embeddings(provider: str) -> None:
    response = litellm.embedding(model=f"{provider}/sim", input=["good morning", "good night"])
    assert response.data[0]["embedding"] == response["data"][0].embedding
    assert len(response.data) == 2
    again = await litellm.aembedding(model=f"{provider}/sim", input="good morning", dimensions=8)
    assert len(again.data[0].embedding) == 8


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_text_completions(provider: str) -> None:
    response = litellm.text_completion(model=f"{provider}/sim", prompt="Hello", max_tokens=50)
    assert "Hello" in response.choices[0].text
    streamed = litellm.text_completion(model=f"{provider}/sim", prompt="Hello", max_tokens=50, stream=True)
    assert "".join(chunk.choices[0].text for chunk in streamed) == response.choices[0].text
    parts = await litellm.atext_completion(model=f"{provider}/sim", prompt="Hello", max_tokens=50, stream=True)
    assert "".join([chunk.choices[0].text async for chunk in parts]) == response.choices[0].text
    told = litellm.text_completion(model=f"{provider}/sim", prompt="Hello", max_tokens=50, stream=True)
    built = litellm.stream_chunk_builder(told)
    assert built is not None
    assert (built.object, built.choices) == ("text_completion", response.choices)
    whole = await litellm.atext_completion(model=f"{provider}/sim", prompt="Hello", max_tokens=50)
    assert whole["choices"][0]["text"] == response.choices[0].text


def test_what_is_no_chunk_is_named() -> None:
    with pytest.raises(litellm.BadRequestError, match=r"chunks\[0\]: expected a chunk of a stream, got int"):
        litellm.stream_chunk_builder([1])  # type: ignore[list-item]


def test_errors_that_users_make_themselves() -> None:
    made = litellm.RateLimitError(message="slow down", llm_provider="openai", model="gpt-4o")
    assert (made.llm_provider, made.provider, made.model, made.status_code) == ("openai", "openai", "gpt-4o", 429)
    with pytest.raises(litellm.RateLimitError, match="slow down"):
        litellm.completion("openai/sim", HELLO, mock_response=made, num_retries=0)


async def test_counting(upstream: Upstream) -> None:
    assert (
        litellm.token_counter(model="gpt-4o", messages=HELLO) > litellm.token_counter(model="gpt-4o", text="Hello") > 0
    )
    for provider, estimated in (("openai", True), ("anthropic", False), ("gemini", False)):
        counted = await litellm.acount_tokens(model=f"{provider}/sim", messages=HELLO)
        assert counted.total_tokens > 0
        assert counted.estimated is estimated


@pytest.mark.parametrize("wrong", [{"messages": "hi"}, {"messages": ["hi"]}, {"text": 5}, {"tools": "x"}], ids=str)
def test_what_cannot_be_counted_is_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(litellm.BadRequestError, match=f"{next(iter(wrong))}: expected a "):
        litellm.token_counter(model="gpt-4o", **wrong)


def test_arguments_of_litellms_that_say_nothing_here() -> None:
    further: dict[str, Any] = {"custom_tokenizer": None, "count_response_tokens": True, "tool_choice": "auto"}
    assert litellm.token_counter("gpt-4o", text="Hello", **further) == litellm.token_counter("gpt-4o", text="Hello")
    listed = litellm.get_supported_openai_params("openai/gpt-4o")
    assert litellm.get_supported_openai_params("openai/gpt-4o", request_type="chat_completion") == listed


def test_an_address_that_is_given_is_not_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOSTED_VLLM_API_BASE", raising=False)
    assert litellm.validate_environment("hosted_vllm/x")["missing_keys"] == ["HOSTED_VLLM_API_BASE"]
    assert litellm.validate_environment("hosted_vllm/x", api_base="http://127.0.0.1:1")["keys_in_environment"]


def test_questions_about_models(monkeypatch: pytest.MonkeyPatch, upstream: Upstream) -> None:
    key = "sk-" + "secret" * 4
    assert litellm.get_llm_provider("openai/gpt-4o") == ("gpt-4o", "openai", key, upstream.base("openai"))
    assert litellm.get_llm_provider("claude-sonnet-4-5")[:2] == ("claude-sonnet-4-5", "anthropic")
    assert litellm.get_llm_provider("m", "groq", "http://127.0.0.1:1", "k") == ("m", "groq", "k", "http://127.0.0.1:1")
    assert litellm.validate_environment("openai/gpt-4o") == {"keys_in_environment": True, "missing_keys": []}
    monkeypatch.delenv("OPENAI_API_KEY")
    missing = litellm.validate_environment("openai/gpt-4o")
    assert missing["keys_in_environment"] is False
    assert "OPENAI_API_KEY" in missing["missing_keys"]
    assert litellm.validate_environment("openai/gpt-4o", api_key="k")["keys_in_environment"]
    assert "tools" in litellm.get_supported_openai_params("anthropic/claude-sonnet-4-5")


class MyLLM(litellm.CustomLLM):
    def completion(self, *args: Any, **kwargs: Any) -> litellm.ModelResponse:
        return litellm.completion(model="openai/sim", messages=kwargs["messages"], mock_response="Hi!")

    async def acompletion(self, *args: Any, **kwargs: Any) -> litellm.ModelResponse:
        response: litellm.ModelResponse = kwargs["model_response"]
        response.choices[0].message.content = f"{kwargs['model']} {kwargs['optional_params']} {kwargs['api_key']}"
        return response

    def streaming(self, *args: Any, **kwargs: Any) -> Iterator[litellm.GenericStreamingChunk]:
        yield {"text": "one ", "is_finished": False, "finish_reason": "", "index": 0, "usage": None, "tool_use": None}
        yield {"text": "two", "is_finished": True, "finish_reason": "stop", "index": 0}

    async def astreaming(self, *args: Any, **kwargs: Any) -> AsyncIterator[litellm.GenericStreamingChunk]:
        for chunk in self.streaming():
            yield chunk


class Short(litellm.CustomLLM):
    def completion(self, *args: Any, **kwargs: Any) -> litellm.ModelResponse:
        return litellm.ModelResponse(choices=[litellm.Choices(message=litellm.Message(content="Hi!"))])

    def embedding(self, *args: Any, **kwargs: Any) -> litellm.EmbeddingResponse:
        return litellm.EmbeddingResponse.model_validate({"data": [{"embedding": [1.0], "index": 0}]})


def test_what_a_custom_provider_leaves_out_is_filled_in() -> None:
    litellm.register_provider("short", Short())
    response = litellm.completion("short/m", HELLO)
    openai.types.chat.ChatCompletion.model_validate(response.model_dump())
    assert (response.model, response.choices[0].finish_reason) == ("m", "stop")
    assert response.id
    assert response.created > 0
    assert litellm.embedding("short/m", "x").model == "m"


class Failing(litellm.CustomLLM):
    def completion(self, *args: Any, **kwargs: Any) -> Any:
        raise litellm.CustomLLMError(status_code=429, message="too much")


@pytest.mark.parametrize("wrong", [[{"provider": "my"}], {"provider": "my"}, [MyLLM()]])
def test_a_wrong_map_of_custom_providers_is_refused(wrong: Any) -> None:
    with pytest.raises(litellm.ConfigError, match=r"custom_provider_map.*: expected"):
        litellm.custom_provider_map = wrong


async def test_custom_providers(monkeypatch: pytest.MonkeyPatch) -> None:
    handlers = [{"provider": "my-llm", "custom_handler": MyLLM()}, {"provider": "failing", "custom_handler": Failing()}]
    monkeypatch.setattr(litellm, "custom_provider_map", handlers)
    assert litellm.custom_provider_map == handlers
    response = litellm.completion(model="my-llm/m", messages=HELLO, temperature=0.5, api_key="k")
    assert response.choices[0].message.content == "m {'temperature': 0.5} k"
    assert (
        "".join(c.choices[0].delta.content or "" for c in litellm.completion("my-llm/m", HELLO, stream=True))
        == "one two"
    )
    stream = await litellm.acompletion("my-llm/m", HELLO, stream=True)
    assert "".join([chunk.choices[0].delta.content or "" async for chunk in stream]) == "one two"
    with pytest.raises(litellm.NotFoundError):
        litellm.embedding("my-llm/m", "x")
    with pytest.raises(litellm.RateLimitError) as caught:
        litellm.completion("failing/m", HELLO, num_retries=0)
    assert "too much" in caught.value.message
    litellm.register_provider("shout", lambda call: call.request["messages"][-1]["content"].upper())
    assert litellm.completion("shout/m", HELLO).choices[0].message.content == "HELLO"


async def test_a_router(upstream: Upstream, caplog: pytest.LogCaptureFixture) -> None:
    router = litellm.Router(
        model_list=[
            {"model_name": "smart", "litellm_params": {"model": "openai/sim[error=500]", "rpm": 3}},
            {"model_name": "backup", "litellm_params": {"model": "anthropic/sim", "max_tokens": 50}},
            {"model_name": "vectors", "litellm_params": {"model": "openai/sim"}},
        ],
        fallbacks=[{"smart": ["backup"]}],
        num_retries=0,
        routing_strategy="simple-shuffle",
    )
    assert "rpm" not in caplog.text
    response = await router.acompletion(model="smart", messages=HELLO)
    assert response._hidden_params["model_id"] == "backup:0"
    assert router.completion(model="smart", messages=HELLO).choices[0].message.content
    chunks = [chunk async for chunk in await router.acompletion(model="smart", messages=HELLO, stream=True)]
    assert chunks
    assert len((await router.aembedding(model="vectors", input="a")).data) == 1
    assert router.text_completion(model="backup", prompt="Hello").choices[0].text
    for wrong in ({"timeout": "soon"}, {"fallbacks": ["backup"]}, {"num_retries": -1}):
        with pytest.raises(litellm.ConfigError, match=next(iter(wrong))):
            litellm.Router(**wrong)
    with pytest.raises(litellm.ConfigError):
        litellm.Router(model_list=[{"model_name": "x", "litellm_params": {}}])
    router.close()
    await router.aclose()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"fallbacks": [{"smrt": ["backup"]}]}, r"fallbacks: 'smrt' is not in model_list \(did you mean 'smart'\?\)"),
        ({"fallbacks": [{"smart": ["bakcup"]}]}, r"fallbacks\.smart: 'bakcup' is not in model_list"),
        ({"context_window_fallbacks": [{"smart": [{"model": "big"}]}]}, r"context_window_fallbacks\.smart: 'big'"),
        ({"default_fallbacks": ["antropic/x"]}, r"default_fallbacks: .* unknown provider 'antropic'"),
    ],
)
def test_a_router_refuses_fallbacks_that_nobody_knows(wrong: Any, said: str) -> None:
    listed = [{"model_name": name, "litellm_params": {"model": "openai/sim"}} for name in ("smart", "backup")]
    litellm.Router(model_list=listed, fallbacks=[{"smart": ["backup", "anthropic/sim"]}, {"*": ["backup"]}]).close()
    with pytest.raises(litellm.ConfigError, match=said):
        litellm.Router(model_list=listed, **wrong)


def test_a_mistyped_argument_of_a_router_is_refused() -> None:
    with pytest.raises(litellm.ConfigError, match=r"no argument 'num_retires' \(did you mean 'num_retries'\?\)"):
        litellm.Router(num_retires=3)
    litellm.Router(retry_policy={}, max_retries=1, disable_fallbacks=True, default_litellm_params={}).close()
