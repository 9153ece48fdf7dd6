"""The openai package as a caller."""

from __future__ import annotations

import base64
import json
from typing import Any

import openai
from openai.lib.streaming.chat import ChatCompletionStreamState

from tests.matrix._answer import Answer, Asked, ToolUse

__all__ = ["OpenAICaller"]


class OpenAICaller:
    def __init__(self, address: str, key: str) -> None:
        options: dict[str, Any] = {"base_url": f"{address}/v1", "api_key": key, "max_retries": 0, "timeout": 20}
        self.client = openai.OpenAI(**options)
        self.async_client = openai.AsyncOpenAI(**options)

    async def close(self) -> None:
        self.client.close()
        await self.async_client.close()

    def user(self, text: str, image: bytes | None = None) -> Any:
        if image is None:
            return {"role": "user", "content": text}
        url = f"data:image/png;base64,{base64.b64encode(image).decode()}"
        return {
            "role": "user",
            "content": [{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": url}}],
        }

    def assistant(self, answer: Answer) -> Any:
        return answer.message.model_dump(exclude_none=True)

    def results(self, calls: list[ToolUse], texts: list[str]) -> list[Any]:
        return [
            {"role": "tool", "tool_call_id": call.id, "content": text} for call, text in zip(calls, texts, strict=True)
        ]

    def ask(self, asked: Asked, messages: list[Any]) -> Answer:
        made: Any = self.client.chat.completions.create(**_request(asked, messages))
        if not asked.stream:
            return _answer(made)
        state: Any = ChatCompletionStreamState()
        for chunk in made:
            state.handle_chunk(chunk)
        return _answer(state.get_final_completion())

    async def ask_async(self, asked: Asked, messages: list[Any]) -> Answer:
        made: Any = await self.async_client.chat.completions.create(**_request(asked, messages))
        if not asked.stream:
            return _answer(made)
        state: Any = ChatCompletionStreamState()
        async for chunk in made:
            state.handle_chunk(chunk)
        return _answer(state.get_final_completion())


def _request(asked: Asked, messages: list[Any]) -> dict[str, Any]:
    system = [{"role": "developer", "content": asked.system}] if asked.system else []
    request: dict[str, Any] = {"model": asked.model, "messages": system + messages}
    if asked.tools:
        request["tools"] = [
            {"type": "function", "function": {"name": name, "description": name, "parameters": schema}}
            for name, schema in asked.tools.items()
        ]
    if asked.schema:
        request["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": asked.schema, "strict": True},
        }
    if asked.thinking:
        request["reasoning_effort"] = "low"
    if asked.stream:
        request |= {"stream": True, "stream_options": {"include_usage": True}}
    return request


def _answer(completion: Any) -> Answer:
    choice, usage = completion.choices[0], completion.usage
    message = choice.message
    details = usage.completion_tokens_details
    return Answer(
        text=message.content or "",
        calls=[
            ToolUse(call.id, call.function.name, json.loads(call.function.arguments))
            for call in message.tool_calls or []
        ],
        thoughts=getattr(message, "reasoning_content", None) or "",
        finish=choice.finish_reason,
        tokens_in=usage.prompt_tokens,
        tokens_out=usage.completion_tokens,
        reasoning_tokens=(details.reasoning_tokens or 0) if details else 0,
        message=message,
    )
