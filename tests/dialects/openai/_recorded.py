"""The recordings that are in OpenAI's dialect, and a reading of them that owes nothing to our readers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest

from dragoman.dialects.codec import ReplyContext, Target
from dragoman.dialects.openai_chat import ACCENTS
from tests.recordings import Recording, all_recordings, recordings

CREATED = 1_700_000_000
REPLY_ID = "chatcmpl-reply"

FAILED = {
    # sent with a 200, and an error all the same
    "openllmetry--test-prompt-content-filtering-1-201b998a",
    "pydantic-ai--test-tool-use-failed-error-streaming-1-ee0d2389",
    "req_llm--object-basic-1-372c833e",
    "pydantic-ai--test-openrouter-stream-error-1-aa7d5db2",
}


def ours(recording: Recording) -> bool:
    """Whether the exchange is in OpenAI's dialect: Cohere's and Ollama's own chats are not, nor some embeddings."""
    if recording.provider in ("cohere", "vertex", "voyage") or "/api/" in recording.url.replace("/api/v", "/v"):
        return False
    if recording.provider == "gemini" and "/openai/" not in recording.url:
        return False
    return recording.provider != "ollama" or recording.status >= 400 or '"object"' in recording.response_bytes.decode()


def _endpoint(recording: Recording) -> str:
    """What was asked, by the body: some chats were sent to (or filed under) another endpoint."""
    if recording.endpoint == "completions" and "messages" in (recording.request_body or {}):
        return "chat"
    return recording.endpoint


def of_endpoint(endpoint: str, *, stream: bool | None = None, ok: bool | None = True) -> list[Any]:
    params = recordings(("*", "chat"), ("*", "completions"), ("*", "embeddings"), stream=stream, ok=ok)
    if params[0].values[0] is None:
        return params
    return [param for param in params if ours(param.values[0]) and _endpoint(param.values[0]) == endpoint]


def chats(*, stream: bool | None = None, ok: bool | None = True) -> list[Any]:
    return of_endpoint("chat", stream=stream, ok=ok)


def good(params: list[Any]) -> list[Any]:
    return [param for param in params if param.values[0] is None or param.values[0].id not in FAILED]


def by_id(name: str) -> Recording:
    """The recording whose id begins with `name`."""
    for recording in all_recordings():
        if recording.id.startswith(name):
            return recording
    pytest.skip("the recordings are missing")


def context(recording: Recording, **more: Any) -> ReplyContext:
    return ReplyContext(
        provider=recording.provider,
        model=recording.model or "some-model",
        vendor=recording.provider,
        created=CREATED,
        reply_id=REPLY_ID,
        accent=ACCENTS.get(recording.provider),
        **more,
    )


def target(provider: str = "somebody", model: str = "some-model", **more: Any) -> Target:
    more.setdefault("accent", ACCENTS.get(provider))
    more.setdefault("vendor", provider)
    return Target(provider=provider, model=model, **more)


@dataclass
class Told:
    """What one choice tells."""

    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    calls: list[dict[str, str]] = field(default_factory=list)
    finish: str | None = None


def told_by(body: Any) -> dict[int, Told]:
    """A whole answer, read by hand."""
    return {choice.get("index", n): _told(choice) for n, choice in enumerate(body["choices"])}


def _told(choice: dict[str, Any]) -> Told:
    message = choice.get("message") or {}
    told = Told(finish=choice.get("finish_reason"), refusal=message.get("refusal") or "")
    told.text, thoughts = _content(message.get("content"))
    told.reasoning = thoughts or message.get("reasoning_content") or message.get("reasoning") or ""
    if not told.reasoning:
        told.reasoning = "".join(
            d.get("text") or d.get("summary") or "" for d in message.get("reasoning_details") or ()
        )
    for call in message.get("tool_calls") or ():
        body = call.get("function") or call.get("custom") or {}
        told.calls.append({"id": call.get("id") or "", "name": body["name"], "arguments": body.get("arguments", "{}")})
    return told


