"""What the calls of a log would have done under other settings: the same router decides at the same times, and nothing is sent.

A deployment answers or fails, and takes its time, as the log says that it did for this call. What another deployment would have
done is not known: it is taken to fail if its last call within the last minute failed by its own fault, and else to answer in the
average time of the log's calls there."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import Callable, Iterator

from dragoman.errors import DragomanError
from dragoman.routing.call import Answer, Call
from dragoman.routing.clock import Clock
from dragoman.routing.replay._doubts import Blindness, not_judged
from dragoman.routing.replay._log_file import Log
from dragoman.routing.replay._log_time import Chance, LogLoop, clock_of
from dragoman.routing.replay._logged import LoggedCall
from dragoman.routing.replay._played import ReplayedCall, ReplayedRouter
from dragoman.routing.replay._report import Replay, ReplayTally, Went
from dragoman.routing.replay._shares import Shares
from dragoman.routing.settings.call_options import NO_OPTIONS, CallOptions

__all__ = ["replay"]

_MOST_AT_ONCE = 10_000
"""Calls that overlap; where a log tells of more, the next begin as these end."""
_GARBAGE = 100_000
"""Objects."""


def replay(log: Log, make: Callable[[Clock], ReplayedRouter], seed: int = 0) -> Replay:
    """`make` gives a new router that has this clock, and a store of its own. Where the shares that chance deals out turn out not
    to be those of the log, the log is played once more, by the new shares."""
    shares = Shares()
    report = _performed(log, make, seed, shares)
    changed = shares.changed()
    return _performed(log, make, seed, Shares(changed, seed)) if changed else report


@contextlib.contextmanager
def _seldom_collected() -> Iterator[None]:
    """Calls leave no circles behind: looking for them now and then is enough."""
    thresholds = gc.get_threshold()
    gc.set_threshold(_GARBAGE)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)


def _performed(log: Log, make: Callable[[Clock], ReplayedRouter], seed: int, shares: Shares) -> Replay:
    with _seldom_collected(), asyncio.Runner(loop_factory=LogLoop) as runner:
        loop, chance = runner.get_loop(), Chance(seed)
        assert isinstance(loop, LogLoop)
        router = make(clock_of(loop, chance))
        router.perform(log, chance, shares)
        performance = _Performance(log, router, loop)
        runner.run(performance.run())
        return performance.tally.report(log)


class _Performance:
    """The calls in their order, those that overlapped overlapping."""

    def __init__(self, log: Log, router: ReplayedRouter, loop: LogLoop) -> None:
        self._log = log
        self._router = router
        self._loop = loop
        self._blindness = Blindness(router.settings)
        self._room = asyncio.Semaphore(_MOST_AT_ONCE)
        self.tally = ReplayTally(log.times)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as under_way:
            for number, logged in enumerate(self._log):
                if not number:
                    self._loop.now = logged.at
                elif logged.at > self._loop.now:
                    await asyncio.sleep(logged.at - self._loop.now)
                doubt = not_judged(logged)
                if doubt and not logged.outcomes:
                    self.tally.add(Went(logged, doubts=(doubt,)))
                    continue
                await self._room.acquire()
                under_way.create_task(self._one(f"replay_{number}", logged, doubt))
        await self._router.aclose()

    async def _one(self, request_id: str, logged: LoggedCall, doubt: str) -> None:
        play = self._router.stage.begin(request_id, logged)
        went = await self._played(play, request_id)
        self._router.stage.end(request_id)
        self._room.release()
        self.tally.add(went._replace(doubts=(doubt,)) if doubt else went, self._blindness.of(logged))

    async def _played(self, play: ReplayedCall, request_id: str) -> Went:
        logged, started = play.logged, self._loop.now
        call = Call(
            operation=logged.operation,
            model=logged.model,
            request=logged.request,
            stream=logged.stream,
            options=CallOptions(metadata=dict(logged.metadata)) if logged.metadata else NO_OPTIONS,
            request_id=request_id,
        )
        try:
            answer = await self._router.answer(call)
        except DragomanError as error:
            return Went(logged, error, doubts=tuple(play.doubts), assumed=play.assumed, inferred=play.inferred)
        except (TypeError, ValueError, AttributeError, LookupError, RecursionError):
            if logged.said is None:
                raise
            return Went(logged, doubts=("its request is none in OpenAI's shape",))
        assert isinstance(answer, Answer)
        return _answered(play, answer, (self._loop.now - started) * 1000)


def _answered(play: ReplayedCall, answer: Answer, took: float) -> Went:
    """`took`: milliseconds."""
    logged = play.logged
    path = [(item.deployment, item.error or "") for item in answer.attempts]
    as_logged = path == [(name, outcome.error) for name, outcome in play.outcomes]
    attempt = next(item for item in reversed(answer.attempts) if item.error is None)
    target = f"{attempt.provider}/{attempt.model}"
    known = took if play.time_known else None
    return Went(
        logged,
        deployment=attempt.deployment,
        target=target,
        is_there=play.was_answered_by(attempt.deployment, target),
        breaks_off=as_logged and bool(logged.error),
        milliseconds=logged.milliseconds if as_logged and len(path) > 1 else known,
        cost=None if answer.cost is None else answer.cost.total,
        by_fallback=bool(answer.fallback),
        doubts=tuple(play.doubts),
        assumed=play.assumed,
        inferred=play.inferred,
    )
