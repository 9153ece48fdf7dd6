"""One dialect's form of one operation: a codec, which reads and writes the four things that cross a wire.

    request    read_request    write_request
    response   read_response   write_response
    stream     stream_reader   stream_writer     (and stream_relay, where both sides speak the same dialect)
    error      read_error      write_error

A codec is a record of functions, so that a dialect is data too (`dialect.py`). "Read" turns the wire into the hub, "write" the hub
into the wire; at the caller's side a request is read and a response written, at the provider's side the other way round.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, Protocol, TypeVar

from dragoman.errors import APIError, DragomanError
from dragoman.types.json import JsonObject
from dragoman.types.model_facts import UNKNOWN_MODEL, ModelFacts
from dragoman.types.operations import Operation
from dragoman.types.usage import TokenUsage

__all__ = [
    "EVENT_STREAM",
    "Codec",
    "ErrorReply",
    "Payload",
    "ReplyContext",
    "ReplyStyle",
    "RequestHints",
    "StreamEnd",
    "StreamReader",
    "StreamRelay",
    "StreamWriter",
    "Target",
    "WireRequest",
]

EVENT_STREAM = "text/event-stream; charset=utf-8"

Request = TypeVar("Request")
Response = TypeVar("Response")
Chunk = TypeVar("Chunk")
Chunk_co = TypeVar("Chunk_co", covariant=True)
Chunk_contra = TypeVar("Chunk_contra", contravariant=True)


@dataclass(frozen=True, slots=True)
class RequestHints:
    """What a caller said outside of the body: Gemini names the model and streaming in the address."""

    model: str | None = None
    stream: bool | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """The caller's dialect headers, lower case, e.g. `anthropic-beta`."""


@dataclass(frozen=True, slots=True)
class Target:
    """For whom a request is written."""

    provider: str
    model: str
    """The provider's own name of the model."""
    vendor: str
    """Whose signatures and provider-run tools this target understands: `anthropic`, `google`, `openai`, ..."""
    stream: bool = False
    facts: ModelFacts = UNKNOWN_MODEL
    accent: Any = None
    """How this provider's version of the dialect deviates: the dialect's own record type, or None."""
    drop_params: bool = False
    """Leave out, and report, what the target cannot express; False refuses the request."""
    additional_drop_params: tuple[str, ...] = ()
    """Parameters to leave out in any case (reported too)."""
    allowed_openai_params: tuple[str, ...] = ()
    """Parameters to send although the target is thought not to know them."""


@dataclass(frozen=True, slots=True)
class Payload:
    """A body that is not JSON (multipart/form-data, audio, ...), as it is on the wire."""

    data: bytes
    content_type: str
    """The value of the header: `multipart/form-data; boundary=...`, `audio/mpeg`."""


@dataclass(frozen=True, slots=True)
class WireRequest:
    """A request in the provider's dialect, before it has an address or a credential."""

    body: JsonObject = field(default_factory=dict)
    """Sent as JSON, unless there is a payload."""
    path: str | None = None
    """Instead of the provider's path for this operation, where it depends on the request."""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    """What was left out or weakened, by the caller's parameter names."""
    tool_names: Mapping[str, str] = field(default_factory=dict)
    """Tool names on the wire -> the caller's names, where they had to be changed."""
    json_tool: str | None = None
    """The tool on the wire that stands in for structured output, whose arguments are the content of the answer."""
    payload: Payload | None = None
    """Sent instead of `body`."""


@dataclass(frozen=True, slots=True)
class ReplyContext:
    """What a reader must know about the exchange whose reply it reads."""

    provider: str
    model: str
    vendor: str
    created: int
    """Unix seconds, for dialects that tell no time."""
    reply_id: str
    """An id for dialects or providers that give none; also the seed of tool call ids."""
    accent: Any = None
    facts: ModelFacts = UNKNOWN_MODEL
    tool_names: Mapping[str, str] = field(default_factory=dict)
    json_tool: str | None = None
    call_ids: frozenset[str] = frozenset()
    """The ids of the tool calls in the conversation, which no call of the reply may have."""


@dataclass(frozen=True, slots=True)
class ReplyStyle:
    """What a writer must know about the caller for whom it writes."""

    model: str
    """The model as the caller named it."""
    include_usage: bool = False
    """Whether an OpenAI caller asked for the usage chunk; the other dialects always tell usage."""
    framing: Literal["sse", "json_array"] = "sse"
    """How a Gemini caller wants its stream."""
    vendor: str | None = None
    """The vendor whose own clients speak the caller's dialect; signatures of others are sealed (see `_signature.py`)."""


