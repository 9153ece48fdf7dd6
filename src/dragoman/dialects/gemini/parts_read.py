"""Read the parts of a model's turn: of a reply, of the chunks of a stream, and of a caller's history.

https://ai.google.dev/api/caching#Part
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from dragoman.dialects.gemini.fields import fields, items
from dragoman.dialects.gemini.media import read_media
from dragoman.dialects.gemini.stream_arguments import PartialArguments
from dragoman.dialects.gemini.vendor import VENDOR
from dragoman.dialects.json_text import dump_json
from dragoman.dialects.signatures import SEAL_MARK, Sealed, unseal
from dragoman.dialects.tool_arguments import usable_arguments
from dragoman.dialects.validation import expect_object, expect_str
from dragoman.types.chat import Delta, Message, ThinkingBlock
from dragoman.types.json import JsonObject

__all__ = ["CallIds", "PartsReader", "as_message"]

_SEALED = SEAL_MARK.decode()
_STANDARD = str.maketrans("-_", "+/")
_DATA = frozenset(
    {"functionCall", "inlineData", "fileData", "executableCode", "codeExecutionResult", "toolCall", "toolResponse",
     "functionResponse"}
)  # fmt: skip


@dataclass(slots=True)
class CallIds:
    """Make ids for function calls without one: unique in the reply, and short enough for every vendor."""

    seed: str = ""
    count: int = 0

    def make(self) -> str:
        self.count += 1
        seed = re.sub(r"[^0-9A-Za-z]", "", self.seed)[-24:]
        return f"call_{seed}_{self.count}" if seed else f"call_{self.count}"


@dataclass(slots=True)
class PartsReader:
    """Read the parts of one turn. `read` returns what its parts add to the message."""

    ids: CallIds
    tool_names: Mapping[str, str] = field(default_factory=dict)
    json_tool: str | None = None
    unseals: bool = False
    """Whether signatures may be sealed: in a history that our own callers send back."""
    calls: int = 0
    _blocks: int = 0
    _thinking_open: bool = False
    _order: list[Any] = field(default_factory=list)
    """Kinds, and [characters, signed] for text."""
    _pending: PartialArguments | None = None
    """The arguments so far of a call that is still coming."""
    _text_pieces: list[str] = field(default_factory=list)
    _reasoning_pieces: list[str] = field(default_factory=list)
    _thinking_pieces: list[str] = field(default_factory=list)
    """Pieces of the parts that are being read: text, reasoning, and the continuation of the last thinking block."""
    _pending_text: bool = False
    """Whether that call stands in for structured output."""

    def read(self, parts: Any, path: str) -> Delta:
        delta: Delta = {}
        for index, part in enumerate(items(parts, path)):
            self._read(expect_object(part, f"{path}[{index}]"), f"{path}[{index}]", delta)
        return self._joined(delta)

    def close(self) -> Delta:
        """Return the rest: the arguments of a call that no part declared complete."""
        delta: Delta = {}
        self._end_call(delta)
        return self._joined(delta)

    def _joined(self, delta: Delta) -> Delta:
        """Return `delta` with the texts of its parts, each joined once."""
        self._join_block(delta)
        for key, pieces in (("content", self._text_pieces), ("reasoning_content", self._reasoning_pieces)):
            if pieces:
                delta[key] = "".join(pieces)  # type: ignore[literal-required]
                pieces.clear()
        return delta

    def _join_block(self, delta: Delta) -> None:
        if self._thinking_pieces:
            block = delta["thinking_blocks"][-1]
            block["thinking"] = block.get("thinking", "") + "".join(self._thinking_pieces)
            self._thinking_pieces.clear()

    @property
    def order(self) -> list[str] | None:
        """The `block_order` of the message, or None where it is the usual one."""
        kinds = ["text" if isinstance(entry, list) else entry for entry in self._order]
        usual = sorted(kinds, key=lambda kind: ("thinking", "text", "tool_call").index(kind) if kind in _USUAL else 9)
        if kinds == usual and kinds.count("text") <= 1 and set(kinds) <= _USUAL:
            return None
        return [f"text:{entry[0]}" if isinstance(entry, list) else entry for entry in self._order]

    def _read(self, raw: JsonObject, path: str, delta: Delta) -> None:
        part = fields(raw, path)
        if "functionCall" in part:
            self._call(part, path, delta)
        elif not _DATA & part.keys() and ("text" in part or "thoughtSignature" in part):
            self._read_text(part, path, delta)
        elif not self._read_media(part, path, delta) and part.keys() - {"thought"}:
            delta.setdefault("provider_tool_blocks", []).append({"vendor": VENDOR, "block": raw})
            self._mark("provider_tool")

    def _read_text(self, part: JsonObject, path: str, delta: Delta) -> None:
        text = expect_str(part.get("text", ""), f"{path}.text")
        add = self._thought if part.get("thought") is True else self._text
        add(text, _signature_of(part, path), delta)

    def _read_media(self, part: JsonObject, path: str, delta: Delta) -> bool:
        """Read an image or audio of the answer; False for any other part."""
        if part.get("thought") is True:
            return False
        if _is_image(part, path):
            signature = _signature_of(part, path)
            part.pop("thoughtSignature", None)
            delta.setdefault("images", []).append(read_media(part, path))
            self._mark("image")
            self._sign(signature, delta)
            return True
        if _is_audio(part, path):
            self._audio(fields(part["inlineData"], f"{path}.inlineData"), delta)
            return True
        return False

    def _mark(self, kind: str) -> None:
        self._order.append(kind)
        self._thinking_open = False

    def _text(self, text: str, signature: str, delta: Delta) -> None:
        if not text and not signature:
            return
        self._add_text(text, bool(signature), delta)
        self._sign(signature, delta)

    def _add_text(self, text: str, signed: bool, delta: Delta) -> None:
        """Add text. A signed part stays a part of its own: https://ai.google.dev/gemini-api/docs/thought-signatures."""
        self._text_pieces.append(text)
        last = self._order[-1] if self._order else None
        if isinstance(last, list) and not signed:
            last[0] += len(text)
        else:
            self._order.append([len(text)])
        self._thinking_open = False

    def _sign(self, signature: str, delta: Delta) -> None:
        """Add the signature of the part before."""
        if signature:
            self._add_block(self._opaque("signature", signature), delta)

    def _opaque(self, kind: str, signature: str) -> ThinkingBlock:
        sealed = self._unseal(signature)
        if sealed is None:
            return {"type": kind, "signature": signature, "vendor": VENDOR}  # type: ignore[typeddict-item]
        return _unsealed_block(sealed)

    def _unseal(self, signature: str) -> Sealed | None:
        """Return the sealed signature, if it is one. Google's SDK sends it in base64's URL-safe alphabet."""
        if not (self.unseals and signature.startswith(_SEALED)):
            return None
        return unseal(signature.translate(_STANDARD))

    def _thought(self, text: str, signature: str, delta: Delta) -> None:
        if text:
            self._reasoning_pieces.append(text)
        block: ThinkingBlock = {"type": "thinking", "thinking": text, "vendor": VENDOR}
        if signature:
            signed = self._opaque("thinking", signature)
            if signed["type"] != "thinking":
                self._add_block(signed, delta)
                return
            block = {**block, **signed, "thinking": text}
        elif not text:
            return
        if self._thinking_open:
            self._continue(block, delta)
        else:
            self._add_block(block, delta)
        self._thinking_open = not signature

    def _add_block(self, block: ThinkingBlock, delta: Delta) -> None:
        self._join_block(delta)
        delta.setdefault("thinking_blocks", []).append({**block, "index": self._blocks})
        self._blocks += 1
        self._mark("thinking")

    def _continue(self, block: ThinkingBlock, delta: Delta) -> None:
        """Extend the open block, within this delta where it has begun in it."""
        blocks = delta.setdefault("thinking_blocks", [])
        if blocks and blocks[-1]["index"] == self._blocks - 1:
            self._thinking_pieces.append(block["thinking"])
            blocks[-1].update({**block, "thinking": blocks[-1].get("thinking", "")})
        else:
            blocks.append({**block, "index": self._blocks - 1})

    def _audio(self, blob: JsonObject, delta: Delta) -> None:
        audio: JsonObject = delta.get("audio") or {"pieces": []}
        delta["audio"] = audio
        audio["pieces"].append(str(blob.get("data") or ""))
        audio["format"] = blob.get("mimeType")

    def _call(self, part: JsonObject, path: str, delta: Delta) -> None:
        where = f"{path}.functionCall"
        call = fields(part["functionCall"], where)
        if self._pending is not None and call.get("name"):
            self._end_call(delta)
        will_continue = call.get("willContinue") is True
        if self._pending is None:
            args = expect_object(usable_arguments(call.get("args")), f"{where}.args")
            if not will_continue and "partialArgs" not in call:
                self._begin_call(part, call, dump_json(args), path, delta)
                return
            self._begin_call(part, call, "", path, delta)
            self._pending = PartialArguments(args)
        self._pending.add(call.get("partialArgs"), f"{where}.partialArgs")
        if not will_continue:
            self._end_call(delta)

    def _begin_call(self, part: JsonObject, call: JsonObject, arguments: str, path: str, delta: Delta) -> None:
        name = expect_str(call.get("name", ""), f"{path}.functionCall.name")
        signature = _signature_of(part, path)
        if name == self.json_tool and name:
            self._pending_text = not arguments
            self._text(arguments, signature, delta)
            return
        call_id = expect_str(call.get("id") or self.ids.make(), f"{path}.functionCall.id")
        entry: JsonObject = {
            "index": self.calls,
            "id": call_id,
            "type": "function",
            "function": {"name": self.tool_names.get(name, name), "arguments": arguments},
        }
        if signature:
            entry["extra_content"] = {VENDOR: {"thought_signature": signature}}
        delta.setdefault("tool_calls", []).append(entry)  # type: ignore[arg-type]
        self.calls += 1
        self._mark("tool_call")

    def _end_call(self, delta: Delta) -> None:
        if self._pending is None:
            return
        arguments = self._pending.to_json()
        self._pending = None
        if self._pending_text:
            self._pending_text = False
            self._text(arguments, "", delta)
            return
        calls = delta.setdefault("tool_calls", [])
        if calls and calls[-1]["index"] == self.calls - 1:
            calls[-1]["function"]["arguments"] += arguments
        else:
            calls.append({"index": self.calls - 1, "function": {"arguments": arguments}})


