"""The record of a dialect: how it is spoken to providers and served to callers. Data, so that nothing tests a dialect's name.

Each dialect's folder holds one; `registry.py` lists the folders. See docs/add-a-dialect.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dragoman.dialects.codec import Codec
from dragoman.errors import DragomanError
from dragoman.types.json import JsonObject

__all__ = ["CallerRoute", "Dialect", "Endpoint", "ModelCard"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How an operation is called at a provider, and where."""

    codec: Codec[Any, Any, Any]
    path: str
    """Appended to the base address; `{model}` is filled in. A `WireRequest.path` wins over it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerRoute:
    """A path at which clients of a dialect send one kind of request."""

    path: str
    """Behind one of the dialect's `bases`; `{model}` stands for the model's name, if the address holds it."""
    codec: Codec[Any, Any, Any]
    stream: bool | None = None
    """Whether the answer is a stream, if the address says it; None: the body says it."""
    marker: str = ""
    """A field that only requests of this kind have, in this dialect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """What a list of models can tell of one model; None: unknown."""

    name: str
    created: int
    """Unix seconds."""
    owner: str
    operations: tuple[str, ...]
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    reasoning: bool | None = None
    deprecated: bool = False
    details: Callable[[], JsonObject] = dict
    """All else that is known, for dialects whose clients keep fields that they do not know. Costly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One wire format: how providers who speak it are called, and how its clients are served."""

    name: str
    short_name: str
    """As users write it: `openai`, `anthropic`, `gemini`."""
    vendor: str
    """Whose signatures its own clients keep."""
    endpoints: Mapping[str, Endpoint]
    """By the name of the operation: how a provider is called."""
    usual_operations: tuple[str, ...]
    """What a provider is taken to offer if its record does not say. A new operation is not among them: a provider's record
    names it."""
    accent_type: type[Any] | None = None
    """The record of how one provider's version deviates; None: it has no variants."""
    accents: Mapping[str, Any] = field(default_factory=dict)
    """Known accents, by the names that a provider's record may use."""

    bases: tuple[str, ...] = ()
    """Where its clients find their paths; `{model}` stands for the model's name (Azure's deployments)."""
    routes: tuple[CallerRoute, ...] = ()
    own_paths: tuple[str, ...] = ()
    """Beginnings of paths that only clients of this dialect use."""
    client_headers: tuple[str, ...] = ()
    """Headers that only clients of this dialect send, in lower case."""
    key_parameter: str = ""
    """The parameter of the query in which its clients may send their key."""
    options_in_body: bool = False
    """Whether its clients write the gateway's own fields into the body, as LiteLLM's do."""

    write_error: Callable[[DragomanError], JsonObject]
    statuses: Mapping[int, int] = field(default_factory=dict)
    """Our status -> the one that the dialect's clients know for it."""
    request_id_header: bytes = b"x-request-id"
    """Where its clients look for the id of a request."""
    hint_headers: tuple[str, ...] = ()
    """Headers that say something about the request."""
    semantic_headers: tuple[str, ...] = ()
    """Those of them that change what the request means, and go where the body goes."""
    keep_alive_bytes: bytes = b": keep-alive\n\n"
    """What may stand between two events of a stream and means nothing to the dialect's clients."""
    usage_takes_cost: bool = False
    """Whether the `usage` of an event may hold a `cost` too, as LiteLLM's users expect it: clients keep fields that they do not
    know."""

    model_lists: tuple[str, ...] = ()
    """The paths of the list of models."""
    write_model: Callable[[ModelCard], JsonObject]
    write_model_list: Callable[[list[JsonObject]], JsonObject]