@dataclass(frozen=True, slots=True)
class ErrorReply:
    """An error as it came from a provider."""

    provider: str
    model: str
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


class StreamEnd(Protocol):
    """How far a stream has come, for whoever would else wait for the end of the HTTP body."""

    @property
    def finished(self) -> bool:
        """Whether the answer is whole: only its usage and the end mark may follow, and a break is an end."""
        ...

    @property
    def complete(self) -> bool:
        """Whether the end mark has been read: nothing follows."""
        ...


class StreamReader(StreamEnd, Protocol[Chunk_co]):
    """Reads one stream, fed with bytes at any split. Keeps no more than the current event and the open blocks."""

    def feed(self, data: bytes) -> Iterator[Chunk_co]:
        """Yield the chunks that `data` completes. Raises `APIError` at an error event, after what came before it."""
        ...

    def close(self) -> Iterator[Chunk_co]:
        """The body has ended: yield what is left, the usage last. Raises `APIConnectionError` where the stream was
        cut off before it was finished."""
        ...


class StreamWriter(Protocol[Chunk_contra]):
    """Writes one stream in the caller's dialect, ready to be sent."""

    def write(self, chunk: Chunk_contra) -> bytes: ...

    def close(self) -> bytes:
        """The proper end."""
        ...

    def error(self, error: DragomanError) -> bytes:
        """The dialect's error event; nothing may follow it."""
        ...


class StreamRelay(StreamEnd, Protocol):
    """Passes a stream through untouched for a caller who speaks the provider's dialect, and watches it."""

    usage: TokenUsage | None
    """The usage, as soon as it has been seen."""
    begun: bool
    """Whether content has been seen, or a finish reason that explains why there is none (a limit, a filter)."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield whole events. Raises `APIError` at an error event, or what is none (neither is passed on)."""
        ...

    def close(self) -> Iterator[bytes]:
        """As `StreamReader.close`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec(Generic[Request, Response, Chunk]):
    """One dialect's way of asking for one thing."""

    dialect: str
    """The name of the wire format, e.g. `anthropic_messages`."""
    operation: Operation
    read_request: Callable[[JsonObject, RequestHints], Request]
    """Raises `BadRequestError` with `param` = the path of the field at fault."""
    write_request: Callable[[Request, Target], WireRequest]
    """Raises `UnsupportedParamsError` for what the target cannot express, unless told to drop."""
    read_response: Callable[[JsonObject, ReplyContext], Response]
    """Raises `APIResponseValidationError` for a body of another shape, and `APIError` for an error sent with a 200."""
    write_response: Callable[[Response, ReplyStyle], JsonObject]
    read_error: Callable[[ErrorReply], APIError]
    """Never raises; the error it returns holds no secrets."""
    write_error: Callable[[DragomanError], JsonObject]
    stream_reader: Callable[[ReplyContext], StreamReader[Chunk]] | None = None
    stream_writer: Callable[[ReplyStyle], StreamWriter[Chunk]] | None = None
    stream_relay: Callable[[ReplyContext, ReplyStyle], StreamRelay] | None = None
    relay_request: Callable[[JsonObject, Target], WireRequest | None] | None = None
    """The caller's own body for a provider of the same dialect: the model put in, nothing else touched (but for what
    metering needs, which the relay hides again). None where the body cannot pass through as it stands."""
    read_usage: Callable[[JsonObject], TokenUsage | None] | None = None
    """The usage of a response that is passed through."""
    has_answer: Callable[[JsonObject], bool] = lambda _: False
    """Whether a response that is passed through plainly holds an answer, and need not be read to be judged."""
    foreign_marks: tuple[bytes, ...] = ()
    """Byte strings that show that a body holds our extensions, and so cannot be passed through untouched."""
    read_request_payload: Callable[[Payload, RequestHints], Request] | None = None
    """Instead of `read_request`, for callers who send something other than JSON. Raises as it does."""
    read_response_payload: Callable[[Payload, ReplyContext], Response] | None = None
    """Instead of `read_response`, for providers that answer with something other than JSON. Raises as it does."""
    write_response_payload: Callable[[Response, ReplyStyle], Payload] | None = None
    """Instead of `write_response`, for callers who expect something other than JSON."""
    stream_content_type: str = EVENT_STREAM
    """The media type of a stream. One of another type than events is read and written as it is: nothing is concluded from its
    first bytes, and no sign of life is put between its pieces."""
    continues_prefill: bool = False
    """Whether a last message of the assistant is the beginning of the answer, which the model goes on with and does not repeat."""
