"""Going on where a stream broke off: another deployment gets what was said as the beginning of its answer.

Only where that is done right: the answer is nothing but text so far, and the model that goes on is known to continue a last message
of the assistant. Where anything is in doubt, the stream ends with its error."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from dragoman.errors import APIError, ServiceUnavailableError
from dragoman.models import count_tokens
from dragoman.observe import Continued, tell
from dragoman.routing.call import Answer, StreamAnswer
from dragoman.routing.deployments.abilities import abilities_of
from dragoman.routing.deployments.deployment import Deployment
from dragoman.routing.recovery.partial_answer import Half
from dragoman.routing.request import Asked

if TYPE_CHECKING:
    from dragoman.routing.choice.group import ModelGroup
    from dragoman.routing.recovery.retry_loop import Run
    from dragoman.routing.settings.router_settings import RouterSettings

__all__ = ["Continuing", "able_to_go_on", "can_continue", "is_wanted", "may_continue", "read_on"]

Elsewhere: TypeAlias = Callable[[APIError], Awaitable[Answer | StreamAnswer | None]]
"""Asks the fallbacks. None: they fail too."""
_PREFILLED = frozenset({"anthropic_messages"})
"""Dialects in which a last message of the assistant is continued, with nothing said twice."""
_PLAIN = frozenset({"role", "content"})
_LIMITS = ("max_tokens", "max_completion_tokens")


def can_continue(request: Mapping[str, Any]) -> bool:
    """Whether two models can write one answer to it: no thoughts, no schema, no forced tool, one choice."""
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


def may_continue(asked: Asked, settings: RouterSettings) -> bool:
    """Whether a stream that breaks off may be continued."""
    call = asked.call
    return is_wanted(asked, settings) and call.stream and call.operation == "chat" and can_continue(asked.request)


def is_wanted(asked: Asked, settings: RouterSettings) -> bool:
    """By the call, or else by the deployment, or the settings."""
    own = asked.group.members[0].deployment.options
    said = asked.call.options.mid_stream_fallback or own.mid_stream_fallback or settings.mid_stream_fallback
    return said == "continue"


def read_on(answer: Answer | StreamAnswer, run: Run, asked: Asked, elsewhere: Elsewhere) -> Answer | StreamAnswer:
    """A stream with which others go on where it breaks off, if that is wanted."""
    if run.trial.continues and isinstance(answer, StreamAnswer):
        answer.batches = Continuing(answer, run, asked, elsewhere)
    return answer


def _thinks(request: Mapping[str, Any]) -> bool:
    thinking = request.get("thinking") or {}
    off = isinstance(thinking, Mapping) and thinking.get("type", "disabled") == "disabled"
    return not off or request.get("reasoning_effort") not in (None, "none")


class _Said:
    """What has reached the caller."""

    def __init__(self) -> None:
        self.head: dict[str, Any] = {}
        self.texts: list[str] = []
        self.is_text = True
        """And nothing else, and it has not ended."""

    @property
    def text(self) -> str:
        return "".join(self.texts)

    def saw(self, batch: list[Any]) -> None:
        for chunk in batch:
            if not self.head:
                self.head = {name: chunk[name] for name in ("id", "created", "model") if name in chunk}
            for choice in chunk.get("choices") or ():
                delta = choice.get("delta") or {}
                plain = all(name in _PLAIN for name, value in delta.items() if value)
                if choice.get("index") or choice.get("finish_reason") or choice.get("logprobs") or not plain:
                    self.is_text = False
                self.texts.append(delta.get("content") or "")


class Continuing:
    """The batches of a stream, and where it breaks off those of the deployment that goes on."""

    def __init__(self, answer: StreamAnswer, run: Run, asked: Asked, elsewhere: Elsewhere) -> None:
        self._answer = self._current = answer
        self._batches = answer.batches
        self._run = run
        self._asked = asked
        self._elsewhere = elsewhere
        self._said = _Said()
        self._seam = ""
        """White space at the end of what was said, which models do not get and perhaps write again."""
        self._earlier: Half | None = None
        self._parts_before = 0
        """Of what was said, those of deployments that had broken off before."""

    def __aiter__(self) -> Continuing:
        return self

    async def __anext__(self) -> list[Any]:
        while True:
            try:
                batch = await anext(self._batches)
            except APIError as error:
                await self._go_on(error)
                continue
            finally:
                self._share()
            if self._earlier is not None:
                batch = [fitted for chunk in batch if (fitted := self._fitted(chunk, self._earlier)) is not None]
            self._said.saw(batch)
            if batch:
                return batch

    async def aclose(self) -> None:
        close = getattr(self._batches, "aclose", None)
        if close is not None:
            await close()
        self._share()

    def _share(self) -> None:
        """The caller has the first stream's record: both halves are told there."""
        if self._current is not self._answer:
            self._answer.usage, self._answer.pricing = self._current.usage, self._current.pricing

    def _fitted(self, chunk: Any, earlier: Half) -> Any:
        """A chunk of a later half as one of the first stream."""
        chunk = {**chunk, **self._said.head}
        if chunk.get("usage"):
            chunk["usage"] = earlier.with_usage(chunk["usage"])
        choices = [self._fitted_choice(choice) for choice in chunk.get("choices") or ()]
        begins_only = choices and not any(choice["delta"] or choice.get("finish_reason") for choice in choices)
        return None if begins_only and not chunk.get("usage") else {**chunk, "choices": choices}

    def _fitted_choice(self, choice: Any) -> Any:
        delta = {name: value for name, value in (choice.get("delta") or {}).items() if name != "role"}
        text = delta.get("content")
        if text and self._seam:
            same = 0
            while same < min(len(text), len(self._seam)) and text[same] == self._seam[same]:
                same += 1
            self._seam = self._seam[same:] if same == len(text) else ""
            delta["content"] = text[same:]
        elif delta:
            self._seam = self._seam if "content" in delta else ""
        if not delta.get("content"):
            delta.pop("content", None)
        return {**choice, "delta": delta}

    async def _go_on(self, error: APIError) -> None:
        """Raises `error` where nobody can."""
        run, trial, broken = self._run, self._run.trial, self._current
        following: StreamAnswer | None = None
        try:
            if self._said.is_text and error.retry_elsewhere and run.seconds_left() > 0:
                following = await self._followed(error, broken)
        except BaseException as other:
            trial.tell_broken_off(broken, other)
            raise
        finally:
            run.rewrite = None
            broken.attempts = error.attempts = tuple(trial.attempts)
        if following is None:
            trial.tell_broken_off(broken, error)
            raise error
        self._current, self._batches = following, following.batches
        self._answer.attempts = following.attempts
        self._seam = self._said.text[len(self._said.text.rstrip()) :]

    async def _followed(self, error: APIError, broken: StreamAnswer) -> StreamAnswer | None:
        run, trial = self._run, self._run.trial
        trial.broke_off(broken, error)
        before = trial.earlier
        half = Half.of(broken, self._counted(broken), before)
        trial.earlier, run.rewrite = half, self._rewritten
        found: Answer | StreamAnswer | None = None
        if run.retries_left > 0:
            run.retries_left -= 1
            with contextlib.suppress(APIError):
                found = await run.ask(self._asked)
        if found is None:
            found = await self._elsewhere(error)
        if not isinstance(found, StreamAnswer):
            trial.earlier = before
            return None
        self._earlier = half
        made = trial.attempts[-1].deployment
        first = (broken.provider, broken.model, half.own_usage, half.own_cost, half.is_counted)
        tell(
            trial.listeners, Continued(trial.call.request_id, *first, made, trial.alias, broken.attempts[-1].deployment)
        )
        return found

    def _counted(self, broken: StreamAnswer) -> dict[str, int]:
        """What the half has used, where its provider had no time to tell."""
        before, own = self._said.texts[: self._parts_before], self._said.texts[self._parts_before :]
        self._parts_before = len(self._said.texts)
        prompt = self._asked.input_tokens(broken.model) + count_tokens(
            None, None, text=["".join(before)], model=broken.model
        )
        completion = count_tokens(None, None, text=["".join(own)], model=broken.model)
        return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}

    def _rewritten(self, asked: Asked) -> Asked:
        """For those of the group who can go on. Raises `APIError` where there are none."""
        text = self._said.text.rstrip()
        tried = {attempt.deployment for attempt in self._run.trial.attempts}
        able = able_to_go_on(asked.group, tried)
        request = _resumed(asked.request, text, self._asked.group.members[0].deployment.model)
        if not able or request is None:
            raise ServiceUnavailableError(f"no deployment of {asked.group.alias!r} can go on with the answer")
        return asked.to(asked.group.of(asked.group.alias, able), request)


