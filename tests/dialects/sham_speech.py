"""A dialect whose bodies are not JSON: requests are multipart/form-data with a sample of a voice, answers are audio.

Everything that an operation with audio or images needs of the rooms between caller and provider."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from dragoman.dialects.codec import (
    Codec,
    ErrorReply,
    Payload,
    ReplyContext,
    ReplyStyle,
    RequestHints,
    Target,
    WireRequest,
)
from dragoman.dialects.dialect import CallerRoute, Dialect, Endpoint, ModelCard
from dragoman.errors import APIConnectionError, APIError, BadRequestError, DragomanError, error_for_status
from dragoman.types.json import JsonObject
from dragoman.types.operations import Operation

__all__ = ["DIALECT", "SPEECH", "read_form", "write_form"]

SPEECH = Operation(
    name="speech",
    label="speech",
    text_fields=("input",),
    answer_field="audio",
    takes_params=False,
    sample=lambda text: {"input": text, "voice": b""},
)
_END = b"\x00END"


def write_form(fields: dict[str, str], file: bytes) -> Payload:
    """Return the body of a form with text fields and one file."""
    boundary = hashlib.sha256(file).hexdigest()
    head = 'content-disposition: form-data; name="{}"'
    parts = [f"--{boundary}\r\n{head.format(name)}\r\n\r\n{value}\r\n".encode() for name, value in fields.items()]
    parts.append(f'--{boundary}\r\n{head.format("voice")}; filename="voice.raw"\r\n\r\n'.encode() + file + b"\r\n")
    return Payload(b"".join(parts) + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}")


def read_form(payload: Payload) -> tuple[dict[str, str], bytes]:
    """Return the text fields and the file of a form that `write_form` has written."""
    boundary = payload.content_type.partition("boundary=")[2].encode()
    fields, file = {}, b""
    for part in payload.data.split(b"--" + boundary)[1:-1]:
        head, _, value = part.removesuffix(b"\r\n").partition(b"\r\n\r\n")
        name = head.partition(b'name="')[2].partition(b'"')[0].decode()
        if name == "voice":
            file = value
        else:
            fields[name] = value.decode()
    return fields, file


def _read_form_request(payload: Payload, hints: RequestHints) -> JsonObject:
    fields, file = read_form(payload)
    if "text" not in fields:
        raise BadRequestError("text: expected a field of the form", param="text")
    return {"model": fields["model"], "input": fields["text"], "voice": file, "stream": fields.get("stream") == "yes"}


def _read_request(body: JsonObject, hints: RequestHints) -> JsonObject:
    return {"model": body["model"], "input": body["text"], "voice": b"", "stream": body.get("stream") == "yes"}


def _write_request(request: JsonObject, target: Target) -> WireRequest:
    fields = {"model": target.model, "text": request["input"], "stream": "yes" if target.stream else "no"}
    return WireRequest(payload=write_form(fields, request["voice"]))


def _read_audio(payload: Payload, context: ReplyContext) -> JsonObject:
    return {"audio": payload.data, "type": payload.content_type}


def _write_audio(response: JsonObject, style: ReplyStyle) -> Payload:
    return Payload(response["audio"], response["type"])


def _read_error(reply: ErrorReply) -> APIError:
    return error_for_status(reply.status)(reply.body.decode(), provider=reply.provider, model=reply.model)


def _write_error(error: DragomanError) -> JsonObject:
    return {"trouble": error.message}


def _unused(*arguments: Any) -> Any:
    raise AssertionError("no JSON is read or written here")


class _Reader:
    """Audio of which the last four bytes say that it is whole."""

    def __init__(self, context: ReplyContext) -> None:
        self.finished = self.complete = False
        self._tail = b""

    def feed(self, data: bytes) -> Iterator[JsonObject]:
        self._tail = (self._tail + data)[-len(_END) :]
        self.finished = self._tail == _END
        yield {"audio": data}

    def close(self) -> Iterator[JsonObject]:
        if not self.finished:
            raise APIConnectionError("the audio was cut off")
        return iter(())


class _Writer:
    def __init__(self, style: ReplyStyle) -> None:
        self.style = style

    def write(self, chunk: JsonObject) -> bytes:
        audio: bytes = chunk["audio"]
        return audio

    def close(self) -> bytes:
        return b""

    def error(self, error: DragomanError) -> bytes:
        return b""


CODEC: Codec[Any, Any, Any] = Codec(
    dialect="sham_speech",
    operation=SPEECH,
    read_request=_read_request,
    read_request_payload=_read_form_request,
    write_request=_write_request,
    read_response=_unused,
    read_response_payload=_read_audio,
    write_response=_unused,
    write_response_payload=_write_audio,
    read_error=_read_error,
    write_error=_write_error,
    stream_reader=_Reader,
    stream_writer=_Writer,
    stream_content_type="audio/l16",
)


def _write_model(card: ModelCard) -> JsonObject:
    return {"called": card.name}


def _write_model_list(models: list[JsonObject]) -> JsonObject:
    return {"models": models}


DIALECT = Dialect(
    name="sham_speech",
    short_name="sham_speech",
    vendor="sham",
    endpoints={"speech": Endpoint(CODEC, "/speak")},
    usual_operations=(),
    bases=("/v1",),
    routes=(CallerRoute(path="/speak", codec=CODEC),),
    write_error=_write_error,
    write_model=_write_model,
    write_model_list=_write_model_list,
)
