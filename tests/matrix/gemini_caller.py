"""The google-genai package as a caller."""

from __future__ import annotations

from typing import Any

from google import genai
from google.genai import types

from tests.matrix._answer import Answer, Asked, ToolUse

__all__ = ["GeminiCaller"]


class GeminiCaller:
    def __init__(self, address: str, key: str) -> None:
        options = types.HttpOptions(base_url=address, timeout=20_000)
        self.client = genai.Client(api_key=key, http_options=options)

    async def close(self) -> None:
        await self.client.aio.aclose()
        self.client.close()

    def user(self, text: str, image: bytes | None = None) -> Any:
        parts = [types.Part(text=text)]
        if image is not None:
            parts.insert(0, types.Part.from_bytes(data=image, mime_type="image/png"))
        return types.Content(role="user", parts=parts)

    def assistant(self, answer: Answer) -> Any:
        return answer.message

    def results(self, calls: list[ToolUse], texts: list[str]) -> list[Any]:
        parts = [
            types.Part(
                function_response=types.FunctionResponse(id=call.id or None, name=call.name, response={"result": text})
            )
            for call, text in zip(calls, texts, strict=True)
        ]
        return [types.Content(role="user", parts=parts)]

    def ask(self, asked: Asked, messages: list[Any]) -> Answer:
        request = _request(asked, messages)
        if not asked.stream:
            return _answer([self.client.models.generate_content(**request)])
        return _answer(list(self.client.models.generate_content_stream(**request)))

    async def ask_async(self, asked: Asked, messages: list[Any]) -> Answer:
        request = _request(asked, messages)
        if not asked.stream:
            return _answer([await self.client.aio.models.generate_content(**request)])
        return _answer([chunk async for chunk in await self.client.aio.models.generate_content_stream(**request)])


def _request(asked: Asked, messages: list[Any]) -> dict[str, Any]:
    config: dict[str, Any] = {}
    if asked.system:
        config["system_instruction"] = asked.system
    if asked.tools:
        declared = [
            types.FunctionDeclaration(name=name, description=name, parameters_json_schema=schema)
            for name, schema in asked.tools.items()
        ]
        config["tools"] = [types.Tool(function_declarations=declared)]
    if asked.schema:
        config |= {"response_mime_type": "application/json", "response_json_schema": asked.schema}
    if asked.thinking:
        config["thinking_config"] = types.ThinkingConfig(include_thoughts=True, thinking_budget=1024)
    return {"model": asked.model, "contents": messages, "config": types.GenerateContentConfig(**config)}


def _answer(chunks: list[types.GenerateContentResponse]) -> Answer:
    """A stream's chunks hold parts one after another; put back they are all the parts."""
    candidates = [chunk.candidates[0] for chunk in chunks if chunk.candidates]
    parts = [part for candidate in candidates if candidate.content for part in candidate.content.parts or []]
    usage = chunks[-1].usage_metadata
    assert usage is not None
    calls = [part.function_call for part in parts if part.function_call]
    finish = next((candidate.finish_reason for candidate in reversed(candidates) if candidate.finish_reason), None)
    thought = usage.thoughts_token_count or 0
    return Answer(
        text="".join(part.text for part in parts if part.text and not part.thought),
        calls=[ToolUse(call.id or "", call.name or "", call.args or {}) for call in calls],
        thoughts="".join(part.text for part in parts if part.text and part.thought),
        finish=finish.value if finish else "",
        tokens_in=usage.prompt_token_count or 0,
        tokens_out=(usage.candidates_token_count or 0) + thought,
        reasoning_tokens=thought,
        message=types.Content(role="model", parts=parts),
    )
