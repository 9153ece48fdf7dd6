"""A provider that is a function: what it gives is a text, a message or response in OpenAI's shape, or an iterator."""

from __future__ import annotations

from collections.abc import Iterator

from dragoman import FunctionCall, completion, register_provider


def parrot(call: FunctionCall) -> str | Iterator[str]:
    said = str(call.request["messages"][-1]["content"])
    return iter(said.split()) if call.stream else said


def main() -> None:
    register_provider("parrot", parrot)
    question = [{"role": "user", "content": "Polly wants a cracker"}]
    print(completion("parrot/green", question).choices[0].message.content)
    for chunk in completion("parrot/green", question, stream=True):
        print(chunk.choices[0].delta.content)


if __name__ == "__main__":
    main()
