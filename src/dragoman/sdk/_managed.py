"""The part of a `Router` that reads and changes its list and its settings while calls go on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dragoman import routing
from dragoman.errors import DragomanError
from dragoman.routing import RouterSettings, parse_model_list
from dragoman.routing.deployments.group_info import group_info
from dragoman.routing.deployments.ids import DeploymentIds
from dragoman.routing.deployments.model_list import parse_deployment
from dragoman.routing.event_log import log_event
from dragoman.routing.settings.table import Reading
from dragoman.sdk._arguments import (
    check_fixed,
    check_names,
    described,
    read_arguments,
    shown_settings,
    unknown_arguments,
    warn_of_later,
)
from dragoman.sdk._catalogue import CATALOGUE
from dragoman.sdk.custom import PROVIDERS
from dragoman.types.router import Deployment, ModelGroupInfo

if TYPE_CHECKING:
    from dragoman.models import Catalogue
    from dragoman.observe import Listener
    from dragoman.providers import Providers

__all__ = ["ManagedRouter"]

Entry = Mapping[str, Any] | Deployment
"""Of a model list."""


class ManagedRouter:
    """Its list and its settings. A change holds for the calls that begin after it, and whole or not at all: one with anything
    wrong in it raises `ConfigError` naming the field. Calls that are under way end by what they began with, and what is known
    of the deployments that stay (health, what is in flight, times, limits, affinity) stays known."""

    def __init__(
        self,
        model_list: Iterable[Mapping[str, Any]],
        values: Mapping[str, Any],
        *,
        providers: Providers | None,
        catalogue: Catalogue | None,
        listeners: Sequence[Listener],
        verify: bool | str,
    ) -> None:
        self._change = threading.Lock()
        self._told = {name: value for name, value in values.items() if value is not None}
        self._providers = providers or PROVIDERS
        self._catalogue = CATALOGUE if catalogue is None else catalogue
        self._ids = DeploymentIds()
        self._reading = read_arguments(self._told)
        deployments = parse_model_list(model_list, self._providers, catalogue=self._catalogue, ids=self._ids)
        later = (*unknown_arguments(self._told, ()), *self._reading.settings.defaults.later)
        warn_of_later(later, deployments)
        self._core = routing.CallRouter(
            deployments,
            settings=self._reading.settings,
            providers=self._providers,
            catalogue=self._catalogue,
            listeners=(log_event, *listeners),
            verify=verify,
        )
        check_names(self._reading, self._core.current_plan.index)

    @property
    def settings(self) -> RouterSettings:
        """What holds for its calls, with the defaults."""
        return self._core.settings

    @property
    def model_names(self) -> list[str]:
        """The names that callers may use: aliases, patterns, and other names that are not hidden."""
        return list(self._core.names)

    @property
    def model_list(self) -> list[dict[str, Any]]:
        """As `get_model_list()`."""
        return self.get_model_list()

    def get_model_names(self) -> list[str]:
        """As `model_names`."""
        return self.model_names

    def get_model_list(self, model_name: str | None = None) -> list[dict[str, Any]]:
        """The deployments, or those that answer to a name (none where there is no such name), as entries of a model list,
        without their keys, addresses and headers."""
        return [described(deployment) for deployment in self._of(model_name)]

    def get_model_ids(self, model_name: str | None = None) -> list[str]:
        """The ids of the same deployments."""
        return [deployment.id for deployment in self._of(model_name)]

    def has_model_id(self, candidate_id: str) -> bool:
        """Whether a deployment has this id."""
        return candidate_id in self.get_model_ids()

    def get_deployment(self, model_id: str) -> Deployment | None:
        """The one with this id; None: there is none."""
        result = (item for item in self._core.deployments if item.id == model_id)
        return next((Deployment.model_validate(described(item)) for item in result), None)

    def get_deployment_by_model_group_name(self, model_group_name: str) -> Deployment | None:
        """Return the first deployment that answers to a name; None: there is none."""
        return next((Deployment.model_validate(described(item)) for item in self._of(model_group_name)), None)

    def get_model_info(self, id: str) -> dict[str, Any] | None:
        """As `get_deployment`, as an entry of a model list."""
        return next((described(item) for item in self._core.deployments if item.id == id), None)

    def get_model_group_info(self, model_group: str) -> ModelGroupInfo | None:
        """Return what holds for a name, whichever deployment answers; None: none does."""
        result = self._of(model_group)
        return ModelGroupInfo.model_validate(group_info(model_group, result)) if result else None

    def set_model_list(self, model_list: Iterable[Mapping[str, Any]]) -> None:
        """Serve these deployments, and no others. One without an id that asks the same model with the same key under the
        same alias as before keeps its id, and what is known of it."""

        def changed(listed: tuple[routing.Deployment, ...]) -> Sequence[routing.Deployment]:
            ids = self._ids.succeeding(listed)
            return parse_model_list(model_list, self._providers, catalogue=self._catalogue, ids=ids)

        self._relist(changed)

    def add_deployment(self, deployment: Entry) -> Deployment | None:
        """Serve one more. None: there is one with its `model_info.id` already, and nothing changes."""
        return self._put(deployment, replacing=False)

    def upsert_deployment(self, deployment: Entry) -> Deployment | None:
        """Serve it instead of the one with its `model_info.id`, or as one more where there is none."""
        return self._put(deployment, replacing=True)

    def delete_deployment(self, id: str) -> Deployment | None:
        """Serve it no longer. Gives what it was; None: there is none with this id. Raises `ConfigError` where a fallback, an
        alias or another setting names a model that would be gone."""
        gone = self.get_deployment(id)
        self._relist(lambda listed: [item for item in listed if item.id != id])
        return gone

    def get_settings(self) -> dict[str, Any]:
        """Return the settings by the names that `update_settings` takes, as given or else their defaults, without those of
        Redis."""
        return shown_settings(self._told, self.settings)

    def update_settings(self, **settings: Any) -> None:
        """Change these settings, and keep the others. None: the default. Those of parts with a memory (`redis_url`,
        `canary`, `mirror`, `health_check`, `fallback_alert`, affinity) are for `Router(...)` alone."""
        with self._change:
            check_fixed(settings)
            later = unknown_arguments(settings, ())
            lines = {name: value for name, value in {**self._told, **settings}.items() if value is not None}
            reading = read_arguments(lines)
            self._adopt(None, reading)
            self._told, self._reading = lines, reading
            warn_of_later((*later, *reading.settings.defaults.later), ())

    def _of(self, name: str | None) -> Sequence[routing.Deployment]:
        if name is None:
            return self._core.deployments
        try:
            result = self._core.candidates(name)
        except DragomanError:
            return ()
        listed = {deployment.id for deployment in self._core.deployments}
        return [deployment for deployment in result if deployment.id in listed]

    def _put(self, entry: Entry, *, replacing: bool) -> Deployment | None:
        values = entry if isinstance(entry, Mapping) else entry.model_dump(exclude_none=True)
        added: list[routing.Deployment] = []

        def changed(listed: tuple[routing.Deployment, ...]) -> Sequence[routing.Deployment]:
            built = parse_deployment(values, self._providers, catalogue=self._catalogue, ids=self._ids)
            known = any(item.id == built.id for item in listed)
            if known and not replacing:
                return listed
            added.append(built)
            return [built if item.id == built.id else item for item in listed] if known else [*listed, built]

        self._relist(changed)
        return self.get_deployment(added[0].id) if added else None

    def _relist(self, changed: Callable[[tuple[routing.Deployment, ...]], Sequence[routing.Deployment]]) -> None:
        with self._change:
            listed = self._core.current_plan.deployments
            deployments = changed(listed)
            if deployments is not listed:
                self._adopt(deployments, self._reading)
                warn_of_later((), [item for item in deployments if item not in listed])

    def _adopt(self, deployments: Sequence[routing.Deployment] | None, reading: Reading) -> None:
        settings = None if reading is self._reading else reading.settings
        plan = self._core.plan(deployments, settings)
        check_names(reading, plan.index)
        self._core.adopt(plan)
