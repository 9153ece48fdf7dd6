"""Resuming a stream that broke off: another deployment gets what was written as the beginning of its answer.

Only where that is exact: the answer is nothing but text so far, and the model that goes on is known to continue a last message of
the assistant. Where anything is in doubt, the stream ends with its error."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from dragoman.errors import APIError, ServiceUnavailableError
from dragoman.models import count_tokens
from dragoman.observe import StreamResumed
from dragoman.routing.call import Answer, StreamAnswer
from dragoman.routing.deployments.abilities import abilities_of
from dragoman.routing.deployments.deployment import Deployment
from dragoman.routing.recovery.dispatch import Dispatch
from dragoman.routing.recovery.partial_answer import PartialAnswer
from dragoman.routing.request import GroupRequest, RequestedGroup
from dragoman.routing.settings.router_settings import RouterSettings
from dragoman.types.operations import CHAT

__all__ = ["ResumedStream", "can_resume", "is_resumable", "is_wanted", "resume_on_break", "resuming_deployments"]

_PLAIN = frozenset({"role", "content"})


def is_resumable(request: Mapping[str, Any]) -> bool:
    """Return whether two models can write one answer to it: no reasoning, no schema, no forced tool, one choice."""
    form = request.get("response_format") or {}
    unfit = (
        request.get("n") not in (None, 1),
        request.get("logprobs"),
        form.get("type", "text") != "text",
        request.get("tool_choice") not in (None, "auto", "none"),
        _thinks(request),
        "audio" in (request.get("modalities") or ()),
    )
    return not any(unfit)


def can_resume(request: GroupRequest, settings: RouterSettings) -> bool:
    """Whether a stream that breaks off may be continued."""
    call = request.call
    return call.stream and call.operation.resumable and is_wanted(request, settings) and is_resumable(request.request)


def is_wanted(request: GroupRequest, settings: RouterSettings) -> bool:
    """By the call, or else by the deployment, or the settings."""
    own = request.group.members[0].deployment.options
    value = request.call.options.mid_stream_fallback or own.mid_stream_fallback or settings.mid_stream_fallback
    return value == "continue"


def resume_on_break(answer: Answer | StreamAnswer, dispatch: Dispatch) -> Answer | StreamAnswer:
    """Let other deployments go on with a stream where it breaks off, if that is wanted."""
    if dispatch.attempts.resumable and isinstance(answer, StreamAnswer):
        answer.batches = ResumedStream(answer, dispatch)
    return answer


def _thinks(request: Mapping[str, Any]) -> bool:
    thinking = request.get("thinking") or {}
    off = isinstance(thinking, Mapping) and thinking.get("type", "disabled") == "disabled"
    return not off or request.get("reasoning_effort") not in (None, "none")


class _WrittenText:
    """What has reached the caller."""

    def __init__(self) -> None:
        self.head: dict[str, Any] = {}
        self.texts: list[str] = []
        self.is_text = True
        """It is nothing but text, and has not ended."""

    @property
    def text(self) -> str:
        return "".join(self.texts)

    def add(self, batch: list[Any]) -> None:
        for chunk in batch:
            if not self.head:
                self.head = {name: chunk[name] for name in ("id", "created", "model") if name in chunk}
            for choice in chunk.get("choices") or ():
                self._add_choice(choice)

    def _add_choice(self, choice: Any) -> None:
        delta = choice.get("delta") or {}
        plain = all(name in _PLAIN for name, value in delta.items() if value)
        if choice.get("index") or choice.get("finish_reason") or choice.get("logprobs") or not plain:
            self.is_text = False
        self.texts.append(delta.get("content") or "")


class ResumedStream:
    """The batches of a stream, and where it breaks off those of the deployment that goes on."""

    def __init__(self, answer: StreamAnswer, dispatch: Dispatch) -> None:
        self._answer = self._current = answer
        self._batches = answer.batches
        self._dispatch = dispatch
        self._request = dispatch.request
        self._written = _WrittenText()
        self._seam = ""
        """White space at the end of what was written, which models do not get and perhaps write again."""
        self._partial: PartialAnswer | None = None
        self._texts_before = 0
        """Of the texts that were written, those of deployments that had broken off before."""

    def __aiter__(self) -> ResumedStream:
        return self

    async def __anext__(self) -> list[Any]:
        while True:
            try:
                batch = await anext(self._batches)
            except APIError as error:
                await self._resume(error)
                continue
            finally:
                self._share()
            if self._partial is not None:
                batch = [fitted for chunk in batch if (fitted := self._fitted(chunk, self._partial)) is not None]
            self._written.add(batch)
            if batch:
                return batch

    async def aclose(self) -> None:
        close = getattr(self._batches, "aclose", None)
        if close is not None:
            await close()
        self._share()

    def _share(self) -> None:
        """Copy the usage and pricing of the whole to the first stream's answer, which the caller holds."""
        if self._current is not self._answer:
            self._answer.resumed_by(self._current)

    def _fitted(self, chunk: Any, partial: PartialAnswer) -> Any:
        """Return a chunk of a later part as one of the first stream."""
        chunk = {**chunk, **self._written.head}
        if chunk.get("usage"):
            chunk["usage"] = partial.with_usage(chunk["usage"])
        choices = [self._fitted_choice(choice) for choice in chunk.get("choices") or ()]
        begins_only = choices and not any(choice["delta"] or choice.get("finish_reason") for choice in choices)
        return None if begins_only and not chunk.get("usage") else {**chunk, "choices": choices}

    def _fitted_choice(self, choice: Any) -> Any:
        delta = {name: value for name, value in (choice.get("delta") or {}).items() if name != "role"}
        text = delta.get("content")
        if text and self._seam:
            delta["content"] = self._without_seam(text)
        elif delta:
            self._seam = self._seam if "content" in delta else ""
        if not delta.get("content"):
            delta.pop("content", None)
        return {**choice, "delta": delta}

    def _without_seam(self, text: str) -> str:
        same = 0
        while same < min(len(text), len(self._seam)) and text[same] == self._seam[same]:
            same += 1
        self._seam = self._seam[same:] if same == len(text) else ""
        return text[same:]

    async def _resume(self, error: APIError) -> None:
        """Raise `error` where no deployment can go on."""
        attempts, broken = self._dispatch.attempts, self._current
        following: StreamAnswer | None = None
        try:
            if self._written.is_text and error.retry_elsewhere and self._dispatch.retries.seconds_left() > 0:
                following = await self._following(error, broken)
        except BaseException as other:
            attempts.break_off(broken, other)
            raise
        finally:
            error.attempts = tuple(attempts.record.attempts)
        if following is None:
            attempts.break_off(broken, error)
            raise error
        self._current, self._batches = following, following.batches
        text = self._written.text
        self._seam = text[len(text.rstrip()) :]

    async def _following(self, error: APIError, broken: StreamAnswer) -> StreamAnswer | None:
        attempts = self._dispatch.attempts
        failed = attempts.revoke_success(error)
        partial = PartialAnswer.of(broken, self._counted(broken), self._partial)
        previous = attempts.resume_after(partial)
        result = await self._dispatch.resume(error, self._rewritten)
        if not isinstance(result, StreamAnswer):
            attempts.resume_after(previous)
            return None
        self._partial = partial
        fields = (failed, partial.own_usage, partial.own_cost, partial.is_counted, attempts.record.deployment)
        attempts.services.tell(StreamResumed(attempts.record, *fields))
        return result

    def _counted(self, broken: StreamAnswer) -> dict[str, int]:
        """Return what the part has used, where its provider had no time to tell."""
        texts = self._written.texts
        previous, own = texts[: self._texts_before], texts[self._texts_before :]
        self._texts_before = len(texts)
        prompt = self._request.input_tokens(broken.model)
        prompt += count_tokens(None, None, text=["".join(previous)], model=broken.model)
        completion = count_tokens(None, None, text=["".join(own)], model=broken.model)
        return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}

    def _rewritten(self, request: GroupRequest) -> GroupRequest:
        """Return the request for those of the group that can go on. Raise `APIError` where there are none."""
        text = self._written.text.rstrip()
        excluded = {attempt.deployment for attempt in self._dispatch.attempts.record.attempts}
        eligible = resuming_deployments(request.group, excluded)
        resumed = _resumed(request.request, text, self._request.group.members[0].deployment.model)
        if not eligible or resumed is None:
            raise ServiceUnavailableError(f"no deployment of {request.group.alias!r} can go on with the answer")
        return request.redirected(request.group.with_deployments(request.group.alias, eligible), resumed)


