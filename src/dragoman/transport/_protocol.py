"""aiohttp's reader of answers, made to survive bytes behind an answer."""

from __future__ import annotations

from typing import Any

from aiohttp.client_proto import ResponseHandler

__all__ = ["AnswerProtocol"]

_HEAD_ENDS = b"\r\n\r\n"


class AnswerProtocol(ResponseHandler):
    """Gives the head of an answer to the parser by itself.

    The parser forgets a whole answer when what follows it in the same read is not HTTP; an answer whose head it has given away
    keeps its body. Such a connection is not used again."""

    def data_received(self, data: bytes) -> None:
        end = data.find(_HEAD_ENDS) if data.startswith(b"HTTP/") else -1
        if end >= 0:
            end += len(_HEAD_ENDS)
            super().data_received(data[:end])
            data = data[end:]
            if not data:
                return
        super().data_received(data)  # also without data: aiohttp makes a paused parser or decompressor go on so

    def set_exception(self, exc: BaseException, *cause: Any) -> None:
        """Tell the reader of an unfinished body too, which aiohttp would leave waiting."""
        super().set_exception(exc, *cause)
        payload = self._payload
        if payload is not None and not payload.is_eof() and payload.exception() is None:
            payload.set_exception(exc)