_USUAL = {"thinking", "text", "tool_call"}


def _signature_of(part: JsonObject, path: str) -> str:
    return expect_str(part.get("thoughtSignature", ""), f"{path}.thoughtSignature")


def as_message(delta: Delta, order: list[str] | None) -> Message:
    """Return a whole turn as a message, without the indexes that join the deltas of a stream."""
    message: Message = {"role": "assistant", "content": delta.get("content")}
    for key, value in delta.items():
        message[key] = value  # type: ignore[literal-required]
    for block in message.get("thinking_blocks") or ():
        block.pop("index", None)
    for call in message.get("tool_calls") or ():
        call.pop("index", None)
    if order is not None:
        message["block_order"] = order
    return message


def _unsealed_block(sealed: Sealed) -> ThinkingBlock:
    vendor, kind, secret = sealed
    make: dict[str, Callable[[], Any]] = {
        "thinking": lambda: {"signature": secret},
        "signature": lambda: {"signature": secret},
        "redacted_thinking": lambda: {"data": secret},
        "encrypted": lambda: {"data": _json(secret)},
    }
    kind = kind if kind in make else "signature"
    block: ThinkingBlock = {"type": kind, **make[kind](), "vendor": vendor}  # type: ignore[typeddict-item]
    return block


def _json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _is_image(part: JsonObject, path: str) -> bool:
    return any(_type_of(part, key, path).startswith("image/") for key in ("inlineData", "fileData"))


def _is_audio(part: JsonObject, path: str) -> bool:
    return _type_of(part, "inlineData", path).startswith("audio/")


def _type_of(part: JsonObject, key: str, path: str) -> str:
    if key not in part:
        return ""
    return str(fields(part[key], f"{path}.{key}").get("mimeType") or "")
