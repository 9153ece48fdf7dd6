"""The providers by name: those of the caller, the built-in ones, and those of installed distributions."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from dragoman.errors import BadRequestError, ConfigError
from dragoman.models import provider_of
from dragoman.providers._mapping import provider_from_mapping
from dragoman.providers._provider import Provider
from dragoman.settings.suggestions import did_you_mean

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["ENTRY_POINTS", "Providers"]

ENTRY_POINTS = "dragoman.providers"
"""The group of entry points under which other distributions offer providers."""

_TABLE = Path(__file__).with_name("openai_compatible.toml")
_NOT_YET = frozenset(
    {"azure", "bedrock", "cohere_chat", "oci", "predibase", "replicate", "sagemaker", "sagemaker_chat", "sap", "triton",
     "vertex_ai", "vertex_ai_beta", "watsonx", "watsonx_text"}
)  # fmt: skip
"""Names that LiteLLM's users write, of providers whose own dialect is not built yet."""
_SIMILARITY = 0.65
"""Of the names that an error suggests."""
_OWN_MODULES = ("openai", "anthropic", "gemini")
"""Providers that are more than a row of `openai_compatible.toml`: modules beside this one."""


class Providers:
    """A look-up of providers: those that were added, then the built-in ones, then those of installed distributions."""

    def __init__(self, extra: Iterable[Provider] = ()) -> None:
        self._added: dict[str, Provider] = {}
        self._plugins: Mapping[str, EntryPoint] | None = None
        self._loaded: set[str] = set()
        self._broken: dict[str, str] = {}
        for provider in extra:
            self.add(provider)

    def add(self, provider: Provider) -> None:
        """Make `provider` known under its name and aliases; it wins over a built-in one of the same name."""
        for name in (provider.name, *provider.aliases):
            self._added[name.lower()] = provider

    def find(self, name: str) -> Provider:
        """Return the provider of this name or alias, in any case of letters. Raise `BadRequestError`, which suggests near names."""
        key = name.strip().lower()
        for look in (self._added.get, _built_in, self._from_plugins):
            provider = look(key)
            if provider is not None:
                return provider
        raise self._unknown(name)

    def resolve(self, model: str, custom_llm_provider: str | None = None) -> tuple[Provider, str]:
        """Return the provider of a model string, and the provider's own name of the model.

        `model` is `provider/model`; a well-known bare name (`gpt-6.1-sol`, `claude-...`, `gemini-...`); or any name if
        `custom_llm_provider` names the provider. Raise `BadRequestError`.
        """
        if not model or not model.strip():
            raise BadRequestError("model must be a non-empty string", param="model")
        if custom_llm_provider:
            provider = self.find(custom_llm_provider)
            prefix, slash, rest = model.partition("/")
            names = (provider.name, *provider.aliases, custom_llm_provider)
            return provider, rest if slash and rest and prefix in names else model
        prefix, slash, rest = model.partition("/")
        if slash:
            provider = self.find(prefix)
            if not rest:
                raise BadRequestError(f"no model is named in {model!r}", param="model", code="model_not_found")
            return provider, rest
        bare = provider_of(model)
        if bare is None:
            raise self._unknown_bare(model)
        return self.find(bare), model

    def names(self) -> tuple[str, ...]:
        """Return the names of all providers, without their aliases, sorted."""
        added = {provider.name for provider in self._added.values()}
        return tuple(sorted({*added, *_OWN_MODULES, *_rows(), *self._installed()}))

    def _installed(self) -> Mapping[str, EntryPoint]:
        """Return the entry points of other distributions, which are looked up once."""
        if self._plugins is None:
            from importlib.metadata import entry_points  # it takes longer to import than all of this package

            self._plugins = {plugin.name: plugin for plugin in entry_points(group=ENTRY_POINTS)}
        return self._plugins

    def _from_plugins(self, key: str) -> Provider | None:
        """Load the entry point of that name, or else all of them, for it may be an alias."""
        pending = {name: plugin for name, plugin in self._installed().items() if name not in self._loaded}
        for name in sorted(pending, key=lambda name: name.lower() != key):
            self._load(name, pending[name])
            if key in self._added:
                return self._added[key]
        return None

    def _load(self, name: str, plugin: EntryPoint) -> None:
        """Add what one entry point offers. A broken one is reported when its name is used, and disturbs no other provider."""
        self._loaded.add(name)
        try:
            for provider in _offered(plugin.load(), name):
                for alias in (provider.name, *provider.aliases):
                    self._added.setdefault(alias.lower(), provider)
        except Exception as error:
            self._broken[name.lower()] = f"{type(error).__name__}: {error}"

    def _unknown(self, name: str) -> BadRequestError | ConfigError:
        broken = self._broken.get(name.strip().lower())
        if broken is not None:
            return ConfigError(f"the installed provider {name!r} cannot be loaded: {broken}")
        if name.strip().lower() in _NOT_YET:
            return BadRequestError(
                f"the provider {name!r} is not supported yet", param="model", code="unsupported_provider"
            )
        maker = provider_of(name) or provider_of(f"{name}-")
        remark = f" (did you mean {maker!r}?)" if maker else did_you_mean(name, self._known(), 3, _SIMILARITY)
        return BadRequestError(
            f"unknown provider {name[:64]!r}{remark}",
            param="model",
            code="unknown_provider",
        )

    def _unknown_bare(self, model: str) -> BadRequestError:
        known, shown = self._known(), model[:64]
        if model.lower() in known:
            return BadRequestError(
                f"no model is named: expected '{model.lower()}/<model>'", param="model", code="model_not_found"
            )
        return BadRequestError(
            f"the provider of model {shown!r} is not known: expected 'provider/model', such as 'openai/{shown}', "
            f"or custom_llm_provider beside it{did_you_mean(model, known, 3, _SIMILARITY)}",
            param="model",
            code="unknown_provider",
        )

    def _known(self) -> set[str]:
        return {*self.names(), *_aliases(), *self._added}


@functools.cache
def _rows() -> Mapping[str, Mapping[str, Any]]:
    """Return the table of OpenAI-compatible providers, which is read once."""
    import tomllib

    return MappingProxyType(tomllib.loads(_TABLE.read_text("utf-8")))


@functools.cache
def _aliases() -> Mapping[str, str]:
    rows = {alias: name for name, row in _rows().items() for alias in row.get("aliases", ())}
    own = {alias: name for name in _OWN_MODULES for alias in _own(name).aliases}
    return MappingProxyType({**rows, **own})


def _own(name: str) -> Provider:
    provider: Provider = importlib.import_module(f"dragoman.providers.{name}").PROVIDER
    return provider


def _built_in(name: str) -> Provider | None:
    """Return the built-in provider of this name or alias."""
    canonical = name if name in _OWN_MODULES or name in _rows() else _aliases().get(name)
    return None if canonical is None else _record(canonical)


@functools.cache
def _record(name: str) -> Provider:
    if name in _OWN_MODULES:
        return _own(name)
    return provider_from_mapping({"name": name, **_rows()[name]}, f"openai_compatible.toml: {name}")


def _offered(value: Any, name: str) -> Iterable[Provider]:
    """Return the providers of an entry point, which may be a provider, several, the mapping of one, or a callable that returns
    any of these."""
    if isinstance(value, Provider):
        return (value,)
    if isinstance(value, Mapping):
        return (provider_from_mapping({"name": name, **value}, f"entry point {name}"),)
    if callable(value):
        return _offered(value(), name)
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [provider for item in value for provider in _offered(item, name)]
    raise ConfigError(f"entry point {name} offers {type(value).__name__}, not a dragoman.providers.Provider")
