"""How long things take: percentiles that forget, in constant memory, and that can be merged over processes."""

from __future__ import annotations

import math
from collections.abc import Iterable

__all__ = ["HALF_LIFE", "SERIES", "LatencyHistogram", "Observed", "bucket_of", "milliseconds_of"]

HALF_LIFE = 300.0
"""Seconds after which an observation weighs half. After a silence of that length all earlier observations together weigh one
at most, as a deployment that was not called for so long may have changed."""
SERIES = ("latency", "first_content", "per_token")
_GROWTH = 2 ** (1 / 8)
"""Growth of one bucket to the next: a percentile is at most 4.5 % off."""
_SHORTEST, _LONGEST = 0.01, 10_000_000.0
_RESCALE_AFTER = 40
"""Half-lives after which weights are rescaled, long before a float overflows."""
_NOTHING = 1e-6


def bucket_of(milliseconds: float) -> int:
    """Return the bucket that a time falls into. There are at most 240."""
    return round(math.log(min(max(milliseconds, _SHORTEST), _LONGEST), _GROWTH))


def milliseconds_of(bucket: int) -> float:
    return float(_GROWTH**bucket)


class LatencyHistogram:
    """A histogram with logarithmic buckets. A new observation weighs more than an old one instead of the old one being decayed,
    so that an observation is one addition, and percentiles need no clock."""

    __slots__ = ("_percentiles", "_start", "_weights")

    def __init__(self, start: float = 0.0, weights: Iterable[tuple[int, float]] = ()) -> None:
        """`weights` are as of the time `start`."""
        self._start = start
        self._weights = dict(weights)
        self._percentiles: dict[float, float | None] = {}

    def add(self, milliseconds: float, now: float) -> None:
        self.add_bucket(bucket_of(milliseconds), 1.0, now)

    def add_bucket(self, bucket: int, count: float, now: float) -> None:
        half_lives = (now - self._start) / HALF_LIFE
        if half_lives > _RESCALE_AFTER:
            self._rescale(now, half_lives)
            half_lives = 0.0
        self._weights[bucket] = self._weights.get(bucket, 0.0) + count * 2**half_lives
        self._percentiles.clear()

    def _rescale(self, now: float, half_lives: float) -> None:
        factor = 2 ** -min(half_lives, 1000.0)
        kept = ((bucket, weight * factor) for bucket, weight in self._weights.items())
        self._weights = {bucket: weight for bucket, weight in kept if weight > _NOTHING}
        self._start = now

    def fade(self, now: float) -> None:
        """Reduce the old observations to a weight of one together."""
        weight = self.weight(now)
        if weight > 1.0:
            self._weights = {bucket: known / weight for bucket, known in self._weights.items()}
            self._percentiles.clear()

    def weight(self, now: float) -> float:
        """Return how many observations this amounts to now, as old ones count less."""
        return float(sum(self._weights.values()) * 2 ** -min((now - self._start) / HALF_LIFE, 1000.0))

    def percentile(self, share: float) -> float | None:
        """Return the milliseconds within which this share (0.95) ended; None without observations."""
        if share not in self._percentiles:
            self._percentiles[share] = self._walk(share)
        return self._percentiles[share]

    def _walk(self, share: float) -> float | None:
        # Read in one step, as another thread may write.
        weights = sorted(self._weights.items())
        remaining = share * sum(weight for _, weight in weights)
        for bucket, weight in weights:
            remaining -= weight
            if remaining <= _NOTHING * weight:
                return milliseconds_of(bucket)
        return milliseconds_of(weights[-1][0]) if weights else None

    @property
    def p50(self) -> float | None:
        percentiles = self._percentiles
        return percentiles[0.50] if 0.50 in percentiles else self.percentile(0.50)

    @property
    def p95(self) -> float | None:
        percentiles = self._percentiles
        return percentiles[0.95] if 0.95 in percentiles else self.percentile(0.95)


class Observed:
    """The observed times of one key: whole calls, first content, and time for each token written."""

    __slots__ = ("first_content", "last", "latency", "per_token")

    def __init__(
        self, latency: LatencyHistogram, first_content: LatencyHistogram, per_token: LatencyHistogram, last: float
    ) -> None:
        self.latency = latency
        self.first_content = first_content
        self.per_token = per_token
        self.last = last
        """When it was last observed."""

    def seen(self, now: float) -> None:
        """Note that something is observed now."""
        if now - self.last > HALF_LIFE:
            for histogram in (self.latency, self.first_content, self.per_token):
                histogram.fade(now)
        self.last = now

    @classmethod
    def nothing(cls, now: float) -> Observed:
        return cls(LatencyHistogram(now), LatencyHistogram(now), LatencyHistogram(now), now)
