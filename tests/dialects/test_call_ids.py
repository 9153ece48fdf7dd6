"""Ids of tool calls: as callers and providers take them, and never twice."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dragoman.dialects import anthropic_messages
from dragoman.dialects.anthropic_messages.call_ids import id_for_caller, id_from_caller
from dragoman.dialects.call_ids import CallIds, FreshCallIds
from dragoman.dialects.codec import ReplyStyle, RequestHints

CALLER = ReplyStyle("m", vendor="anthropic")
CODEC = anthropic_messages.CODEC


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_an_id_for_a_claude_client_matches_its_pattern_and_comes_back_as_it_was(call_id: str) -> None:
    written = id_for_caller(call_id)
    assert re.fullmatch("[a-zA-Z0-9_-]+", written)
    assert id_from_caller(written) == call_id


@given(st.text(min_size=1))
def test_an_id_that_a_client_made_itself_is_read_the_same_each_time(call_id: str) -> None:
    assert id_from_caller(id_for_caller(id_from_caller(call_id))) == id_from_caller(call_id)


@given(st.lists(st.sampled_from(["a", "a_2", "b:0", "b_0", ""]), max_size=30))
def test_no_id_is_given_twice_and_all_match(call_ids: list[str]) -> None:
    ids = CallIds("[a-zA-Z0-9]{9}", taken=["taken"])
    given_ids = [ids.give(call_id) for call_id in call_ids]
    assert len(set(given_ids)) == len(given_ids)
    assert all(re.fullmatch("[a-zA-Z0-9]{9}", call_id) for call_id in given_ids)


def test_a_conversation_with_a_claude_client_keeps_the_providers_own_ids() -> None:
    call = {"id": "functions.f:0", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    call["extra_content"] = {"google": {"thought_signature": "c2ln"}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    response: Any = {"id": "1", "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}
    content = CODEC.write_response(response, CALLER)["content"]
    use = content[-1]
    assert re.fullmatch("[a-zA-Z0-9_-]+", use["id"])
    result = {"type": "tool_result", "tool_use_id": use["id"], "content": "1"}
    body = {
        "model": "m",
        "max_tokens": 9,
        "messages": [{"role": "assistant", "content": content}, {"role": "user", "content": [result]}],
    }
    assistant, tool = CODEC.read_request(body, RequestHints())["messages"]
    assert assistant["tool_calls"] == [call]
    assert tool["tool_call_id"] == "functions.f:0"


def test_a_streamed_call_has_a_good_id_too() -> None:
    assert CODEC.stream_writer is not None
    writer = CODEC.stream_writer(CALLER)
    delta = {"tool_calls": [{"index": 0, "id": "functions.f:0", "function": {"name": "f", "arguments": "{}"}}]}
    chunk: Any = {"id": "1", "choices": [{"index": 0, "delta": delta, "finish_reason": "tool_calls"}]}
    sent = writer.write(chunk) + writer.close()
    (found,) = re.findall(rb'"tool_use","id":"([^"]*)"', sent)
    assert re.fullmatch(rb"[a-zA-Z0-9_-]+", found)


def test_a_reply_gives_no_id_that_the_conversation_has_or_twice() -> None:
    calls = [{"id": name} for name in ("call_0", "call_1", "call_1", "call_2")]
    FreshCallIds({"call_0"}).whole({"choices": [{"message": {"tool_calls": calls}}]})
    ids = [call["id"] for call in calls]
    assert "call_0" not in ids
    assert len(set(ids)) == 4
    assert ids[1] == "call_1"
    assert ids[3] == "call_2"


def test_the_pieces_of_a_streamed_call_keep_one_id() -> None:
    def chunk(index: int, call_id: str | None) -> dict[str, Any]:
        call = {"index": index, **({"id": call_id} if call_id else {})}
        return {"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}

    sent = [chunk(0, "call_0"), chunk(0, None), chunk(0, "call_0"), chunk(1, "call_0"), chunk(1, "call_0")]
    read = list(FreshCallIds({"call_0"}).stream(sent))
    ids = [one["choices"][0]["delta"]["tool_calls"][0].get("id") for one in read]
    assert ids[0] == ids[2] != "call_0"
    assert ids[1] is None
    assert ids[3] == ids[4] not in (ids[0], "call_0")
