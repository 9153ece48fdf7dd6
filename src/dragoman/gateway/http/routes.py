"""The table of routes: every path that is answered, in which dialect, and who may ask. What is not here is a 404."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias

from dragoman.dialects import anthropic_messages, gemini, openai_chat
from dragoman.dialects.openai_chat import completions, embeddings
from dragoman.gateway.http.caller_dialects import ANTHROPIC, GEMINI, OPENAI, CallerDialect
from dragoman.gateway.http.endpoint import ModelEndpoint

__all__ = ["ROUTES", "Page", "Route", "RouteMatch", "find"]

Page: TypeAlias = Literal[
    "models",
    "model",
    "model_info",
    "model_group_info",
    "alive",
    "ready",
    "health",
    "root",
    "explain",
    "routing_state",
    "cooldowns",
]
"""What is answered without asking a model."""


@dataclass(frozen=True, slots=True)
class Route:
    """One row. A route is locked unless it says that it is public."""

    method: Literal["GET", "POST"]
    answer: ModelEndpoint | Page
    dialect: CallerDialect
    public: bool = False
    key_in_query: bool = False
    """Whether `?key=` is a way to show a key here."""
    dialect_by_client: bool = False
    """Whether several SDKs ask for this very path, each expecting its own shape."""


class RouteMatch(NamedTuple):
    route: Route
    model: str | None = None
    """The model that the address names."""


def _openai(ask: ModelEndpoint) -> Route:
    return Route("POST", ask, OPENAI)


def _gemini(ask: ModelEndpoint) -> Route:
    return Route("POST", ask, GEMINI, key_in_query=True)


_OPENAI = {
    "/chat/completions": _openai(ModelEndpoint(openai_chat.CODEC, controls=True)),
    "/completions": _openai(ModelEndpoint(completions.CODEC, controls=True)),
    "/embeddings": _openai(ModelEndpoint(embeddings.CODEC, controls=True)),
}
_MODELS = Route("GET", "models", OPENAI, key_in_query=True, dialect_by_client=True)
_MODEL = Route("GET", "model", OPENAI, key_in_query=True, dialect_by_client=True)
_MODEL_INFO = Route("GET", "model_info", OPENAI)
_GEMINI_MODELS = Route("GET", "models", GEMINI, key_in_query=True)
_GEMINI_MODEL = Route("GET", "model", GEMINI, key_in_query=True)
_ALIVE = Route("GET", "alive", OPENAI, public=True)

ROUTES: Mapping[str, Route] = MappingProxyType(
    {
        **{f"/v1{path}": route for path, route in _OPENAI.items()},
        **_OPENAI,
        "/v1/messages": Route("POST", ModelEndpoint(anthropic_messages.CODEC), ANTHROPIC),
        "/v1/messages/count_tokens": Route("POST", ModelEndpoint(anthropic_messages.COUNT_TOKENS), ANTHROPIC),
        "/v1/models": _MODELS,
        "/models": _MODELS,
        "/model/info": _MODEL_INFO,
        "/v1/model/info": _MODEL_INFO,
        "/model_group/info": Route("GET", "model_group_info", OPENAI),
        "/v1beta/models": _GEMINI_MODELS,
        "/v1alpha/models": _GEMINI_MODELS,
        "/v1/routing/explain": Route("POST", "explain", OPENAI),
        "/v1/routing/state": Route("GET", "routing_state", OPENAI),
        "/cooldowns": Route("GET", "cooldowns", OPENAI),
        "/health": Route("GET", "health", OPENAI),
        "/health/readiness": Route("GET", "ready", OPENAI, public=True),
        "/health/liveliness": _ALIVE,
        "/health/liveness": _ALIVE,
        "/": Route("GET", "root", OPENAI, public=True),
    }
)
"""By path, exactly."""

VERBS: Mapping[str, Route] = MappingProxyType(
    {
        "generateContent": _gemini(ModelEndpoint(gemini.CODEC, stream=False)),
        "streamGenerateContent": _gemini(ModelEndpoint(gemini.CODEC, stream=True)),
        "countTokens": _gemini(ModelEndpoint(gemini.COUNT_TOKENS, stream=False)),
        "embedContent": _gemini(ModelEndpoint(gemini.EMBED_CONTENT, stream=False)),
        "batchEmbedContents": _gemini(ModelEndpoint(gemini.BATCH_EMBED_CONTENTS, stream=False)),
    }
)
"""Gemini's, behind `/v1beta/models/{model}:`."""
_MODEL_PREFIXES: Mapping[str, Route] = MappingProxyType(
    {"/v1beta/models/": _GEMINI_MODEL, "/v1alpha/models/": _GEMINI_MODEL, "/v1/models/": _MODEL, "/models/": _MODEL}
)
_AZURE_PREFIXES = ("/openai/deployments/", "/engines/", "/v1/engines/")
"""Where Azure's and OpenAI's older clients name the model in the address."""


def find(path: str) -> RouteMatch | None:
    """The route of a path. A model's name may hold slashes and colons."""
    route = ROUTES.get(path)
    if route is not None:
        return RouteMatch(route)
    for prefix, one in _MODEL_PREFIXES.items():
        if path.startswith(prefix):
            return _of_model(path[len(prefix) :], one)
    for prefix in _AZURE_PREFIXES:
        if path.startswith(prefix):
            return _of_deployment(path[len(prefix) :])
    stripped = path.rstrip("/")
    return find(stripped) if stripped not in ("", path) else None


def _of_model(rest: str, one: Route) -> RouteMatch | None:
    name, colon, verb = rest.rpartition(":")
    asked = VERBS.get(verb) if colon else None
    if asked is not None:
        return RouteMatch(asked, name) if name else None
    return RouteMatch(one, rest) if rest.strip("/") else None


def _of_deployment(rest: str) -> RouteMatch | None:
    for suffix, route in _OPENAI.items():
        if rest.endswith(suffix) and len(rest) > len(suffix):
            return RouteMatch(route, rest[: -len(suffix)])
    return None
