"""What a replay tells, for a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dragoman.gateway.wording import counted
from dragoman.routing.replay import Move, Replay, Total

__all__ = ["replay_text"]

_MOST_ROWS = 30
_KINDS = (
    ("unchanged", "as before"),
    ("elsewhere", "to another deployment of the same model"),
    ("moved", "to another model or provider"),
    ("becomes_answer", "failed, and would be answered"),
    ("becomes_failure", "were answered, and would fail"),
    ("fails_again", "failed, and would fail again"),
    ("not_judged", "cannot be judged"),
)
_OF_ALL = (
    ("by_fallback", "answered by a fallback"),
    ("assumed", "go where the log did not send them, and are taken to be answered"),
    ("inferred", "go where the log did not send them, and are taken to fail as others did there"),
)
_TABLES = (
    ("answers", "would be answered:"),
    ("reasons", "would fail:"),
    ("doubts", "cannot be judged:"),
    ("not_known", "not in the log, and looked at by the configuration:"),
)


def replay_text(replay: Replay) -> str:
    return "\n".join(_lines(replay))


def _lines(replay: Replay) -> Iterator[str]:
    other = f"lines that tell of something else: {replay.skipped:,}, malformed: {replay.malformed:,}"
    yield f"{counted(replay.calls, 'call')} ({other})"
    for name, words in _KINDS:
        yield f"  {getattr(replay, name):>9,}  {words}"
    if any(getattr(replay, name) for name, _ in _OF_ALL):
        yield "of all:"
    for name, words in _OF_ALL:
        if count := getattr(replay, name):
            yield f"  {count:>9,}  {words}"
    yield f"cost     {_total(replay.cost, 'US dollars')}"
    yield f"latency  {_total(replay.milliseconds, 'ms on average')}"
    yield from _moves(replay.moves)
    for name, words in _TABLES:
        yield from _table(words, getattr(replay, name))
    if replay.malformed:
        yield from ("", "malformed:")
        yield from (f"  line {number}: {reason}" for number, reason in replay.malformed_lines)
        yield from _more(replay.malformed - len(replay.malformed_lines))


def _moves(moves: tuple[Move, ...]) -> Iterator[str]:
    if moves:
        yield from ("", "moved:")
    for move in moves[:_MOST_ROWS]:
        yield f"  {move.calls:>9,}  {move.before} -> {move.after}"
        yield f"             cost {_total(move.cost, 'US dollars')}"
        seen = f"; {move.sample:,} calls of the log went to {move.after}" if move.sample else ""
        yield f"             latency {_total(move.milliseconds, 'ms on average')}{seen}"
    yield from _more(len(moves) - _MOST_ROWS)


def _table(words: str, rows: Mapping[str, int]) -> Iterator[str]:
    if rows:
        yield from ("", words)
    for row, count in list(rows.items())[:_MOST_ROWS]:
        yield f"  {count:>9,}  {row}"
    yield from _more(len(rows) - _MOST_ROWS)


def _more(count: int) -> Iterator[str]:
    if count > 0:
        yield f"  and {count:,} more"


def _total(total: Total, unit: str) -> str:
    unknown = f" (unknown for {total.unknown:,} calls)" if total.unknown else ""
    if total.before is None or total.after is None:
        return f"unknown{unknown}"
    return f"{total.before} -> {total.after} {unit}{_change(total)}{unknown}"


def _change(total: Total) -> str:
    before, after = float(total.before or 0), float(total.after or 0)
    return f", {100 * (after / before - 1):+.1f} %" if before else ""
