"""Embeddings, as real providers sent them."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from openai.types import CreateEmbeddingResponse, embedding_create_params
from pydantic import TypeAdapter

from dragoman.dialects.codec import ErrorReply, ReplyContext, ReplyStyle, RequestHints
from dragoman.dialects.openai_chat.embeddings import CODEC
from dragoman.errors import APIError, BadRequestError, NotFoundError, UnsupportedParamsError
from tests.dialects.openai._recorded import context, of_endpoint, target
from tests.recordings import Recording

RECORDED = of_endpoint("embeddings")


@pytest.mark.parametrize("recording", RECORDED)
def test_answers(recording: Recording) -> None:
    body = recording.response_body
    response = CODEC.read_response(body, context(recording))
    assert [item["embedding"] for item in response["data"]] == [item["embedding"] for item in body["data"]]
    assert [item["index"] for item in response["data"]] == list(range(len(body["data"])))
    usage = response.get("usage")
    if body.get("usage"):
        assert usage is not None
        assert usage["prompt_tokens"] == (body["usage"].get("prompt_tokens") or body["usage"]["total_tokens"])
        assert CODEC.read_usage is not None
        assert CODEC.read_usage(body) == usage
    written = CODEC.write_response(response, ReplyStyle(model="smart"))
    if isinstance(response["data"][0]["embedding"], list):
        CreateEmbeddingResponse.model_validate(orjson.loads(orjson.dumps(written)))
    again = CODEC.read_response(written, context(recording))
    assert again["data"] == response["data"]


@pytest.mark.parametrize("recording", [param for param in RECORDED if param.values[0] and param.values[0].request_body])
def test_requests(recording: Recording) -> None:
    body = {key: value for key, value in recording.request_body.items() if value is not None}
    request = CODEC.read_request(body, RequestHints(model="m"))
    sent = CODEC.write_request(request, target(recording.provider, request["model"]))
    assert sent.body == {"model": request["model"], **body}
    TypeAdapter(embedding_create_params.EmbeddingCreateParams).validate_python(
        {key: value for key, value in sent.body.items() if key != "input_type"}
    )


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"input": "x"}, "model"),
        ({"model": "m"}, "input"),
        ({"model": "m", "input": []}, "input"),
        ({"model": "m", "input": [1.5]}, "input[0]"),
        ({"model": "m", "input": ["a", 1]}, "input[1]"),
        ({"model": "m", "input": [[1], ["a"]]}, "input[1][0]"),
        ({"model": "m", "input": "x", "dimensions": "many"}, "dimensions"),
    ],
)
def test_a_wrong_type_is_refused_with_its_path(body: Any, path: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        CODEC.read_request(body, RequestHints())
    assert caught.value.param == path


@pytest.mark.parametrize("value", ["x", ["x", "y"], [1, 2], [[1], [2]]])
def test_every_form_of_input(value: Any) -> None:
    request = CODEC.read_request({"model": "m", "input": value}, RequestHints())
    assert CODEC.write_request(request, target("openai", "m")).body == {"model": "m", "input": value}


def test_what_openai_does_not_know() -> None:
    request: Any = {"model": "m", "input": "x", "vendor_params": {"google": {"taskType": "Q"}}}
    with pytest.raises(UnsupportedParamsError):
        CODEC.write_request(request, target("openai", "m"))
    more: Any = {**request, "title": "T", "user": "u"}
    with pytest.raises(UnsupportedParamsError):
        CODEC.write_request({"model": "m", "input": "x", "input_type": "query"}, target("openai", "m"))
    known: Any = {"model": "m", "input": "x", "input_type": "query"}
    assert CODEC.write_request(known, target("nvidia", "m")).body == known
    sent = CODEC.write_request(more, target("openai", "m", drop_params=True))
    assert (sent.body, sent.dropped) == ({"model": "m", "input": "x", "user": "u"}, ("taskType", "title"))
    left_out = CODEC.write_request(
        {"model": "m", "input": "x", "user": "u"}, target("openai", "m", additional_drop_params=("user",))
    )
    assert (left_out.body, left_out.dropped) == ({"model": "m", "input": "x"}, ("user",))


@pytest.mark.parametrize("body", [{"error": {"message": "no", "code": 404}}, {"data": [{}]}, {"object": "list"}, {}])
def test_what_is_no_answer(body: Any) -> None:
    with pytest.raises(APIError):
        CODEC.read_response(body, ReplyContext("acme", "m", "acme", created=1, reply_id="r"))


def test_errors_are_those_of_chat() -> None:
    error = CODEC.read_error(ErrorReply("acme", "m", 404, {}, b'{"error":{"message":"The model `m` does not exist"}}'))
    assert type(error) is NotFoundError
