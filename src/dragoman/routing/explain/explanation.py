"""What would happen to a call, as frozen records of plain values: no key, no address, no content of the call."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from dragoman.routing.choice.canary import CanaryPreview
from dragoman.routing.recovery.hedge import HedgePreview
from dragoman.types.cost import CostBounds, CostLine, dollars

__all__ = [
    "Candidate",
    "CostPreview",
    "Explanation",
    "FallbackPlanPreview",
    "FallbackPreview",
    "HedgePreview",
    "LimitUse",
    "MirrorPreview",
    "PreviewLine",
    "QueuePreview",
    "Refusal",
    "ResumptionPreview",
    "preview_of",
]


@dataclass(frozen=True, slots=True)
class PreviewLine:
    """One bucket of the upper bound. Money is US dollars, exactly, as decimal digits."""

    bucket: str
    count: int
    rate: str
    per: int
    """The rate is for so many."""
    amount: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CostPreview:
    """What the call can cost. None: unknown."""

    lower: str | None
    """US dollars, as all money here."""
    upper: str | None
    input_tokens: int | None
    """The most that the request can hold."""
    output_tokens: int | None
    """The most that may be answered."""
    lines: tuple[PreviewLine, ...] = ()
    row: str = ""
    """The row of the catalogue whose prices apply."""
    source: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LimitUse:
    """A limit of a deployment."""

    name: str
    used: int
    asks: int
    """What this call takes of it."""
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A deployment of the model group."""

    deployment: str
    provider: str
    model: str
    order: int
    chosen: bool = False
    score: float | None = None
    """The strategy's; lower is better. None: it was not compared, or nothing is known of it."""
    dropped: str | None = None
    """Why it would not get the call."""
    until: float | None = None
    """Unix seconds: when what keeps calls from it is over."""
    probe: bool = False
    """It has been out: this call would find out whether it works again."""
    limits: tuple[LimitUse, ...] = ()
    cost: CostPreview | None = None


@dataclass(frozen=True, slots=True)
class FallbackPreview:
    """A fallback."""

    alias: str
    deployment: str | None
    """The deployment that would get the call now. None: none can take it."""
    why: str


@dataclass(frozen=True, slots=True)
class FallbackPlanPreview:
    """What follows where the chosen deployment fails in one way."""

    on: str
    """`general`, `context_window` or `content_policy`."""
    error: str
    """A class of error that stands for it."""
    attempts: int
    """At most so many within the model group, the first included."""
    fallbacks: tuple[FallbackPreview, ...]
    """In the order in which they would be tried."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The call would fail before anything is sent."""

    error: str
    status: int
    message: str
    param: str | None = None
    code: str | None = None
    retry_after: float | None = None
    """Seconds."""


@dataclass(frozen=True, slots=True)
class QueuePreview:
    """The call would stand in the line."""

    alias: str
    position: int
    """Among the calls that wait for the same model group, from 1 on."""
    priority: int
    until: float
    """Unix seconds: a call that is not served by then is refused."""
    ready: float | None
    """Unix seconds: when its turn may come, as far as that is known. None: whenever a call ends."""


@dataclass(frozen=True, slots=True)
class MirrorPreview:
    """A mirror."""

    model: str
    share: float
    """Of such calls, that are copied to it."""


@dataclass(frozen=True, slots=True)
class ResumptionPreview:
    """What follows where the stream breaks off after its first content."""

    continues: bool
    """Another deployment may go on with the answer. Else the stream ends with its error."""
    why: str
    deployments: tuple[str, ...] = ()
    """The deployments that are known to be able to, in the order in which their model groups are tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What would happen to a call now. Chance, where a strategy uses it, may decide otherwise the next time."""

    model: str
    """As the caller named it."""
    operation: str
    stream: bool
    alias: str
    """The requested model group."""
    route: str | None
    """The conditional route that led there, by its place in the configuration."""
    strategy: str
    chosen: str | None
    """The deployment that would get the call first. None: none, or none at once."""
    why: str
    candidates: tuple[Candidate, ...]
    fallback: str = ""
    """The model group of `chosen` where it is not `alias`, of which no deployment can take the call."""
    queue: QueuePreview | None = None
    """Where the call would have to wait."""
    ready: float | None = None
    """If no deployment can take the call: when the first may (Unix seconds). None: time alone does not help."""
    refusal: Refusal | None = None
    tokens: int | None = None
    """Of the input."""
    tokens_by: str = ""
    """The vocabulary that counted, or `estimate`."""
    tokens_exact: bool = False
    dropped_params: tuple[str, ...] = ()
    """What would be left out of the request for this provider."""
    passes_through: bool = False
    """The caller's own body would be sent unchanged, as the provider speaks the caller's dialect."""
    cost: CostPreview | None = None
    """At the chosen deployment."""
    hedge: HedgePreview | None = None
    """None: no hedge is wanted."""
    mirrors: tuple[MirrorPreview, ...] = ()
    """Who would get a copy, once the call is answered by `chosen`."""
    canaries: tuple[CanaryPreview, ...] = ()
    mid_stream: ResumptionPreview | None = None
    """Of a streamed call."""
    plans: tuple[FallbackPlanPreview, ...] = ()
    timeout: float = 0.0
    """Seconds, all attempts and waits together."""
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON's values."""
        return asdict(self)


def preview_of(bounds: CostBounds) -> CostPreview:
    return CostPreview(
        lower=_money(bounds.lower),
        upper=_money(bounds.upper),
        input_tokens=bounds.input_tokens,
        output_tokens=bounds.output_tokens,
        lines=tuple(_line(line) for line in bounds.lines),
        row=bounds.model,
        source=bounds.source,
        notes=bounds.notes,
    )


def _line(line: CostLine) -> PreviewLine:
    return PreviewLine(line.bucket, line.count, dollars(line.rate), line.per, dollars(line.amount))


def _money(amount: int | None) -> str | None:
    return None if amount is None else dollars(amount)
