"""What each fault must come to: one row for each, and the rules that turn a row into what a whole call must show."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["FAULTS", "WAYS", "Expected", "Fault", "Way", "expected"]


class Fault(NamedTuple):
    error: str
    """The class of the caller's error."""
    status: int
    here: bool
    """Whether the same deployment is worth asking again."""
    elsewhere: bool
    """Whether another one is."""
    retry_after: float | None = None
    reaches: bool = True
    """The provider sees the request."""
    takes_out: str = ""
    """At once: `credential`; `deployment`, where there is somewhere else to go; `limit`, the same for a limit."""
    after_content: bool = False
    """A stream has said something by then."""


_NETWORK = Fault("APIConnectionError", 502, True, True)
_UNREACHED = _NETWORK._replace(reaches=False)
_SERVER = Fault("InternalServerError", 500, True, True)
_SLOW = Fault("Timeout", 408, True, True)

FAULTS: dict[str, Fault] = {
    "refused": _UNREACHED,
    "tls": _UNREACHED,
    "dns": _UNREACHED,
    "slow headers": _SLOW,
    "slow first content": _SLOW,
    "401": Fault("AuthenticationError", 401, False, True, takes_out="credential"),
    "403": Fault("PermissionDeniedError", 403, False, True, takes_out="deployment"),
    "404": Fault("NotFoundError", 404, False, True, takes_out="deployment"),
    "408": _SLOW,
    "409": Fault("ConflictError", 409, True, True),
    "413": Fault("RequestTooLargeError", 413, False, True),
    "422": Fault("UnprocessableEntityError", 422, False, False),
    "429": Fault("RateLimitError", 429, True, True, takes_out="limit"),
    "429 with retry-after": Fault("RateLimitError", 429, True, True, retry_after=7, takes_out="limit"),
    "500": _SERVER,
    "502": Fault("BadGatewayError", 502, True, True),
    "503": Fault("ServiceUnavailableError", 503, True, True),
    "504": Fault("Timeout", 408, True, True),
    "529": Fault("ServiceUnavailableError", 503, True, True),
    "malformed": Fault("APIResponseValidationError", 502, True, True),
    "error first": _SERVER,
    "cut before content": _NETWORK,
    "cut in text": _NETWORK._replace(after_content=True),
    "cut in a tool call": _NETWORK._replace(after_content=True),
    "stall": _SLOW._replace(after_content=True),
}


class Way(NamedTuple):
    """What a call has to go on with."""

    retries: int
    own: tuple[bool, ...]
    """The deployments of the model, in their order: whether each has the fault."""
    backup: bool = False
    """A fallback in another dialect, that is well."""
    once: bool = False
    """The fault is over after its first time."""

    @property
    def alone(self) -> bool:
        return len(self.own) == 1 and not self.backup


WAYS: dict[str, Way] = {
    "none": Way(0, (True,)),
    "again": Way(1, (True,), once=True),
    "again in vain": Way(2, (True,)),
    "another": Way(1, (True, False)),
    "another in vain": Way(3, (True, True)),
    "fallback": Way(0, (True,), backup=True),
    "fallback before waiting": Way(2, (True,), backup=True),
}


class Expected(NamedTuple):
    attempts: list[tuple[str, str | None]]
    """Deployment, and the class of its error."""
    seen: dict[str, int]
    """How often each was really asked."""
    events: list[str]
    error: str | None
    """The caller's."""
    slept: list[float]
    """Seconds, for the first waits."""


def expected(fault: Fault, way: Way, *, stream: bool) -> Expected:
    if fault.after_content and stream:
        events = ["AttemptEnded smart:0 None", f"CallFailed {fault.error}"]
        return Expected([("smart:0", None)], {"smart:0": 1}, events, fault.error, [])
    attempts = _attempts(fault, way)
    answered = attempts[-1][1] is None
    seen: dict[str, int] = {}
    for name, error in attempts:
        seen[name] = seen.get(name, 0) + (error is None or fault.reaches)
    slept = len(attempts) - len({name for name, _ in attempts})
    return Expected(
        attempts, seen, _events(fault, way, attempts), None if answered else fault.error, _waits(fault, way, slept)
    )


def _attempts(fault: Fault, way: Way) -> list[tuple[str, str | None]]:
    """The deployments of the model in turn, those that may be asked again after them, and then the fallback."""
    made: list[tuple[str, str | None]] = [("smart:0", fault.error)]
    left = way.retries
    for number, faulty in enumerate(way.own[1:], 1):
        if fault.elsewhere and left:
            made.append((f"smart:{number}", fault.error if faulty else None))
            left -= 1
    if way.backup:
        return [*made, ("backup:0", None)] if fault.elsewhere else made
    while fault.here and left and made[-1][1] is not None:
        mended = way.once and fault.reaches
        made.append((f"smart:{len(made) % len(way.own)}", None if mended else fault.error))
        left -= 1
    return made


def _waits(fault: Fault, way: Way, times: int) -> list[float]:
    """Before the first repetition: what was asked for, or backoff with the chance of 0.5; where it is out, as long as that."""
    if not times:
        return []
    if fault.takes_out == "limit" and not way.alone:
        return [fault.retry_after or 5.0]
    return [fault.retry_after or 0.25]


def _events(fault: Fault, way: Way, attempts: list[tuple[str, str | None]]) -> list[str]:
    told: list[str] = []
    for name, error in attempts:
        if name == "backup:0":
            told.append(f"FallbackStarted backup {fault.error}")
        if error is not None and _out(fault, way):
            told.append("CircuitOpened credential" if fault.takes_out == "credential" else f"CircuitOpened {name}")
        told.append(f"AttemptEnded {name} {error}")
    return [*told, "CallSucceeded" if attempts[-1][1] is None else f"CallFailed {fault.error}"]


def _out(fault: Fault, way: Way) -> bool:
    """Who stands alone is only kept from calls by what the provider itself said of its limits."""
    if fault.takes_out == "credential" or not way.alone:
        return bool(fault.takes_out)
    return fault.takes_out == "limit" and fault.retry_after is not None