def able_to_go_on(group: ModelGroup, tried: Collection[str]) -> list[Deployment]:
    """Those whose models are known to continue a last message of the assistant, without those that have been tried."""
    deployments = (member.deployment for member in group.members)
    return [each for each in deployments if each.id not in tried and _continues(each)]


def _continues(deployment: Deployment) -> bool:
    endpoint = deployment.provider.endpoints.get("chat")
    speaks = endpoint is not None and endpoint.codec.dialect in _PREFILLED
    return speaks and abilities_of(deployment).facts.prefill is True and can_continue(deployment.params)


def _resumed(request: Mapping[str, Any], text: str, model: str) -> dict[str, Any] | None:
    """The request with what was said as the beginning of the answer. None: no room is left, or the caller's own beginning of it is
    not plain text."""
    changed = dict(request)
    for name in _LIMITS:
        if changed.get(name) is not None:
            changed[name] -= count_tokens(None, None, text=[text], model=model)
            if changed[name] < 1:
                return None
    messages = list(request["messages"])
    if messages[-1].get("role") == "assistant":
        begun = messages.pop()
        if not isinstance(begun.get("content"), str) or begun.get("tool_calls"):
            return None
        text = begun["content"] + text
    changed["messages"] = [*messages, {"role": "assistant", "content": text}] if text else messages
    return changed
