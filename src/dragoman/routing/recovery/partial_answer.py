"""What the parts of an answer used and cost that several deployments wrote one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from dragoman.types.cost import Cost
from dragoman.types.usage import TokenUsage

if TYPE_CHECKING:
    from dragoman.routing.attempt.stream import StreamOutcome
    from dragoman.routing.call import StreamAnswer

__all__ = ["PartialAnswer"]


class PartialAnswer(NamedTuple):
    """All that was written until a stream broke off."""

    usage: TokenUsage
    """Of it all, the deployments before included."""
    cost: Cost | None
    own_usage: TokenUsage
    """Of the deployment that broke off last."""
    own_cost: Cost | None
    is_counted: bool
    """It was counted here, as the provider reported no usage."""

    @classmethod
    def of(cls, broken: StreamAnswer, counted: Mapping[str, int], previous: PartialAnswer | None) -> PartialAnswer:
        fields = broken.own_usage
        own = cast(TokenUsage, dict(fields if fields is not None else counted))
        cost = None if broken.own_pricing is None else broken.own_pricing(own)
        if previous is None:
            return cls(own, cost, own, cost, fields is None)
        return cls(previous.with_usage(own), previous.with_cost(cost), own, cost, fields is None)

    def with_usage(self, usage: TokenUsage) -> TokenUsage:
        return cast(TokenUsage, _added(cast("dict[str, Any]", self.usage), cast("dict[str, Any]", usage)))

    def with_cost(self, cost: Cost | None) -> Cost | None:
        """The lines of both. What is unknown of one is left out of neither's: a total that misses a part is none."""
        own = self.cost
        if own is None or cost is None:
            return own or cost
        return Cost(
            total=_add(own.total, cost.total),
            lines=(*own.lines, *cost.lines),
            unpriced=tuple(dict.fromkeys((*own.unpriced, *cost.unpriced))),
            model=", ".join(dict.fromkeys(name for name in (own.model, cost.model) if name)),
            source=", ".join(dict.fromkeys(name for name in (own.source, cost.source) if name)),
            reported=_add(own.reported, cost.reported),
        )

    def join(self, answer: StreamAnswer, ending: StreamOutcome) -> None:
        """What `answer` will have used and cost comes to this."""
        price = answer.own_pricing = answer.pricing
        ending.earlier = self.with_usage

        def both(_usage: TokenUsage) -> Cost | None:
            own = answer.own_usage
            return self.with_cost(None if own is None or price is None else price(own))

        answer.pricing = both
        if ending.usage is None:
            ending.usage = self.usage
        else:
            ending.usage = self.with_usage(ending.usage)


def _add(first: int | None, second: int | None) -> int | None:
    return None if first is None or second is None else first + second


def _added(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Numbers added up, objects by their fields; of everything else the second's."""
    result = dict(first)
    for name, value in second.items():
        known = result.get(name)
        if isinstance(known, dict) and isinstance(value, dict):
            result[name] = _added(known, value)
        elif isinstance(known, list) and isinstance(value, list):
            result[name] = [*known, *value]
        elif _is_number(known) and _is_number(value):
            result[name] = known + value
        elif value is not None:
            result[name] = value
    return result


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
