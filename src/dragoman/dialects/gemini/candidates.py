"""Read a candidate, whole or in chunks, and the fields around the candidates of a reply."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeGuard

from dragoman.dialects.codec import ReplyContext
from dragoman.dialects.error_details import reply_of, shown
from dragoman.dialects.gemini.citations import citations
from dragoman.dialects.gemini.errors import blocked, failed_candidate, read_error
from dragoman.dialects.gemini.finish_reasons import broke_off, read_finish
from dragoman.dialects.gemini.logprobs import read_logprobs
from dragoman.dialects.gemini.media import join_base64
from dragoman.dialects.gemini.params import TIERS_FROM_WIRE
from dragoman.dialects.gemini.parts_read import CallIds, PartsReader
from dragoman.dialects.gemini.vendor import VENDOR
from dragoman.dialects.validation import expect_object
from dragoman.errors import APIError, APIResponseValidationError
from dragoman.types.chat import Annotation, Delta
from dragoman.types.json import JsonObject

__all__ = ["CandidateReader", "blocked_prompt", "candidates_of", "envelope", "invalid", "logprobs_of", "service_tier"]

_READ = frozenset({"content", "finishReason", "index", "logprobsResult"})
_KNOWN = frozenset({"candidates", "promptFeedback", "usageMetadata", "modelVersion", "responseId", "createTime"})
_NOT_A_REPLY = "the reply is not one of generateContent"
_THINKING = frozenset(("role", "reasoning_content", "thinking_blocks"))


def candidates_of(body: Any, context: ReplyContext, raw: bytes) -> list[JsonObject]:
    """Return the candidates of a reply or of a chunk.

    Raise the error that it holds, `ContentPolicyViolationError` for a blocked prompt, and
    `APIResponseValidationError` for any other JSON.
    """
    if isinstance(body, list) and body and isinstance(body[0], dict):
        body = body[0]
    if not isinstance(body, dict):
        raise invalid(context, _NOT_A_REPLY, body)
    if "error" in body:
        raise read_error(reply_of(raw, context))
    if not body.keys() & _KNOWN:
        raise invalid(context, _NOT_A_REPLY, body)
    feedback = blocked_prompt(body)
    if feedback is not None:
        raise blocked(feedback, body, context)
    candidates = body.get("candidates") or []
    if not _is_list_of_objects(candidates):
        raise invalid(context, "`candidates` is not a list of objects", body)
    return candidates


def _is_list_of_objects(value: Any) -> TypeGuard[list[JsonObject]]:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def blocked_prompt(body: Any) -> JsonObject | None:
    """Return the feedback of a reply without candidates about a prompt that Google blocked."""
    feedback = body.get("promptFeedback") if isinstance(body, dict) and not body.get("candidates") else None
    return feedback if isinstance(feedback, dict) and feedback.get("blockReason") else None


def invalid(context: ReplyContext, message: str, body: Any) -> APIError:
    return APIResponseValidationError(
        f"{context.provider}: {message}", provider=context.provider, model=context.model, body=shown(body)
    )


def envelope(body: JsonObject, context: ReplyContext) -> JsonObject:
    """Return id, time and model: Gemini's own, or those of the context."""
    return {
        "id": str(body.get("responseId") or context.reply_id),
        "created": _seconds(body.get("createTime")) or context.created,
        "model": str(body.get("modelVersion") or context.model),
    }


def service_tier(usage: Any) -> str | None:
    tier = usage.get("serviceTier") if isinstance(usage, dict) else None
    return TIERS_FROM_WIRE.get(tier, tier) if isinstance(tier, str) else None


def _seconds(moment: Any) -> int | None:
    try:
        return int(datetime.fromisoformat(moment).timestamp())
    except (TypeError, ValueError, OverflowError):
        return None


@dataclass(slots=True)
class CandidateReader:
    """Read one candidate over all of its chunks."""

    context: ReplyContext
    ids: CallIds
    finish: str | None = None
    extras: JsonObject = field(default_factory=dict)
    """Fields that have no place in the hub, under Google's names."""
    _parts: PartsReader = field(init=False)
    _text: list[str] = field(default_factory=list)
    _cited: set[tuple[Any, ...]] = field(default_factory=set)
    _answered: bool = False
    """Whether anything but thinking came."""
    _runs_code: bool = False

    def __post_init__(self) -> None:
        self._parts = PartsReader(self.ids, self.context.tool_names, self.context.json_tool)

    def read(self, candidate: JsonObject, path: str) -> Delta:
        """Return what this chunk adds. The last finish reason wins: content may follow one (server-run code)."""
        content = expect_object(candidate.get("content") or {}, f"{path}.content")
        delta = self._parts.read(content.get("parts"), f"{path}.content.parts")
        self._answered = self._answered or _is_answer(delta)
        self._runs_code = _runs_code(content.get("parts"), self._runs_code)
        if isinstance(candidate.get("finishReason"), str):
            self.finish = candidate["finishReason"]
        if broke_off(self.finish) and not self._answered:
            raise failed_candidate(candidate, self.context)
        self._add_annotations(candidate, delta)
        if "audio" in delta:
            delta["audio"] = self._audio(delta["audio"] or {})
        self.extras.update({key: value for key, value in candidate.items() if key not in _READ})
        return delta

    def _add_annotations(self, candidate: JsonObject, delta: Delta) -> None:
        text = delta.get("content")
        if isinstance(text, str):
            self._text.append(text)
        annotations = self._annotations(candidate)
        if annotations:
            delta["annotations"] = annotations

    def _annotations(self, candidate: JsonObject) -> list[Annotation]:
        if "groundingMetadata" not in candidate and "citationMetadata" not in candidate:
            return []
        annotations: list[Annotation] = []
        for annotation in citations(candidate, "".join(self._text)):
            key = tuple(annotation["url_citation"].values())
            if key not in self._cited:
                self._cited.add(key)
                annotations.append(annotation)
        return annotations

    def _audio(self, audio: JsonObject) -> JsonObject:
        """Return OpenAI's audio; Google gives neither a transcript nor an expiry."""
        return {
            "id": f"audio_{self.context.reply_id}",
            "data": join_base64(audio["pieces"]),
            "expires_at": self.context.created + 3600,
            "transcript": "",
            "format": audio["format"],
        }

    def close(self) -> Delta:
        return self._parts.close()

    @property
    def finished(self) -> bool:
        """Whether it has ended. Code that the model runs is followed by its result, after a finish reason too."""
        return self.finish is not None and not self._runs_code

    @property
    def order(self) -> list[str] | None:
        return self._parts.order

    def finish_choice(self, choice: Any) -> None:
        """Put the finish reason and the extras of a candidate that has ended into its choice."""
        choice["finish_reason"] = read_finish(self.finish or "", has_calls=self._parts.calls > 0)
        if self.finish:
            choice["native_finish_reason"] = self.finish
        if self.extras:
            choice["provider_specific_fields"] = {VENDOR: self.extras}


def _is_answer(delta: Delta) -> bool:
    return any(value for key, value in delta.items() if key not in _THINKING)


def _runs_code(parts: Any, before: bool) -> bool:
    """Whether the last of all parts is code whose result is still to come."""
    last = parts[-1] if isinstance(parts, list) and parts else None
    return "executableCode" in last if isinstance(last, dict) else before


def logprobs_of(candidate: JsonObject) -> JsonObject | None:
    return read_logprobs(candidate.get("logprobsResult"))
