"""A dialect and an operation as another distribution would add them: all that `POST /v1/rerank` needs.

The dialect's wire differs from the hub's in each name, so that a body which was not translated shows.
"""

from __future__ import annotations

from typing import Any

from dragoman.dialects.codec import Codec, ErrorReply, ReplyContext, ReplyStyle, RequestHints, Target, WireRequest
from dragoman.dialects.dialect import CallerRoute, Dialect, Endpoint, ModelCard
from dragoman.errors import APIError, BadRequestError, DragomanError, error_for_status
from dragoman.types.json import JsonObject
from dragoman.types.operations import Operation

__all__ = ["DIALECT", "RERANK"]

RERANK = Operation(
    name="rerank",
    label="reranking",
    text_fields=("query", "documents"),
    answer_field="results",
    takes_params=False,
    sample=lambda text: {"query": "", "documents": [text]},
)


def _read_request(body: JsonObject, hints: RequestHints) -> JsonObject:
    if not isinstance(body.get("question"), str):
        raise BadRequestError("question: expected a string", param="question")
    return {"model": body.get("model"), "query": body["question"], "documents": body["texts"]}


def _write_request(request: JsonObject, target: Target) -> WireRequest:
    return WireRequest({"model": target.model, "question": request["query"], "texts": request["documents"]})


def _read_response(body: JsonObject, context: ReplyContext) -> JsonObject:
    results = [{"index": index, "relevance_score": score} for index, score in body["ranking"]]
    return {"results": results, "usage": {"prompt_tokens": body["read"], "total_tokens": body["read"]}}


def _write_response(response: JsonObject, style: ReplyStyle) -> JsonObject:
    ranking = [[result["index"], result["relevance_score"]] for result in response["results"]]
    return {"model": style.model, "ranking": ranking, "read": response["usage"]["total_tokens"]}


def _read_error(reply: ErrorReply) -> APIError:
    return error_for_status(reply.status)(reply.body.decode(), provider=reply.provider, model=reply.model)


def _write_error(error: DragomanError) -> JsonObject:
    return {"trouble": error.message}


def _write_model(card: ModelCard) -> JsonObject:
    return {"called": card.name}


def _write_model_list(models: list[JsonObject]) -> JsonObject:
    return {"models": models}


CODEC: Codec[Any, Any, Any] = Codec(
    dialect="sham",
    operation=RERANK,
    read_request=_read_request,
    write_request=_write_request,
    read_response=_read_response,
    write_response=_write_response,
    read_error=_read_error,
    write_error=_write_error,
)

DIALECT = Dialect(
    name="sham",
    short_name="sham",
    vendor="sham",
    endpoints={"rerank": Endpoint(CODEC, "/rerank")},
    usual_operations=(),
    bases=("/v1",),
    routes=(CallerRoute(path="/rerank", codec=CODEC, marker="question"),),
    own_paths=("/v1/sham",),
    client_headers=("x-sham-version",),
    write_error=_write_error,
    request_id_header=b"x-sham-id",
    model_lists=("/v1/models",),
    write_model=_write_model,
    write_model_list=_write_model_list,
)