def resuming_deployments(group: RequestedGroup, excluded: Collection[str]) -> list[Deployment]:
    """Return the deployments whose models are known to continue a last message of the assistant, without the `excluded` ids."""
    deployments = (member.deployment for member in group.members)
    return [item for item in deployments if item.id not in excluded and _continues(item)]


def _continues(deployment: Deployment) -> bool:
    endpoint = deployment.provider.endpoints.get(CHAT.name)
    speaks = endpoint is not None and endpoint.codec.continues_prefill
    return speaks and abilities_of(deployment).facts.prefill is True and is_resumable(deployment.params)


def _resumed(request: Mapping[str, Any], text: str, model: str) -> dict[str, Any] | None:
    """Return the request with `text` as the beginning of the answer. None: no tokens are left, or the caller's own beginning is not
    plain text."""
    changed = dict(request)
    for name in CHAT.output_limits:
        if changed.get(name) is not None:
            changed[name] -= count_tokens(None, None, text=[text], model=model)
            if changed[name] < 1:
                return None
    messages = list(request["messages"])
    if messages[-1].get("role") == "assistant":
        started = messages.pop()
        if not isinstance(started.get("content"), str) or started.get("tool_calls"):
            return None
        text = started["content"] + text
    changed["messages"] = [*messages, {"role": "assistant", "content": text}] if text else messages
    return changed
