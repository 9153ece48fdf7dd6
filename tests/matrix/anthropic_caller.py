"""The anthropic package as a caller."""

from __future__ import annotations

import base64
from typing import Any

import anthropic

from tests.matrix._answer import Answer, Asked, ToolUse

__all__ = ["AnthropicCaller"]


class AnthropicCaller:
    def __init__(self, address: str, key: str) -> None:
        options: dict[str, Any] = {"base_url": address, "api_key": key, "max_retries": 0, "timeout": 20}
        self.client = anthropic.Anthropic(**options)
        self.async_client = anthropic.AsyncAnthropic(**options)

    async def close(self) -> None:
        self.client.close()
        await self.async_client.close()

    def user(self, text: str, image: bytes | None = None) -> Any:
        if image is None:
            return {"role": "user", "content": text}
        source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(image).decode()}
        return {"role": "user", "content": [{"type": "image", "source": source}, {"type": "text", "text": text}]}

    def assistant(self, answer: Answer) -> Any:
        return {"role": "assistant", "content": answer.message.content}

    def results(self, calls: list[ToolUse], texts: list[str]) -> list[Any]:
        blocks = [
            {"type": "tool_result", "tool_use_id": call.id, "content": text}
            for call, text in zip(calls, texts, strict=True)
        ]
        return [{"role": "user", "content": blocks}]

    def ask(self, asked: Asked, messages: list[Any]) -> Answer:
        if not asked.stream:
            return _answer(self.client.messages.create(**_request(asked, messages)))
        with self.client.messages.stream(**_request(asked, messages)) as stream:
            return _answer(stream.get_final_message())

    async def ask_async(self, asked: Asked, messages: list[Any]) -> Answer:
        if not asked.stream:
            return _answer(await self.async_client.messages.create(**_request(asked, messages)))
        async with self.async_client.messages.stream(**_request(asked, messages)) as stream:
            return _answer(await stream.get_final_message())


def _request(asked: Asked, messages: list[Any]) -> dict[str, Any]:
    request: dict[str, Any] = {"model": asked.model, "messages": messages, "max_tokens": 4000}
    if asked.system:
        request["system"] = asked.system
    if asked.tools:
        request["tools"] = [
            {"name": name, "description": name, "input_schema": schema} for name, schema in asked.tools.items()
        ]
    if asked.schema:
        request["output_config"] = {"format": {"type": "json_schema", "schema": asked.schema}}
    if asked.thinking:
        request["thinking"] = {"type": "enabled", "budget_tokens": 1024}
    return request


def _answer(message: Any) -> Answer:
    blocks = message.content
    details = message.usage.output_tokens_details
    return Answer(
        text="".join(block.text for block in blocks if block.type == "text"),
        calls=[ToolUse(block.id, block.name, block.input) for block in blocks if block.type == "tool_use"],
        thoughts="".join(block.thinking for block in blocks if block.type == "thinking"),
        finish=message.stop_reason,
        tokens_in=message.usage.input_tokens,
        tokens_out=message.usage.output_tokens,
        reasoning_tokens=(details.thinking_tokens or 0) if details else 0,
        message=message,
    )
