"""Write an explanation for a terminal."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator

from dragoman.gateway.wording import counted
from dragoman.routing import Explanation
from dragoman.routing.choice.canary import CanaryPreview
from dragoman.routing.explain.explanation import Candidate, CostPreview, FallbackPlanPreview, QueuePreview

__all__ = ["explanation_text"]


def explanation_text(explained: Explanation) -> str:
    return "\n".join(_lines(explained))


def _lines(explained: Explanation) -> Iterator[str]:
    yield from _outcome(explained)
    yield from _request(explained)
    yield from _beside(explained)
    yield ""
    yield f"  {counted(len(explained.candidates), 'deployment')}, strategy {explained.strategy}:"
    for candidate in explained.candidates:
        yield from _candidate(candidate)
    yield ""
    yield f"  where it fails (all within {explained.timeout:g} s):"
    for plan in explained.plans:
        yield from _plan(plan)


def _outcome(explained: Explanation) -> Iterator[str]:
    """Where the call goes and why, or why it fails."""
    stream = ", streamed" if explained.stream else ""
    yield f"{explained.model}  ({explained.operation}{stream})"
    if explained.route:
        yield _field("route", f"{explained.route} leads to {explained.alias}")
    yield _field("goes to", explained.chosen or "no deployment")
    yield _field("because", explained.why)
    if explained.fallback:
        yield _field("instead of", f"{explained.alias}, by the fallback {explained.fallback}")
    if explained.queue is not None:
        yield from _waiting(explained.queue)
    if explained.refusal is not None:
        refusal = explained.refusal
        later = "" if refusal.retry_after is None else f" (Retry-After: {math.ceil(refusal.retry_after)})"
        yield _field("fails with", f"{refusal.status} {refusal.error}: {refusal.message}{later}")
    if explained.ready is not None:
        yield _field("ready at", _moment(explained.ready))


def _request(explained: Explanation) -> Iterator[str]:
    """What would be sent, and what it costs."""
    if explained.tokens is not None:
        sure = "exact" if explained.tokens_exact else "about"
        yield _field("input", f"{sure} {explained.tokens:,} tokens, counted by {explained.tokens_by}")
    if explained.cost is not None:
        yield from _cost(explained.cost)
    if explained.dropped_params:
        yield _field("left out", ", ".join(explained.dropped_params))
    if explained.passes_through:
        yield _field("body", "passes through as it is: the provider speaks the caller's dialect")
    for note in explained.notes:
        yield _field("note", note)


def _waiting(queue: QueuePreview) -> Iterator[str]:
    when = "whenever a call ends" if queue.ready is None else f"perhaps at {_moment(queue.ready)}"
    place = f"at position {queue.position} for {queue.alias}, priority {queue.priority}"
    yield _field("waits", f"{place}; its turn comes {when}, and at {_moment(queue.until)} it is refused")


def _beside(explained: Explanation) -> Iterator[str]:
    """Who else is asked of this call, or may be."""
    hedge = explained.hedge
    if hedge is not None:
        after = "" if hedge.after is None else f"after {hedge.after:.3g} s "
        yield _field("if late", f"{after}{hedge.deployment or 'nobody'} is asked too: {hedge.why}")
    for mirror in explained.mirrors:
        yield _field("copied to", f"{mirror.model} (share {mirror.share:.4g} of such calls)")
    for canary in explained.canaries:
        yield _field("canary", _canary(canary))
        for gate in canary.gates:
            value = "unknown" if gate.value is None else f"{gate.value:.4g}"
            yield _field("", f"{gate.name}: {value}, stopped above {gate.limit:.4g}")
    if explained.mid_stream is not None:
        able = ", ".join(explained.mid_stream.deployments)
        after = f"{able} may go on" if explained.mid_stream.continues else "it ends with the error"
        yield _field("broken off", f"{after}: {explained.mid_stream.why}")


def _canary(canary: CanaryPreview) -> str:
    if canary.stopped:
        state = f"stopped by its {canary.stopped}"
    elif canary.drawn_by:
        state = f"this call is {'' if canary.drawn else 'not '}in it, by {canary.drawn_by}"
    else:
        state = "such calls are never in it"
    known = f"{canary.calls:,} calls in {canary.window:g} s, judged from {canary.least_calls:,} on"
    return f"{canary.deployment}, share {canary.share:.4g}: {state} ({known})"


def _field(name: str, text: str) -> str:
    return f"  {name:<10}  {text}"


def _moment(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _cost(cost: CostPreview) -> Iterator[str]:
    if cost.upper is None and cost.lower is None:
        yield _field("costs", f"unknown: {'; '.join(cost.notes)}")
        return
    most = "nobody knows how much at most" if cost.upper is None else f"at most {cost.upper}"
    yield _field("costs", f"at least {cost.lower or '0'}, {most} US dollars ({cost.row}, {cost.source})")
    for line in cost.lines:
        yield _field("", f"{line.count:,} {line.bucket} at {line.rate} for {line.per:,}: {line.amount}")
    for note in cost.notes:
        yield _field("", note)


def _candidate(candidate: Candidate) -> Iterator[str]:
    mark = "->" if candidate.chosen else "  "
    score = "" if candidate.score is None else f"  score {candidate.score:g}"
    yield f"  {mark} {candidate.deployment}  {candidate.provider}/{candidate.model}{score}"
    if candidate.dropped:
        until = "" if candidate.until is None else f", until {_moment(candidate.until)}"
        yield f"       {candidate.dropped}{until}"
    if candidate.probe:
        yield "       has been out: this call would find out whether it works again"
    for limit in candidate.limits:
        yield f"       {limit.name}: {limit.used:,} of {limit.limit:,} used, this call takes {limit.asks:,}"
    if candidate.cost is not None and not candidate.chosen and candidate.cost.upper is not None:
        yield f"       at most {candidate.cost.upper} US dollars"


def _plan(plan: FallbackPlanPreview) -> Iterator[str]:
    attempts = "1 attempt" if plan.attempts == 1 else f"up to {plan.attempts} attempts"
    yield f"    {plan.on}: {attempts}" + ("" if plan.fallbacks else ", no fallback")
    for target in plan.fallbacks:
        yield f"       then {target.alias}: {target.deployment or 'nobody'}  ({target.why})"
