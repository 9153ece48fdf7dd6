"""A request that is written and thrown away: what would be left out of it, or why it cannot be written at all."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from dragoman.dialects import text_as_chat
from dragoman.dialects._parameters import DropList
from dragoman.errors import DragomanError
from dragoman.models import Tally, acount_tokens_locally
from dragoman.routing._asked import words_of
from dragoman.routing._explanation import Refusal
from dragoman.routing._job import Job
from dragoman.routing._wire import prepare, target_of

__all__ = ["Sent", "counted_for", "refusal_of", "sent_by"]


class Sent(NamedTuple):
    """What would be sent, as far as it may be told."""

    dropped: tuple[str, ...] = ()
    passes_through: bool = False
    refusal: Refusal | None = None
    note: str = ""


def refusal_of(error: DragomanError) -> Refusal:
    return Refusal(type(error).__name__, error.status_code, error.message, error.param)


async def counted_for(job: Job) -> Tally:
    """The input tokens, who counted them, and whether it is sure."""
    chat = job.request.get("chat") or job.request
    entry = job.deployment.entry
    asked = {name: chat.get(name) for name in ("tool_choice", "response_format")}
    return await acount_tokens_locally(
        chat.get("messages"), chat.get("tools"), words_of(chat), entry.model if entry else job.deployment.model, **asked
    )


def sent_by(job: Job) -> Sent:
    """A request that is written, and thrown away."""
    provider = job.deployment.provider
    if job.options.mock_response is not None or provider.function is not None:
        return Sent(note="a function of this process answers, and nothing is sent")
    drops: tuple[str, ...] = ()
    try:
        if job.operation == "text_completion" and job.operation not in provider.endpoints:
            list_of = DropList(target_of(job))
            request = text_as_chat.chat_request(job.request, list_of)
            job, drops = replace(job, operation="chat", request=request, source=None), tuple(list_of.dropped)
        endpoint = provider.endpoints.get(job.operation)
        if endpoint is None:
            return _not_offered(job)
        sending = prepare(job, endpoint)
    except DragomanError as error:
        return Sent(refusal=refusal_of(error))
    return Sent((*drops, *sending.dropped), sending.native)


def _not_offered(job: Job) -> Sent:
    provider = job.deployment.provider.name
    if job.operation == "count_tokens":
        return Sent(note=f"{provider} counts no tokens: they are counted here")
    message = f"{provider} offers no {job.operation}"
    return Sent(refusal=Refusal("NotFoundError", 404, message))
