"""Shadow traffic: a copy of a call that was answered goes to another model, in the background, and its answer is thrown away.

    mirror:
      - {from: smart, to: candidate, share: 0.1}

A copy never delays or fails the caller: it has its own timeout, makes one attempt, waits in no queue, and is dropped where too many
are under way. It costs the operator, never the caller: an event of its own tells of it, and it never uses the caller's key."""

from __future__ import annotations

import asyncio
import copy
import math
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from dragoman.observe import Listener, Mirrored, tell
from dragoman.routing.admission.admission import Admission
from dragoman.routing.admission.refusal import no_deployment_error
from dragoman.routing.call import Answer, Answerer, Call, StreamAnswer
from dragoman.routing.clock import Clock
from dragoman.routing.deployments.deployment import Deployment
from dragoman.routing.recovery.attempts import CallAttempts
from dragoman.routing.request import GroupRequest
from dragoman.routing.selection import NoDeployment
from dragoman.routing.settings.mirror import Mirror, MirrorPolicy
from dragoman.types.call_record import CallRecord

__all__ = ["Mirrors", "ask_once"]

_DROPPED = "Dropped"
_OUT_OF_TIME = "Timeout"

Send = Callable[[Call, str, float], Awaitable[Answer | StreamAnswer]]
"""(call, model, seconds)."""


class Mirrors:
    """Of one router. Copies live on the event loop of their call, and end with it."""

    def __init__(self, policy: MirrorPolicy, clock: Clock, listeners: Sequence[Listener]) -> None:
        self._policy = policy
        self._silent: Mapping[str, str] = {}
        """By the id of a deployment: the model that gets a copy of whatever it answers (`silent_model`)."""
        self._clock = clock
        self._listeners = listeners
        self._lock = threading.RLock()  # the collector may close a forgotten copy in the middle of a step
        self._tasks: dict[asyncio.AbstractEventLoop, set[asyncio.Task[None]]] = {}
        self.in_flight = 0
        self.dropped = 0
        """So many copies were not sent, as too many were under way."""

    def targets(self, deployments: Iterable[Deployment]) -> tuple[tuple[str, str], ...]:
        """Return (path in the configuration, model) of everything that would get copies of calls to these deployments."""
        rows = ((f"mirror[{position}].to", mirror.to) for position, mirror in enumerate(self._policy.mirrors))
        return (*rows, *((f"{name}.silent_model", model) for name, model in _silent(deployments).items()))

    def adopt(self, deployments: Iterable[Deployment]) -> None:
        """Which deployments there are now."""
        self._silent = _silent(deployments)

    def around(self, answerer: Answerer, send: Send) -> Answerer:
        """Return an answerer that copies calls once they are answered; the same one where nothing is ever copied."""
        if not (self._policy.mirrors or self._silent):
            return answerer

        async def answer(call: Call) -> Answer | StreamAnswer:
            answered = await answerer(call)
            if call.operation.repeatable and call.record is not None:
                self._copy(call, call.record, send)
            return answered

        return answer

    def _copy(self, call: Call, record: CallRecord, send: Send) -> None:
        """Send the copies of a call, if there are to be any. Return at once."""
        attempt = record.answering
        by = "" if attempt is None else attempt.deployment
        for model in dict.fromkeys(
            item.to for item in self._matching(call, record.alias, by) if self._is_sampled(item)
        ):
            self._start(call, record, model, send)

    def preview(self, call: Call, alias: str, deployment: str) -> tuple[tuple[str, float], ...]:
        """(model, share of such calls) of all that may get a copy of a call that this deployment answers."""
        if not call.operation.repeatable:
            return ()
        without: dict[str, float] = {}
        for mirror in self._matching(call, alias, deployment):
            without[mirror.to] = without.get(mirror.to, 1.0) * (1 - mirror.share)
        return tuple((model, round(1 - share, 9)) for model, share in without.items())

    def _matching(self, call: Call, alias: str, deployment: str) -> Iterator[Mirror]:
        for mirror in self._policy.mirrors:
            if mirror.source in (alias, call.model, "*") and mirror.to not in (alias, call.model):
                yield mirror
        silent = self._silent.get(deployment)
        if silent is not None and silent not in (alias, call.model):
            yield Mirror(alias, silent)

    def _is_sampled(self, mirror: Mirror) -> bool:
        return mirror.share >= 1.0 or self._clock.random() < mirror.share

    def _start(self, call: Call, record: CallRecord, model: str, send: Send) -> None:
        with self._lock:
            full = self.in_flight >= self._policy.max_in_flight
            self.in_flight += not full
            self.dropped += full
        if full:
            tell(self._listeners, Mirrored(record, model, 0.0, _DROPPED))
            return
        # The caller may go on to write into what it has asked.
        request_id = f"{call.request_id}:mirror:{model}"
        copied = replace(call, request=copy.deepcopy(call.request), request_id=request_id, record=None, write=None)
        loop = asyncio.get_running_loop()
        task = loop.create_task(self._run(copied, record, model, send))
        task._log_destroy_pending = False  # type: ignore[attr-defined]  # a loop that is closed at once ends it silently
        for other in [item for item in tuple(self._tasks) if item.is_closed()]:
            self._tasks.pop(other, None)
        tasks = self._tasks.setdefault(loop, set())
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def _run(self, call: Call, record: CallRecord, model: str, send: Send) -> None:
        began, error = self._clock.monotonic(), None
        answer: Answer | StreamAnswer | None = None
        try:
            async with asyncio.timeout(self._policy.timeout):
                answer = await send(call, model, self._policy.timeout)
                if isinstance(answer, StreamAnswer):
                    await _read(answer)
        except TimeoutError:
            error = _OUT_OF_TIME
        except Exception as failure:
            error = type(failure).__name__
        except BaseException as left:
            error = type(left).__name__
            raise
        finally:
            with self._lock:
                self.in_flight -= 1
            usage, cost = (None, None) if answer is None else (answer.usage, answer.cost)
            took = (self._clock.monotonic() - began) * 1000
            tell(self._listeners, Mirrored(record, model, took, error, usage, cost))

    async def aclose(self) -> None:
        """End the copies of the running event loop."""
        tasks = tuple(self._tasks.pop(asyncio.get_running_loop(), ()))
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


def _silent(deployments: Iterable[Deployment]) -> dict[str, str]:
    return {item.id: item.silent_model for item in deployments if item.silent_model}


async def _read(answer: StreamAnswer) -> None:
    try:
        async for _ in answer.batches:
            pass
    finally:
        await answer.aclose()


async def ask_once(
    request: GroupRequest, attempts: CallAttempts, admission: Admission, seconds: float
) -> Answer | StreamAnswer:
    """Make one attempt, if a deployment for which no call waits is available now. Raise `APIError`."""
    request, services = request.detached(), attempts.services
    ahead = attempts.queue.waiters_ahead((math.inf, math.inf), services.clock.monotonic())
    result = await admission.admit(request, ahead.deployments)
    if isinstance(result, NoDeployment):
        raise no_deployment_error(request.group.alias, result, services.store.now())
    return await attempts.ask(result, request, seconds)