def _content(content: Any) -> tuple[str, str]:
    if isinstance(content, list):
        text = "".join(part["text"] for part in content if part["type"] == "text")
        thoughts = [part["thinking"] for part in content if part["type"] == "thinking"]
        return text, "".join(t["text"] for thought in thoughts for t in thought)
    if isinstance(content, dict):
        return json.dumps(content, separators=(",", ":"), ensure_ascii=False), ""
    return content or "", ""


def events(raw: bytes) -> list[Any]:
    """The JSON of a recorded event stream, by the simplest means."""
    lines = [line.strip() for line in raw.decode().replace("\r\n", "\n").split("\n")]
    data = [line[5:].strip() for line in lines if line.startswith("data:")]
    return [json.loads(item) for item in data if item != "[DONE]"]


def told_in_stream(raw: bytes) -> dict[int, Told]:
    """A streamed answer, put together by hand."""
    told: dict[int, Told] = {}
    open_calls: dict[tuple[int, Any], dict[str, str]] = {}
    for event in events(raw):
        for position, choice in enumerate(event.get("choices") or ()):
            index = choice.get("index", position)
            one = told.setdefault(index, Told())
            one.finish = choice.get("finish_reason") or one.finish
            delta = choice.get("delta") or {}
            text, thoughts = _content(delta.get("content"))
            one.text += text
            one.refusal += delta.get("refusal") or ""
            details = "".join(d.get("text") or d.get("summary") or "" for d in delta.get("reasoning_details") or ())
            one.reasoning += thoughts or delta.get("reasoning_content") or delta.get("reasoning") or details
            for call in delta.get("tool_calls") or ():
                _hear_call(one, call, open_calls, index)
    return told


def _hear_call(told: Told, call: Any, open_calls: dict[tuple[int, Any], dict[str, str]], index: int) -> None:
    function = call.get("function") or {}
    key = (index, call.get("index", call.get("id") or len(told.calls)))
    if key not in open_calls:
        open_calls[key] = {"id": call.get("id") or "", "name": function.get("name") or "", "arguments": ""}
        told.calls.append(open_calls[key])
    arguments = function.get("arguments")
    open_calls[key]["arguments"] += arguments if isinstance(arguments, str) else json.dumps(arguments or "")[1:-1]


def join(chunks: Iterable[Any]) -> dict[int, dict[str, Any]]:
    """Our chunks put together: what a client of ours would see."""
    joined: dict[int, dict[str, Any]] = {}
    for chunk in chunks:
        for choice in chunk["choices"]:
            one = joined.setdefault(
                choice["index"], {"content": "", "reasoning_content": "", "calls": [], "refusal": ""}
            )
            delta = choice["delta"]
            for key in ("content", "reasoning_content", "refusal"):
                one[key] += delta.get(key) or ""
            for key in ("role", "annotations"):
                if key in delta:
                    one[key] = delta[key]
            for block in delta.get("thinking_blocks") or ():
                _join_block(one.setdefault("thinking_blocks", []), block)
            for call in delta.get("tool_calls") or ():
                if call["index"] == len(one["calls"]):
                    one["calls"].append({"id": call["id"], "name": "", "arguments": ""})
                here = one["calls"][call["index"]]
                here["name"] += call.get("function", {}).get("name", "")
                here["arguments"] += call.get("function", {}).get("arguments", "")
            if choice["finish_reason"]:
                assert "finish_reason" not in one, "a finish reason is told once"
                one["finish_reason"] = choice["finish_reason"]
                one["native"] = choice.get("native_finish_reason")
    return joined


def _join_block(blocks: list[Any], delta: Any) -> None:
    if delta["index"] == len(blocks):
        blocks.append({**delta})
        return
    assert delta["index"] == len(blocks) - 1, "only the last block goes on"
    more = {**delta, "thinking": blocks[-1].get("thinking", "") + delta.get("thinking", "")}
    blocks[-1].update(more)
