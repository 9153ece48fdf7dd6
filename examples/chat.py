"""Ask any model: `python examples/chat.py anthropic/claude-sonnet-5-5 "Why is the sky blue?"`."""

from __future__ import annotations

import sys

from dragoman import completion


def main(model: str = "openai/gpt-6-luna", question: str = "Why is the sky blue?") -> None:
    for chunk in completion(model, [{"role": "user", "content": question}], stream=True):
        print(chunk.choices[0].delta.content or "", end="", flush=True)
    print()


if __name__ == "__main__":
    main(*sys.argv[1:])
