"""Which deployments answer to a name: aliases, patterns such as `openai/*`, and models that are in no list."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING

from dragoman.errors import BadRequestError, ConfigError, DragomanError, NotFoundError
from dragoman.providers import Providers
from dragoman.routing.choice.canary import Canaries
from dragoman.routing.choice.group import ModelGroup
from dragoman.routing.deployments.deployment import Deployment
from dragoman.routing.deployments.member import Member
from dragoman.routing.deployments.pricing import with_entry
from dragoman.routing.settings.aliases import Alias
from dragoman.routing.settings.call_options import NO_OPTIONS, CallOptions
from dragoman.routing.settings.checks import CheckPolicy
from dragoman.routing.strategies import Strategy
from dragoman.settings.suggestions import did_you_mean

if TYPE_CHECKING:
    from dragoman.models import Catalogue

__all__ = ["DeploymentIndex"]

_WILD = frozenset("*?[")
_MOST_COMPARED = 200
"""Names that an unknown model is compared with. Any caller can name one, and 200 comparisons take some 8 ms."""
_LENGTH_DIFFERENCE = 3
"""Characters by which a name that is suggested may be longer or shorter."""


class DeploymentIndex:
    """Model groups by alias, with what the catalogue says of their models by now."""

    def __init__(
        self,
        deployments: Iterable[Deployment],
        providers: Providers,
        catalogue: Catalogue,
        strategy_of: Callable[[str], Strategy],
        has_fallback: Callable[[str], bool],
        *,
        allow_unlisted: bool,
        checks: CheckPolicy | None = None,
        canaries: Canaries | None = None,
        names: Mapping[str, Alias] = MappingProxyType({}),
    ) -> None:
        self._providers = providers
        self._catalogue = catalogue
        self._strategy_of = strategy_of
        self._has_fallback = has_fallback
        self._allow_unlisted = allow_unlisted
        self._checks = checks
        self._canaries = canaries
        self._names = names
        """Other names of models."""
        self._seen_version = catalogue.version
        self._groups = self._grouped(deployments)
        if canaries is not None:
            canaries.check(self.deployments)
        self._patterns = sorted((alias for alias in self._groups if not _WILD.isdisjoint(alias)), key=_specificity)

    @property
    def aliases(self) -> tuple[str, ...]:
        return tuple(self._groups)

    @property
    def deployments(self) -> tuple[Deployment, ...]:
        return tuple(member.deployment for member in self.members())

    def members(self) -> Iterator[Member]:
        """Yield the members of all groups, as the catalogue describes them now."""
        return (member for group in self.groups().values() for member in group.members)

    def groups(self) -> Mapping[str, ModelGroup]:
        version = self._catalogue.version
        if version != self._seen_version:
            self._groups = self._grouped(
                member.deployment for group in self._groups.values() for member in group.members
            )
            self._seen_version = version
        return self._groups

    def group(self, model: str, options: CallOptions) -> ModelGroup:
        """Those that answer to `model`. Raises `NotFoundError` or `BadRequestError`."""
        groups = self.groups()
        if model in self._names:
            model = self._names[model].model
        result = groups.get(model)
        if result is not None:
            return result
        pattern = next((pattern for pattern in self._patterns if fnmatch.fnmatchcase(model, pattern)), None)
        if pattern is not None:
            wild = groups[pattern]
            return wild.with_deployments(model, [self._resolved(member.deployment, model) for member in wild.members])
        if not self._allow_unlisted:
            remark = self._suggestion(model)
            raise NotFoundError(f"the model {model!r} does not exist here{remark}", param="model", model=model)
        try:
            return self.unlisted_group(model, options)
        except BadRequestError as error:
            if not groups or error.code != "unknown_provider":
                raise
            remark = self._suggestion(model)
            reason = "" if remark else f"; {error.message}"
            message = f"{model[:64]!r} is not in model_list{remark}{reason}"
            raise BadRequestError(message, param="model", code=error.code, model=model) from None

    def unlisted_group(self, model: str, options: CallOptions) -> ModelGroup:
        """Return the group of a model in no list. Raise `BadRequestError` if its provider is unknown."""
        provider, name = self._providers.resolve(model, options.custom_llm_provider)
        entry = self._catalogue.find(provider.name, name)
        deployment = Deployment(id=model, alias=model, provider=provider, model=name, entry=entry)
        return ModelGroup(model, (Member(deployment, "", "", alone=True),), self._strategy_of(model), self._checks)

    def _suggestion(self, model: str) -> str:
        """Return the remark that names the model which was probably meant; empty if none resembles it."""
        shown = (name for name in self._groups if _WILD.isdisjoint(name))
        others = (name for name, alias in self._names.items() if not alias.hidden)
        near = (name for name in (*shown, *others) if abs(len(name) - len(model)) <= _LENGTH_DIFFERENCE)
        return did_you_mean(model, islice(near, _MOST_COMPARED))

    def check(self, *named: tuple[str, str]) -> None:
        """Check each (path, model) that a configuration names. Raise `ConfigError` for a model that does not exist."""
        for path, model in named:
            try:
                self.group(model, NO_OPTIONS)
            except DragomanError as error:
                raise ConfigError(f"{path}: {error.message}", param=path) from error

    def _resolved(self, deployment: Deployment, model: str) -> Deployment:
        """A wildcard's deployment for one model: `*` in its model becomes what the caller's `*` stood for."""
        previous, _, after = deployment.alias.partition("*")
        star = model[len(previous) : len(model) - len(after)] if model.startswith(previous) else model
        star = star.removeprefix(f"{deployment.provider.name}/")
        filled = replace(deployment, alias=model, model=deployment.model.replace("*", star), wild=True)
        return with_entry(filled, self._catalogue)

    def _grouped(self, deployments: Iterable[Deployment]) -> dict[str, ModelGroup]:
        by_alias: dict[str, list[Deployment]] = {}
        for deployment in deployments:
            by_alias.setdefault(deployment.alias, []).append(with_entry(deployment, self._catalogue))
        return {alias: self._group(alias, result) for alias, result in by_alias.items()}

    def _group(self, alias: str, deployments: Sequence[Deployment]) -> ModelGroup:
        canaries = () if self._canaries is None else self._canaries.ids
        regular = [item.id for item in deployments if item.id not in canaries]
        alone = regular[0] if len(regular) == 1 and not self._has_fallback(alias) else None
        members = [
            Member(item, item.id, item.credential_key, item.id == alone) for item in sorted(deployments, key=_order)
        ]
        group = ModelGroup(alias, members, self._strategy_of(alias), self._checks)
        return group if self._canaries is None else self._canaries.split(group)


def _specificity(pattern: str) -> int:
    """Return the sort key of a pattern: the one with most literal characters comes first, then the order of the list."""
    return -sum(character not in _WILD for character in pattern)


def _order(deployment: Deployment) -> int:
    return deployment.order
