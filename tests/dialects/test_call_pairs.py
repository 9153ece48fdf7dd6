"""Calls and results are paired for every provider, whatever the history."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.dialects import anthropic_messages, gemini, openai_chat
from dragoman.dialects.call_pairs import NO_RESULT, paired
from dragoman.dialects.codec import Target

LAWS = settings(max_examples=200, deadline=None)
IDS = st.sampled_from(["a", "b", "call_0", "functions.f:0", "x" * 70, "", "é"])
CALL = st.builds(lambda id: {"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}}, IDS)
MESSAGE = st.one_of(
    st.builds(lambda text: {"role": "user", "content": text}, st.sampled_from(["hi", "go on"])),
    st.builds(
        lambda text, calls: {"role": "assistant", "content": text, **({"tool_calls": calls} if calls else {})},
        st.sampled_from([None, "so"]),
        st.lists(CALL, max_size=3),
    ),
    st.builds(lambda id: {"role": "tool", "tool_call_id": id, "content": f"result of {id}"}, IDS),
)
HISTORY = st.lists(MESSAGE, min_size=1, max_size=12)
CALLS_AND_RESULT = [
    {"role": "assistant", "content": None, "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f"}}]},
    {"role": "tool", "tool_call_id": "a", "content": "1"},
]


def written(codec: Any, vendor: str, messages: list[Any], accent: Any = None) -> dict[str, Any]:
    target = Target(vendor, "m", vendor, accent=accent, drop_params=True)
    body: dict[str, Any] = codec.write_request({"model": "m", "messages": messages}, target).body
    return body


@LAWS
@given(HISTORY)
def test_google_gets_a_turn_of_as_many_results_after_each_turn_with_calls(history: list[Any]) -> None:
    turns = written(gemini.CODEC, "google", history)["contents"]
    counts = [
        tuple(sum(kind in part for part in turn["parts"]) for kind in ("functionCall", "functionResponse"))
        for turn in turns
    ]
    for position, (calls, results) in enumerate(counts):
        assert not (calls and results)
        if results:
            assert counts[position - 1] == (results, 0)
            assert len(turns[position]["parts"]) == results
        if calls:
            assert counts[position + 1] == (0, calls)
            before = [part["functionCall"] for part in turns[position]["parts"] if "functionCall" in part]
            after = [part["functionResponse"] for part in turns[position + 1]["parts"]]
            assert [call["id"] for call in before] == [result["id"] for result in after]
    assert_all_said(history, turns)


@LAWS
@given(HISTORY)
def test_anthropic_gets_a_result_for_each_call_in_the_next_turn_under_good_ids(history: list[Any]) -> None:
    turns = written(anthropic_messages.CODEC, "anthropic", history)["messages"]
    ids: list[str] = []
    for turn, following in zip(turns, [*turns[1:], None], strict=True):
        blocks = turn["content"] if isinstance(turn["content"], list) else []
        calls = [block["id"] for block in blocks if block["type"] == "tool_use"]
        after = following["content"] if following and isinstance(following["content"], list) else []
        results = [block["tool_use_id"] for block in after if block["type"] == "tool_result"]
        assert results == calls
        assert [block["type"] for block in after[: len(results)]] == ["tool_result"] * len(results)
        ids += calls
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch("[a-zA-Z0-9_-]+", id) for id in ids)
    assert_all_said(history, turns)


@pytest.mark.parametrize("accent", ["openai", "mistral", "deepseek", "groq"])
@LAWS
@given(history=HISTORY)
def test_openai_and_its_like_get_the_results_right_after_their_calls(accent: str, history: list[Any]) -> None:
    rules = openai_chat.ACCENTS[accent]
    messages = written(openai_chat.CODEC, accent, history, rules)["messages"]
    ids: list[str] = []
    waiting: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            assert message["tool_call_id"] == waiting.pop(0)
            continue
        assert not waiting
        waiting = [call["id"] for call in message.get("tool_calls", ())]
        ids += waiting
    assert not waiting
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(rules.tool_call_id, id) for id in ids if rules.tool_call_id)
    assert_all_said(history, messages)


def assert_all_said(history: list[Any], sent: Any) -> None:
    """Every result is there, as a result or as text."""
    for message in history:
        if message["role"] == "tool":
            assert message["content"] in str(sent)


@LAWS
@given(HISTORY)
def test_pairing_twice_changes_nothing_more(history: list[Any]) -> None:
    once = [message for _, message in paired(history)]
    assert [message for _, message in paired(once)] == once


@LAWS
@given(HISTORY, HISTORY)
def test_the_ids_of_a_growing_conversation_stay(history: list[Any], more: list[Any]) -> None:
    answered = [message for _, message in paired(history)]
    before = [message for _, message in paired(answered, "[a-z]+")]
    after = [message for _, message in paired([*answered, {"role": "user", "content": "and"}, *more], "[a-z]+")]
    assert after[: len(before)] == before


def test_the_work_grows_with_the_length_of_the_history() -> None:
    def work(size: int) -> int:
        import sys

        steps = 0

        def count(*_: object) -> None:
            nonlocal steps
            steps += 1

        history = [*CALLS_AND_RESULT * size]
        sys.setprofile(count)
        try:
            paired(history, "[a-z]+")
        finally:
            sys.setprofile(None)
        return steps

    assert work(2000) < 2.5 * work(1000)


def test_what_is_in_order_is_left_alone_and_messages_keep_their_places() -> None:
    assert [message is before for (_, message), before in zip(paired(CALLS_AND_RESULT), CALLS_AND_RESULT, strict=True)]
    call, result = CALLS_AND_RESULT
    assert paired([call, {"role": "user", "content": "wait"}, result]) == [
        (0, call),
        (2, result),
        (1, {"role": "user", "content": "wait"}),
    ]
    assert paired([call])[1][1]["content"] == NO_RESULT


def test_calls_of_the_older_api_without_ids_are_paired_by_their_order() -> None:
    call = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}}
    result = {"role": "function", "name": "f", "content": "1"}
    user = {"role": "user", "content": "x"}
    assert [message for _, message in paired([call, user, result])] == [call, result, user]
    assert [message["role"] for _, message in paired([call, user])] == ["assistant", "function", "user"]
    assert paired([result])[0][1] == {"role": "user", "content": "Result of the tool call f: 1"}
