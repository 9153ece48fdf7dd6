"""Names that control a gateway or an SDK, and so never reach a provider, wherever a caller or a configuration writes them.

They are LiteLLM's (https://docs.litellm.ai/docs/completion/input, https://docs.litellm.ai/docs/proxy/configs), as its users
write them. Those without an effect here are reported, by name only: many of their values are secrets.
"""

from __future__ import annotations

import re

from dragoman.litellm.unsupported import unsupported_names
from dragoman.types.name_cache import LONGEST_KEPT, cached_by_name

__all__ = ["CONTROL_NAMES", "is_control", "is_integration_secret", "is_secret_name", "spelled_alike"]

CONTROL_NAMES: frozenset[str] = unsupported_names("call")
"""Control parameters that have no effect yet."""
_PREFIXES_WORDS = """
    anthropic_federation_ anthropic_identity_ anthropic_issuer_ anthropic_keycloak_ arize_ auto_router_ aws_ azure_
    braintrust_ complexity_router_ dd_ gcs_ github_copilot_ helicone_ humanloop_ langfuse_ langsmith_ langtrace_
    litellm_ lunary_ newrelic_ openmeter_ otel_ posthog_ quality_router_ s3_ signoz_ token_exchange_ user_api_key_
    vertex_ wandb_ watsonx_ weave_
"""
_PREFIXES = tuple(_PREFIXES_WORDS.split())
"""How the settings of integrations and of credentials begin, those of tomorrow as well."""
_SECRETS_WORDS = """
    auth authorization credential credentials key passphrase passwd password pat pwd secret secrets token
"""
_SECRETS = frozenset(_SECRETS_WORDS.split())
"""The last word of a name that holds a credential."""
_NO_SECRETS_WORDS = """
    bos cls end eos image mask new pad sep special start stop unk
"""
_NO_SECRETS = frozenset(_NO_SECRETS_WORDS.split())
"""Before `token`: a token of a vocabulary (vLLM's `stop_token`, `add_bos_token`)."""
_REQUEST_NAMES = frozenset({"prompt_cache_key"})
"""Parameters of a provider's request that are named as a credential is and hold none."""
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_REFERENCES = frozenset({"base64", "env", "file", "id", "name", "path", "ref", "value"})
"""What may follow: `client_secret_ref`, `access_key_id`."""
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_MERGED = "extra_body"
"""The SDKs merge it into a body; as a field of a body, no provider knows it."""


@cached_by_name(maxsize=4096)
def is_control(name: str) -> bool:
    """Whether a parameter of this name is never sent to a provider: a control, or anything that looks like a credential."""
    if name in CONTROL_NAMES or name == _MERGED:
        return True
    other = spelled_alike(name)
    return other in CONTROL_NAMES or other.startswith(_PREFIXES) or is_secret_name(name)


def is_integration_secret(name: str) -> bool:
    """Whether it is the name of a credential of an integration (`langfuse_secret_key`), which has no other meaning anywhere."""
    return len(name) <= LONGEST_KEPT and is_control(name) and is_secret_name(name) and _has_prefix(name)


def spelled_alike(name: str) -> str:
    """Return a name in snake case: `apiBase`, `API_BASE` and `api-base` are `api_base`."""
    if name.islower() and "-" not in name:
        return name
    return _HUMP.sub("_", name).replace("-", "_").lower()


def _has_prefix(name: str) -> bool:
    return spelled_alike(name).startswith(_PREFIXES)


def is_secret_name(name: str) -> bool:
    """Whether it is the name of a credential by its words: `my_secret`, `accessToken`, `api-key`, `client_secret_ref`."""
    if name in _REQUEST_NAMES:
        return False
    words = [word.lower() for word in _WORD.findall(name[-LONGEST_KEPT:])]
    while len(words) > 1 and words[-1] in _REFERENCES:
        words.pop()
    if not words or words[-1] not in _SECRETS:
        return False
    return not (words[-1] == "token" and len(words) > 1 and words[-2] in _NO_SECRETS)
